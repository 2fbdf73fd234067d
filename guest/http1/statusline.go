package http1

// statusPrefix is what a status line begins with: HTTP-version SP status-code SP, "d" standing for a digit.
const statusPrefix = "HTTP/d.d ddd "

// readStatusLine reads status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC 9112 section 4). The space
// in front of a reason that is not there is needed.
func (r *reader) readStatusLine() bool {
	s := &r.section
	head := r.boundHead()[r.at:]
	if len(head) == 0 {
		return false
	}
	if !r.asked() {
		return r.fail(ErrorCodeUnsolicited, 0)
	}
	line := head
	if most := int(r.limits.StartLine) + len("\r\n"); len(line) > most {
		line = line[:most]
	}
	if s.part == partEmptyLines {
		s.line = 0
		if wrong := wrongStatusPrefix(line); wrong >= 0 {
			return r.failStatusPrefix(wrong)
		}
		if len(line) < len(statusPrefix) {
			return r.wantLine(line, 0)
		}
		s.scanned, s.part = len(statusPrefix), partReason
	}
	i := skipValue(line, s.scanned)
	if atEnd(line, i) {
		return r.wantLine(line, i)
	}
	switch {
	case line[i] != '\r' && line[i] != '\n':
		return r.fail(ErrorCodeReason, i)
	case line[i] != '\r':
		return r.fail(ErrorCodeLineEnd, i)
	case line[i+1] != '\n':
		return r.fail(ErrorCodeLineEnd, i+1)
	}
	return r.endStatusLine(line, i) && r.readFields()
}

// asked reports whether an answer is due. What a server sends before it is asked must not be taken for the answer to the
// next request.
func (r *reader) asked() bool { return r.writeState != WriteStateEmpty }

// wrongStatusPrefix is the offset of the first byte that does not fit a status line's beginning, so far as b goes, or -1.
// A status is at least 100.
func wrongStatusPrefix(b []byte) int {
	if len(b) > len(statusPrefix) {
		b = b[:len(statusPrefix)]
	}
	const first = len("HTTP/d.d ")
	wrong := mismatch(b, statusPrefix)
	if len(b) > first && b[first] == '0' && (wrong < 0 || wrong > first) {
		return first
	}
	return wrong
}

// failStatusPrefix refuses the byte at offset at of a status line's beginning.
func (r *reader) failStatusPrefix(at int) bool {
	if at <= len("HTTP/d.d") {
		return r.fail(ErrorCodeVersion, at)
	}
	return r.fail(ErrorCodeStatus, at)
}

// endStatusLine takes the complete status line, whose reason ends at offset end.
func (r *reader) endStatusLine(line []byte, end int) bool {
	s, m := &r.section, &r.message
	const reason = len(statusPrefix)
	m.version = Version(line[5]-'0')<<8 | Version(line[7]-'0')
	m.status = Status(line[9]-'0')*100 + Status(line[10]-'0')*10 + Status(line[11]-'0')
	m.first = Span{Offset: uint32(reason), Size: uint32(end - reason)}
	if m.version>>8 != 1 {
		return r.fail(ErrorCodeVersionUnsupported, 0)
	}
	event := r.emit(EventLineReady, 0)
	event.Version, event.Status, event.First = m.version, m.status, m.first
	if m.status < 200 && m.status != 101 {
		event.Flags = EventFlagsInformational
	}
	s.startFields(end+len("\r\n"), end+len("\r\n"), 0)
	r.phase = phaseFields
	return true
}
