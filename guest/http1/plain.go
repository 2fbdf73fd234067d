package http1

// The plain case: lines that are there whole, written the way nearly everybody writes them. What is found here is found by
// the general reader too, only later; whatever is not plain is left to it.
//
// Jumps are what costs in WebAssembly made by mainline Go, not arithmetic. So lines are read a word at a time, and a word
// may reach beyond the bytes that came, so far as the buffer goes: what it finds there is never believed.

// The ends of plain lines as words.
const (
	wordHTTP11 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
	wordCRLF   = '\r' | '\n'<<8
)

// plainRequestLine finds a request line of HTTP/1.1 with a plain method at the front of a head. end is where it ends, with its
// line end; 0 when it is not plain, not whole or longer than the limit.
func (s *section) plainRequestLine(head []byte, limit int) (end int) {
	b := head[:cap(head)]
	last := len(b) - 8
	i := 0
	for i <= last {
		n := firstLane(notNameLike(load(b, i)))
		if i += n; n < 8 {
			break
		}
	}
	if i == 0 || i > last || b[i] != ' ' {
		return 0
	}
	target := i + 1
	i = target
	for i <= last {
		n := firstLane(notVisible(load(b, i)))
		if i += n; n < 8 {
			break
		}
	}
	version := i + 1
	end = version + len("HTTP/1.1\r\n")
	if i == target || end > len(head) || end-len("\r\n") > limit || b[i] != ' ' ||
		load(b, version) != wordHTTP11 || load16(b, version+8) != wordCRLF {
		return 0
	}
	s.line, s.second, s.third = 0, target, version
	return end
}

// plainFields finds the fields at the front of a header section that have a plain name, one space and a value without
// tabs, up to the first that is not plain or not whole. done says that the section ends there. at is the offset of the
// byte that err refuses.
func (r *reader) plainFields(section []byte, limit int) (done bool, err ErrorCode, at int) {
	b := section[:cap(section)]
	last := len(b) - 8
	table := r.tables.Fields[:limit]
	mayFold := r.mayFold()
	line, fields := r.section.scanned, r.section.fields
	for fields < len(table) {
		i := line
		for i <= last {
			n := firstLane(notNameLike(load(b, i)))
			if i += n; n < 8 {
				break
			}
		}
		if i == line || i > last || load16(b, i) != ':'|' '<<8 {
			break
		}
		colon, value := i, i+len(": ")
		i = value
		for i <= last {
			n := firstLane(notText(load(b, i)))
			if i += n; n < 8 {
				break
			}
		}
		if i == value || i+len("\r\n") > len(section) || load16(b, i) != wordCRLF || b[value] == ' ' || b[i-1] == ' ' {
			break
		}
		if mayFold && (i+len("\r\n") == len(section) || isSpace(b[i+len("\r\n")])) {
			break
		}
		table[fields].set(line, colon, value, i)
		if means(colon - line) {
			if err := r.message.note(b[line:colon], b[value:i], value); err != ErrorCodeNone {
				return false, err, value
			}
		}
		fields++
		line = i + len("\r\n")
	}
	if done = line+len("\r\n") <= len(section) && load16(section, line) == wordCRLF; done {
		line += len("\r\n")
	}
	r.section.scanned, r.section.fields = line, fields
	return done, ErrorCodeNone, 0
}
