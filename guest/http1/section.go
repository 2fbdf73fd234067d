package http1

// section is how far a head or a trailer section was looked at, so that bytes that come one at a time are looked at once.
// Offsets count from its first byte.
type section struct {
	part part
	// scanned is the first byte that was not looked at.
	scanned int
	// line, second and third are where the parts of the present line begin: of a request line the method, the target and
	// the version; of a status line the version and the reason; of a field line the name, the colon and the value.
	line, second, third int
	// fields is the number of complete fields, and fieldsStart where the first of them begins.
	fields, fieldsStart int
	// resumed says that some fields were found by an earlier call, and are missing in the present table.
	resumed bool
	// folded says that some values run over several lines.
	folded bool
}

// reset begins a section whose first byte belongs to a part.
func (s *section) reset(part part) {
	s.part, s.scanned, s.fields, s.fieldsStart, s.resumed, s.folded = part, 0, 0, 0, false, false
}

// startFields begins with the fields behind a start line that is complete, some of which were read.
func (s *section) startFields(start, scanned, fields int) {
	s.part, s.fieldsStart, s.scanned, s.fields = partLineStart, start, scanned, fields
}

// part says what the byte after the scanned ones belongs to.
type part uint8

const (
	partEmptyLines part = iota
	partMethod
	partTarget
	partVersion
	partReason

	partLineStart
	partName
	partSpace
	partValue
)

// wantHead asks for more of the head, or fails when it is as long as it may be.
func (r *reader) wantHead(head []byte) bool {
	r.section.resumed = r.section.fields > 0
	if len(r.in) > len(head) {
		return r.fail(ErrorCodeHeadTooLarge, len(head))
	}
	return false
}

// boundHead is what has come of a head, cut where it may not be longer.
func (r *reader) boundHead() []byte {
	if len(r.in) > int(r.limits.Head) {
		return r.in[:r.limits.Head]
	}
	return r.in
}

// readFields reads the header section and, with it, the end of the head.
func (r *reader) readFields() bool {
	head := r.boundHead()
	limit := min(int(r.limits.Fields), len(r.tables.Fields))
	if s := &r.section; s.part == partLineStart && s.fields == 0 && cap(head)-len(head) >= plainRoom {
		var done bool
		if s.scanned, s.fields, done = r.message.plainFields(head, s.scanned, r.tables.Fields[:limit], 0); done {
			return r.endHead(head)
		}
	}
	done, err, at := r.scanFields(head, limit)
	switch {
	case err != ErrorCodeNone:
		return r.fail(err, at)
	case !done:
		return r.wantHead(head)
	}
	return r.endHead(head)
}

// endHead takes the complete head: it emits the header section, and the end of the message when there is no body.
func (r *reader) endHead(head []byte) bool {
	s, m := &r.section, &r.message
	end := s.scanned
	if s.resumed || s.folded {
		if err, at := r.tableFields(head, s.fieldsStart); err != ErrorCodeNone {
			return r.fail(err, at)
		}
	}
	if err := r.finishHead(head); err != ErrorCodeNone {
		return r.fail(err, end-len("\r\n"))
	}
	header := r.emit(EventHeaderReady, s.fieldsStart)
	header.Flags, header.Version, header.FieldCount, header.Status = m.flags, m.version, uint16(s.fields), m.status
	header.First, header.Second, header.Authority, header.Length = m.first, m.target, m.authority, m.length
	m.first, m.target = Span{}, Span{}
	r.at = end
	s.reset(partEmptyLines)
	if r.role == RoleClient && r.endAnswerHead() {
		return true
	}
	r.onRead(readHead)
	if m.flags&(EventFlagsChunked|EventFlagsUntilClose) == 0 && m.length == 0 {
		r.endMessage()
	} else {
		r.startBody()
	}
	return true
}

// finishHead draws the conclusions from a whole head.
func (r *reader) finishHead(head []byte) ErrorCode {
	if r.role == RoleClient {
		return r.message.finishAnswer(&r.outgoing, r.writeState == WriteStateFinished)
	}
	m := &r.message
	r.outgoing.head, r.outgoing.connect = m.isMethod(head, "HEAD"), m.isMethod(head, "CONNECT")
	return m.finishRequest(r.outgoing.connect)
}

// endAnswerHead deals with a head that does not begin the body of an answer. It reports false for all others.
func (r *reader) endAnswerHead() bool {
	m := &r.message
	switch {
	case m.flags&EventFlagsInformational != 0:
		r.onRead(readInformational)
		m.reset()
		r.phase = phaseStart
	case m.flags&EventFlagsUpgrade != 0:
		r.onRead(readUpgrade)
		r.onWrite(writeUpgrade)
		r.outgoing = outgoing{raw: true}
		r.phase = phaseUpgrade
	default:
		r.outgoing.keepAlive = r.outgoing.keepAlive && m.flags&EventFlagsKeepAlive != 0
		return false
	}
	return true
}

// scanFields reads the field lines of a section and the empty line that ends it:
// *( field-name ":" OWS field-value OWS CRLF ) CRLF (RFC 9112 section 5). It goes on where an earlier call stopped. at is
// the offset of the byte that err refuses.
func (r *reader) scanFields(b []byte, limit int) (done bool, err ErrorCode, at int) {
	s := &r.section
	for i := s.scanned; ; {
		switch s.part {
		case partLineStart:
			if s.scanned = i; atEnd(b, i) {
				return false, ErrorCodeNone, 0
			}
			if b[i] == '\r' {
				s.scanned = i + len("\r\n")
				return b[i+1] == '\n', endError(b[i+1]), i
			}
			if s.fields == limit {
				return false, r.tooMany(), i
			}
			s.line, s.part = i, partName
			fallthrough
		case partName:
			if i = skipToken(b, i); i == len(b) {
				s.scanned = i
				return false, ErrorCodeNone, 0
			}
			if b[i] != ':' || i == s.line {
				return false, nameError(b, s.line, i), i
			}
			s.second = i
			i++
			s.part = partSpace
			fallthrough
		case partSpace:
			for i < len(b) && isSpace(b[i]) {
				i++
			}
			if s.scanned = i; i == len(b) {
				return false, ErrorCodeNone, 0
			}
			s.third, s.part = i, partValue
			fallthrough
		case partValue:
			i = skipValue(b, i)
			if s.scanned = i; atEnd(b, i) {
				return false, ErrorCodeNone, 0
			}
			if b[i] != '\r' || b[i+1] != '\n' {
				return false, valueError(b[i]), i
			}
			if r.mayFold() {
				if i+len("\r\n") == len(b) {
					return false, ErrorCodeNone, 0
				}
				if isSpace(b[i+len("\r\n")]) {
					i += len("\r\n ")
					s.folded = true
					continue
				}
			}
			if err := r.takeField(b, s.third+len(trimSpace(b[s.third:i]))); err != ErrorCodeNone {
				return false, err, s.third
			}
			i += len("\r\n")
			s.part = partLineStart
		}
	}
}

// mayFold reports whether a value may run over several lines (obs-fold, RFC 9112 section 5.2): in the head of an answer.
func (r *reader) mayFold() bool { return r.role == RoleClient && r.phase == phaseFields }

// atEnd reports whether bytes have run out at offset i, or right behind a CR there.
func atEnd(b []byte, i int) bool { return i == len(b) || b[i] == '\r' && i+1 == len(b) }

// endError names what is wrong with a byte behind a CR.
func endError(c byte) ErrorCode {
	if c != '\n' {
		return ErrorCodeLineEnd
	}
	return ErrorCodeNone
}

// takeField takes the present field, whose value ends at offset end. In a section with folded lines, what fields mean is
// found when all of it is there.
func (r *reader) takeField(b []byte, end int) ErrorCode {
	s := &r.section
	name, value := b[s.line:s.second], b[s.third:end]
	if !s.resumed && !s.folded {
		r.tables.Fields[s.fields].put(pack(s.line, s.second-s.line), pack(s.third, end-s.third))
	}
	s.fields++
	if r.phase == phaseTrailers {
		if forbiddenTrailer(name) {
			return ErrorCodeTrailerField
		}
		return ErrorCodeNone
	}
	if s.folded || !means(len(name)) {
		return ErrorCodeNone
	}
	return r.message.note(name, value, s.third)
}

// tooMany names the limit that one more field breaks.
func (r *reader) tooMany() ErrorCode {
	if r.phase == phaseTrailers {
		return ErrorCodeTooManyTrailers
	}
	return ErrorCodeTooManyFields
}

// nameError names what is wrong with the byte at offset at of a line that begins at offset line.
func nameError(b []byte, line, at int) ErrorCode {
	switch {
	case at == line && isSpace(b[at]):
		return ErrorCodeFieldFold
	case b[at] == '\n':
		return ErrorCodeLineEnd
	}
	return ErrorCodeFieldName
}

// valueError names what is wrong with a byte that ends a value otherwise than CRLF.
func valueError(c byte) ErrorCode {
	if c == '\r' || c == '\n' {
		return ErrorCodeLineEnd
	}
	return ErrorCodeFieldValue
}

// tableFields fills the table with the fields of a section that came in pieces, or has folded lines. They were all found
// right before. at is the offset of the byte that err refuses.
func (r *reader) tableFields(b []byte, i int) (err ErrorCode, at int) {
	if r.section.folded {
		r.message.forgetFields()
	}
	for n := range r.section.fields {
		colon := skipToken(b, i)
		value := colon + 1
		for isSpace(b[value]) {
			value++
		}
		lineEnd := skipValue(b, value)
		end := value + len(trimSpace(b[value:lineEnd]))
		if r.section.folded {
			value, end, lineEnd = unfold(b, value, end, lineEnd)
			if means(colon - i) {
				if err := r.message.note(b[i:colon], b[value:end], value); err != ErrorCodeNone {
					return err, value
				}
			}
		}
		r.tables.Fields[n].put(pack(i, colon-i), pack(value, end-value))
		i = lineEnd + len("\r\n")
	}
	return ErrorCodeNone, 0
}

// unfold joins the lines of a value that lies at b[value:end], each fold becoming one space (RFC 9112 section 5.2), and
// says where the value lies then and where its last line ends.
func unfold(b []byte, value, end, lineEnd int) (newValue, newEnd, newLineEnd int) {
	for isSpace(b[lineEnd+len("\r\n")]) {
		start := lineEnd + len("\r\n")
		lineEnd = skipValue(b, start)
		b[end] = ' '
		end++
		end += copy(b[end:], trimSpace(b[start:lineEnd]))
	}
	for value < end && isSpace(b[value]) {
		value++
	}
	return value, value + len(trimSpace(b[value:end])), lineEnd
}
