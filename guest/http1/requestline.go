package http1

// readRequestLine reads request-line = method SP request-target SP HTTP-version CRLF (RFC 9112 section 3), and the empty
// lines that may stand in front of it (section 2.2).
func (r *reader) readRequestLine() bool {
	s := &r.section
	head := r.boundHead()
	i := s.scanned
	if s.part == partEmptyLines {
		for len(head)-i >= 2 && head[i] == '\r' && head[i+1] == '\n' {
			i += 2
		}
		s.scanned = i
		if i == len(head) || len(head)-i == 1 && head[i] == '\r' {
			return r.wantHead(head)
		}
		if head[i] == '\r' || head[i] == '\n' {
			return r.fail(ErrorCodeLineEnd, i)
		}
		s.line, s.part = i, partMethod
	}
	// The line itself may be as long as the limit; its end comes on top.
	line := head
	if end := s.line + int(r.limits.StartLine) + len("\r\n"); len(line) > end {
		line = line[:end]
	}
	if s.part == partMethod {
		if i = skipToken(line, i); i == len(line) {
			return r.wantLine(line, i)
		}
		if line[i] != ' ' || i == s.line {
			return r.fail(ErrorCodeMethod, i)
		}
		i++
		s.second, s.part = i, partTarget
	}
	if s.part == partTarget {
		if i = skipVisible(line, i); i == len(line) {
			return r.wantLine(line, i)
		}
		switch {
		case line[i] == '\r' || line[i] == '\n':
			return r.fail(ErrorCodeVersion, i)
		case line[i] != ' ' || i == s.second:
			return r.fail(ErrorCodeTarget, i)
		}
		i++
		s.third, s.part = i, partVersion
	}
	if wrong := wrongVersion(line[s.third:]); wrong >= 0 {
		return r.failVersion(line, s.third+wrong)
	}
	if i = s.third + len("HTTP/1.1\r\n"); i > len(line) {
		return r.wantLine(line, len(line))
	}
	return r.endRequestLine(line, i)
}

// wrongVersion is the offset of the first byte that does not fit HTTP-version CRLF (RFC 9112 section 2.3), so far as b
// goes, or -1.
func wrongVersion(b []byte) int {
	const pattern = "HTTP/d.d\r\n"
	if len(b) > len(pattern) {
		b = b[:len(pattern)]
	}
	return mismatch(b, pattern)
}

// mismatch is the offset of the first byte of b that does not fit a pattern at least as long, in which "d" stands for a
// digit and every other byte for itself, or -1.
func mismatch(b []byte, pattern string) int {
	for i, c := range b {
		if want := pattern[i]; want == 'd' && !isDigit(c) || want != 'd' && want != c {
			return i
		}
	}
	return -1
}

// failVersion refuses the byte at offset at behind the target.
func (r *reader) failVersion(line []byte, at int) bool {
	if at-r.section.third >= len("HTTP/d.d") && (line[at] == '\n' || line[at-1] == '\r') {
		return r.fail(ErrorCodeLineEnd, at)
	}
	return r.fail(ErrorCodeVersion, at)
}

// endRequestLine takes the complete request line, whose end is offset end.
func (r *reader) endRequestLine(head []byte, end int) bool {
	s, m := &r.section, &r.message
	m.first = Span{Offset: uint32(s.line), Size: uint32(s.second - 1 - s.line)}
	m.target = Span{Offset: uint32(s.second), Size: uint32(s.third - 1 - s.second)}
	m.version = Version(head[s.third+5]-'0')<<8 | Version(head[s.third+7]-'0')
	method, target := head[s.line:s.second-1], head[s.second:s.third-1]
	if m.version>>8 != 1 {
		if m.version == 0x0200 && string(method) == "PRI" && string(target) == "*" {
			r.fail(ErrorCodeHTTP2Preface, s.line)
			r.phase = phaseHTTP2
			return false
		}
		return r.fail(ErrorCodeVersionUnsupported, s.third)
	}
	authority, ok := targetForm(method, target)
	if !ok {
		return r.fail(ErrorCodeTarget, s.second)
	}
	if authority.Size > 0 {
		m.authority = Span{Offset: authority.Offset + m.target.Offset, Size: authority.Size}
	}
	line := r.emit(EventLineReady, s.line)
	line.Version, line.First, line.Second = m.version, m.first, m.target
	s.startFields(end, end, 0)
	r.phase = phaseFields
	return true
}

// wantLine keeps how far the start line was looked at. It fails when the line cannot end within its limit.
func (r *reader) wantLine(line []byte, scanned int) bool {
	s := &r.section
	s.scanned = scanned
	long := s.line + int(r.limits.StartLine)
	if len(r.in) <= len(line) || len(line) < long+len("\r\n") {
		return r.wantHead(line)
	}
	if s.part == partTarget || s.part == partVersion {
		// The version has a fixed length: it is the target that leaves it no room.
		return r.fail(ErrorCodeTargetTooLong, long)
	}
	return r.fail(ErrorCodeLineTooLong, long)
}
