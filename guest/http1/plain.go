package http1

// The plain case: a head that has come whole, in lines written as nearly everybody writes them. What is found here the
// general reader finds too, only later; whatever is not plain is left to it.
//
// What costs in WebAssembly made by mainline Go is not arithmetic. A jump goes through a table and shuffles all variables,
// every block of code looks the memory up again, and every access to it is tested. So there are few of them:
//
//   - Four words are looked at before the first jump, though one might have been enough.
//   - What could be odd about a line becomes numbers that are 0 when it is not; they are or-ed and looked at once.
//   - Words may reach beyond the bytes that came, so far as the buffer goes, at most plainRoom. What is found there is never
//     believed: whatever is taken ends where the bytes do, or before.
//   - The members of a record are cut from words, for which the compiler makes one store each: see records.go.
//   - What is rare ends in a return, or goes back to the start of a loop. Where it joined the usual case again, the
//     compiler would have the usual case jump.

// plainRoom is how many bytes of the buffer have to lie behind those that came. The farthest look goes to a field that begins
// with the last of them: to 16 bytes of name, a colon and a space, 64 bytes of value, and a word behind.
const plainRoom = 96

// What stands between the parts of plain lines, and methods with the space behind them, as words.
const (
	wordHTTP1     = ' ' | 'H'<<8 | 'T'<<16 | 'T'<<24 | 'P'<<32 | '/'<<40 | '1'<<48 | '.'<<56
	word1CRLF     = '1' | '\r'<<8 | '\n'<<16
	wordCRLF      = '\r' | '\n'<<8
	wordColon     = ':' | ' '<<8
	wordHostColon = wordHost | wordColon<<32
	wordHEAD      = 'H' | 'E'<<8 | 'A'<<16 | 'D'<<24 | ' '<<32
	wordCONNECT   = 'C' | 'O'<<8 | 'N'<<16 | 'N'<<24 | 'E'<<32 | 'C'<<40 | 'T'<<48 | ' '<<56
)

// plainRequest reads at most the head of a request, of HTTP/1.1 and for a path. It returns where the reader goes on and how
// many events there are: three for a message without a body; two for a head that a body follows; one for a start line whose
// fields, beginning with the first that is not plain or not whole, are left to the general reader; none when everything is,
// and then nothing has changed but the tables.
func (c *Conn) plainRequest(in []byte, tables *Tables) (at, events int) {
	limits := c.limits
	if (cap(in)-len(in)-plainRoom)|(len(tables.Events)-eventsPerStep)|(len(tables.Fields)-1)|(int(limits.Fields)-1) < 0 {
		return 0, 0
	}
	head := in[:min(len(in), int(limits.Head))]
	b := open(head)
	method := b.word(0)
	target := firstLane(notNameLike(method)) + len(" ")
	targetEnd := b.visibleEnd(target, len(head))
	line := targetEnd + len(" HTTP/1.1\r\n")
	odd := oddMethod(method, target-len(" ")) | (b.half(target)&0xff ^ '/') |
		(b.word(targetEnd) ^ wordHTTP1) | (b.half(targetEnd+len(" HTTP/1."))&0xffffff ^ word1CRLF) |
		negative(len(head)-line) | negative(int(limits.StartLine)+len("\r\n")-line)
	if odd != 0 {
		return 0, 0
	}
	first, second := pack(0, target-len(" ")), pack(target, targetEnd-target)
	tables.Events[0].set(eventWord(EventLineReady, 0, VersionHTTP11, 0), c.position, first, second, 0, 0)
	table := tables.Fields[:min(int(limits.Fields), len(tables.Fields))]
	m := &c.message
	m.version = VersionHTTP11
	next := m.plainHost(head, line, &table[0])
	next, fields, done := m.plainFields(head, next, table, 1-int(zero(uint64(next-line))))
	if !done {
		m.first.put(first)
		m.target.put(second)
		c.section.startFields(line, next, fields)
		c.phase = phaseFields
		return 0, 1
	}
	if m.seen&seenHost == 0 {
		m.reset()
		return 0, 0
	}
	c.outgoing.head = (method^wordHEAD)<<24 == 0
	return next, c.takePlain(tables.Events, first, second, line, next, fields)
}

// oddMethod is 0 when a word begins with a method of this size and a space. The target of CONNECT is not a path.
func oddMethod(word uint64, size int) uint64 {
	return (word>>(size*8&63)&0xff ^ ' ') | uint64(size>>3) | zero(uint64(size)) | zero(word^wordCONNECT)
}

// takePlain takes the head of a request, which has a size and whose fields begin at offset line: it emits the header
// section, and the end of the message when there is no body. It returns the number of events there are.
func (c *Conn) takePlain(events []EventRecord, first, second packed, line, size, fields int) int {
	m, position := &c.message, c.position
	flags := m.flags | plainFlags[m.seen/seenClose%16]
	m.flags = flags
	events = events[:eventsPerStep]
	events[1].set(eventWord(EventHeaderReady, flags, VersionHTTP11, fields), position+uint64(line),
		first, second, m.authority.pack(), m.length)
	if flags&EventFlagsChunked != 0 || m.length > 0 {
		c.onRead(readHead)
		c.startBody()
		return eventsPerStep - 1
	}
	events[2].set(eventWord(EventReady, 0, 0, 0), position+uint64(size), 0, 0, 0, 0)
	c.readState, c.phase = wholeRequest(), phasePaused
	return eventsPerStep
}

// plainFlags are what the options come to that a head of HTTP/1.1 has shown: seenClose and the three that follow it.
var plainFlags = func() (flags [16]EventFlags) {
	for i := range flags {
		m := message{version: VersionHTTP11, seen: seenHost | seen(i)*seenClose}
		m.finishRequest(false)
		flags[i] = m.flags
	}
	return flags
}()

// plainHost reads the field at offset line if it is a Host, in its usual place right behind the request line, and its value
// at most 32 ALPHA, DIGIT, "-" and ".". It returns where the next line begins, or line. There has to be plainRoom behind in.
func (m *message) plainHost(in []byte, line int, f *FieldSpan) (next int) {
	b := open(in)
	value := line + len("Host: ")
	size := firstOfFour(notNameLike(b.word(value)), notNameLike(b.word(value+8)), notNameLike(b.word(value+16)), notNameLike(b.word(value+24)))
	next = value + size + len("\r\n")
	odd := ((b.word(line)|fold&0xffffffff)&(1<<48-1) ^ wordHostColon) | (b.half(value+size)&0xffff ^ wordCRLF) |
		zero(uint64(size)) | negative(len(in)-next-1)
	if odd != 0 {
		return line
	}
	m.seen = seenHost
	m.authority.put(pack(value, size))
	f.put(pack(line, len("Host")), pack(value, size))
	return next
}

// plainFields reads fields from offset line on, of which some are in the table already, up to the first that is not plain or
// not whole. Plain is a name of ALPHA, DIGIT, "-" and ".", one space, and a value without tabs that is not empty; and the byte
// that follows is there and does not begin more of the value (obs-fold). next is the offset of what was not read, and done
// says that the section ends there. There has to be plainRoom behind in.
func (m *message) plainFields(in []byte, line int, table []FieldSpan, count int) (next, fields int, done bool) {
	b := open(in)
	for {
		word := b.word(line)
		if word&0xffff == wordCRLF && line+len("\r\n") <= len(in) {
			return line + len("\r\n"), count, true
		}
		if count >= len(table) {
			return line, count, false
		}
		size := firstOfTwo(notNameLike(word), notNameLike(b.word(line+8)))
		colon := line + size
		value := colon + len(": ")
		valueSize := firstOfFour(notText(b.word(value)), notText(b.word(value+8)), notText(b.word(value+16)), notText(b.word(value+24)))
		next := value + valueSize + len("\r\n")
		odd := oddColon(b.half(colon), size) | oddEnd(b.word(next-len("x\r\n")), valueSize) | negative(len(in)-next-1)
		if odd|mayMean(word, size) != 0 {
			if next = m.otherField(in, line, size, valueSize, &table[count]); next == 0 {
				return line, count, false
			}
			line = next
			count++
			continue
		}
		table[count].put(pack(line, size), pack(value, valueSize))
		line = next
		count++
	}
}

// oddColon is 0 when a word begins with a colon, one space and the beginning of a value, behind a name of this size.
func oddColon(word uint64, nameSize int) uint64 {
	return (word&0xffff ^ wordColon) | zero(word>>16&0xff^' ') | zero(uint64(nameSize))
}

// oddEnd is 0 when a word begins with the end of a value of this size, CRLF, and no white space.
func oddEnd(word uint64, valueSize int) uint64 {
	return (word>>8&0xffff ^ wordCRLF) | zero(word&0xff^' ') | zero(word>>24&0xff^' ') | zero(word>>24&0xff^'\t') |
		zero(uint64(valueSize))
}

// mayMean is not 0 when a name of this size, which begins with a word, may be one that means something here.
func mayMean(word uint64, size int) uint64 {
	return zero((word|fold)&0xffffffff ^ uint64(beginnings[size&31]))
}

// beginnings are what the names begin with that mean something, by their sizes.
var beginnings = [32]uint32{
	len("host"):              wordHost,
	len("expect"):            wordExpe,
	len("upgrade"):           wordUpgr,
	len("connection"):        wordConnecti & 0xffffffff,
	len("content-length"):    wordContent & 0xffffffff,
	len("transfer-encoding"): wordTransfer & 0xffffffff,
}

// otherField reads a plain field that is long, or may mean something. size and valueSize are what the first words of its
// name and its value have told. It returns where the next line begins, 0 when the field is not plain after all, is not
// whole, or is wrong.
func (m *message) otherField(in []byte, line, size, valueSize int, f *FieldSpan) (next int) {
	b := open(in)
	switch {
	case size == 16:
		size = b.nameEnd(line+16, len(in)) - line
		valueSize = b.textEnd(line+size+len(": "), len(in)) - line - size - len(": ")
	case valueSize == 32:
		valueSize = b.textEnd(line+size+len(": ")+32, len(in)) - line - size - len(": ")
	}
	colon := line + size
	value := colon + len(": ")
	end := value + valueSize
	next = end + len("\r\n")
	if oddColon(b.half(colon), size)|oddEnd(b.word(end-1), valueSize)|negative(len(in)-next-1) != 0 {
		return 0
	}
	f.put(pack(line, size), pack(value, valueSize))
	if mayMean(b.word(line), size) != 0 && m.noteWrong(in[line:colon], in[value:end], value) {
		return 0
	}
	return next
}

// noteWrong takes a field into account. It reports whether the field is wrong, and was not; the general reader says how.
func (m *message) noteWrong(name, value []byte, offset int) bool {
	flags, seen := m.flags, m.seen
	if m.note(name, value, offset) == ErrorCodeNone {
		return false
	}
	m.flags, m.seen = flags, seen
	return true
}

// visibleEnd, nameEnd and textEnd are the offset of the first byte at or after i that is not VCHAR; not ALPHA, DIGIT, "-"
// or "."; not SP, VCHAR or obs-text. They stop at a byte behind end, which may be 31 bytes behind i or end.
func (w window) visibleEnd(i, end int) int {
	for {
		n := firstOfFour(notVisible(w.word(i)), notVisible(w.word(i+8)), notVisible(w.word(i+16)), notVisible(w.word(i+24)))
		if i += n; n < 32 || i >= end {
			return i
		}
	}
}

func (w window) nameEnd(i, end int) int {
	for {
		n := firstOfTwo(notNameLike(w.word(i)), notNameLike(w.word(i+8)))
		if i += n; n < 16 || i >= end {
			return i
		}
	}
}

func (w window) textEnd(i, end int) int {
	for {
		first, second, third, fourth := notText(w.word(i)), notText(w.word(i+8)), notText(w.word(i+16)), notText(w.word(i+24))
		if first|second|third|fourth != 0 {
			return i + firstOfFour(first, second, third, fourth)
		}
		if i += 32; i >= end {
			return i
		}
	}
}

// zero is 1 when n is 0, and 0 for every other n up to 1<<63.
func zero(n uint64) uint64 { return (n - 1) >> 63 }

// negative is not 0 when n is negative.
func negative(n int) uint64 { return uint64(n) >> 63 }
