package http1

// Tables are where Receive describes what it has read. Both are overwritten by every call.
type Tables struct {
	// Events takes the events in their order. At least eventsPerStep entries.
	Events []EventRecord
	// Fields takes the fields of the head whose HEADER_READY is among the events: at least as many as the limit.
	Fields []FieldSpan

	// reader is the call at work. It is here, and not on the stack, because mainline Go would clear it for every call.
	reader reader
}

// eventsPerStep is the most events that one step of the reader adds: the line, the header and the end of a message
// without a body.
const eventsPerStep = 3

// reader is one call of Receive.
type reader struct {
	*Conn
	tables *Tables
	// in is what the call was given, and at the first byte of it that is not consumed.
	in     []byte
	at     int
	events int
}

// Receive reads in, which begins with the first byte that was not consumed before, and describes in result and tables
// what it found. It returns ErrnoState when the flags ask for a next cycle that may not begin yet. Nothing refers to in
// after the call.
//
// A head and a trailer section are consumed as a whole, once they are complete; so long as they are not, the same bytes
// have to be given again with more behind them. Everything else is consumed at once.
func (c *Conn) Receive(in []byte, flags ReceiveFlags, tables *Tables, result *Reception) Errno {
	if flags&ReceiveFlagsNextCycle != 0 {
		if errno := c.startNextCycle(); errno != ErrnoSuccess {
			return errno
		}
	}
	r := &tables.reader
	r.Conn, r.tables, r.in, r.at, r.events = c, tables, in, 0, 0
	state := r.run()
	if state == ReaderStateNeedData && flags&ReceiveFlagsEOF != 0 {
		state = r.endOfInput()
	}
	c.position += uint64(r.at)
	result.Consumed, result.EventCount, result.State = uint32(r.at), uint32(r.events), state
	result.Reserved, result.Error, result.ErrorStatus, result.ErrorPosition = 0, ErrorCodeNone, 0, 0
	if state == ReaderStateFailed {
		result.Error = c.err
		result.ErrorStatus = c.err.Status()
		result.ErrorPosition = c.errPosition
	}
	return ErrnoSuccess
}

// run reads until bytes or room for events run out, or the message is complete.
func (r *reader) run() ReaderState {
	for {
		if len(r.tables.Events)-r.events < eventsPerStep {
			return ReaderStateMore
		}
		more := false
		switch r.phase {
		case phaseStartLine:
			more = r.readStartLine()
		case phaseFields:
			more = r.readFields()
		case phaseBody:
			more = r.readBody()
		case phaseChunkLine:
			more = r.readChunkLine()
		case phaseChunkData:
			more = r.readChunkData()
		case phaseChunkEnd:
			more = r.readChunkEnd()
		case phaseTrailers:
			more = r.readTrailers()
		case phasePaused:
			return ReaderStatePaused
		case phaseFailed:
			return ReaderStateFailed
		case phaseEnded:
			r.at = len(r.in)
			return ReaderStateEnded
		}
		if !more && r.phase != phaseFailed {
			return ReaderStateNeedData
		}
	}
}

// endOfInput is the state after the peer has closed its side: the end between messages, otherwise an error.
func (r *reader) endOfInput() ReaderState {
	if r.phase == phaseStartLine && r.onlyEmptyLines() {
		r.at = len(r.in)
		r.phase = phaseEnded
		return ReaderStateEnded
	}
	r.fail(ErrorCodeTruncated, len(r.in))
	return ReaderStateFailed
}

// onlyEmptyLines reports whether nothing of a start line has come.
func (r *reader) onlyEmptyLines() bool {
	return r.section.part == partEmptyLines && (r.section.scanned == len(r.in)-r.at)
}

// fail refuses the byte at offset at of the input.
func (r *reader) fail(err ErrorCode, at int) bool {
	r.phase = phaseFailed
	r.err = err
	r.errPosition = r.position + uint64(at)
	return false
}

// emit adds an event that begins at offset at of the input.
func (r *reader) emit(kind Event, at int) *EventRecord {
	e := &r.tables.Events[r.events]
	r.events++
	e.Kind, e.Reserved, e.Flags, e.Version, e.FieldCount = kind, 0, 0, 0, 0
	e.Position, e.Length = r.position+uint64(at), 0
	e.First, e.Second, e.Authority = Span{}, Span{}, Span{}
	return e
}

// section is how far a head or a trailer section was looked at, so that bytes that come one at a time are looked at once.
// Offsets count from its first byte.
type section struct {
	part part
	// scanned is the first byte that was not looked at.
	scanned int
	// line, second and third are where the parts of the present line begin: of a start line the method, the target and
	// the version; of a field line the name, the colon and the value.
	line, second, third int
	// fields is the number of complete fields, and fieldsStart where the first of them begins.
	fields, fieldsStart int
	// resumed says that some fields were found by an earlier call, and are missing in the present table.
	resumed bool
}

// reset begins a section whose first byte belongs to a part.
func (s *section) reset(part part) {
	s.part, s.scanned, s.fields, s.resumed = part, 0, 0, false
}

// part says what the byte after the scanned ones belongs to.
type part uint8

const (
	partEmptyLines part = iota
	partMethod
	partTarget
	partVersion

	partLineStart
	partName
	partSpace
	partValue
)

// readStartLine reads request-line = method SP request-target SP HTTP-version CRLF (RFC 9112 section 3), and the empty
// lines that may stand in front of it (section 2.2).
func (r *reader) readStartLine() bool {
	s := &r.section
	head := r.in
	if len(head) > int(r.limits.Head) {
		head = head[:r.limits.Head]
	}
	i := s.scanned
	if s.part == partEmptyLines {
		if i == 0 {
			if end := s.plainStartLine(head, int(r.limits.StartLine)); end > 0 {
				return r.endStartLine(head, end) && r.readFields()
			}
		}
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
	return r.endStartLine(line, i)
}

// wrongVersion is the offset of the first byte that does not fit HTTP-version CRLF (RFC 9112 section 2.3), so far as b
// goes, or -1.
func wrongVersion(b []byte) int {
	const pattern = "HTTP/d.d\r\n"
	if len(b) > len(pattern) {
		b = b[:len(pattern)]
	}
	for i, c := range b {
		if want := pattern[i]; c != want && (want != 'd' || !isDigit(c)) {
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

// endStartLine takes the complete start line, whose end is offset end.
func (r *reader) endStartLine(head []byte, end int) bool {
	s, m := &r.section, &r.message
	m.method = Span{Offset: uint32(s.line), Size: uint32(s.second - 1 - s.line)}
	m.target = Span{Offset: uint32(s.second), Size: uint32(s.third - 1 - s.second)}
	m.version = Version(head[s.third+5]-'0')<<8 | Version(head[s.third+7]-'0')
	method, target := head[s.line:s.second-1], head[s.second:s.third-1]
	if m.version>>8 != 1 {
		if m.version == 0x0200 && string(method) == "PRI" && string(target) == "*" {
			return r.fail(ErrorCodeHTTP2Preface, s.line)
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
	line.Version, line.First, line.Second = m.version, m.method, m.target
	s.scanned, s.fieldsStart, s.part = end, end, partLineStart
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
	if s.part == partMethod {
		return r.fail(ErrorCodeLineTooLong, long)
	}
	// The version has a fixed length: it is the target that leaves it no room.
	return r.fail(ErrorCodeTargetTooLong, long)
}

// wantHead asks for more of the head, or fails when it is as long as it may be.
func (r *reader) wantHead(head []byte) bool {
	r.section.resumed = true
	if len(r.in) > len(head) {
		return r.fail(ErrorCodeHeadTooLarge, len(head))
	}
	return false
}

// readFields reads the header section and, with it, the end of the head.
func (r *reader) readFields() bool {
	head := r.in
	if len(head) > int(r.limits.Head) {
		head = head[:r.limits.Head]
	}
	limit := min(int(r.limits.Fields), len(r.tables.Fields))
	if s := &r.section; s.part == partLineStart && !s.resumed {
		done, err, at := r.plainFields(head, limit)
		switch {
		case err != ErrorCodeNone:
			return r.fail(err, at)
		case done:
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
	if err := m.finish(head); err != ErrorCodeNone {
		return r.fail(err, end-len("\r\n"))
	}
	if s.resumed {
		r.tableFields(head)
	}
	header := r.emit(EventHeaderReady, s.fieldsStart)
	header.Flags, header.Version, header.FieldCount = m.flags, m.version, uint16(s.fields)
	header.First, header.Second, header.Authority, header.Length = m.method, m.target, m.authority, m.length
	r.onRead(readHead)
	r.answer.head = m.isMethod(head, "HEAD")
	r.at = end
	s.reset(partEmptyLines)
	switch {
	case m.flags&EventFlagsChunked != 0:
		r.phase = phaseChunkLine
	case m.length > 0:
		r.remaining = m.length
		r.phase = phaseBody
	default:
		r.endMessage()
	}
	return true
}

// readBody reads a body whose length was announced.
func (r *reader) readBody() bool {
	if !r.readPiece(0) {
		return false
	}
	if r.remaining == 0 {
		r.endMessage()
	}
	return true
}

// readPiece emits what has come of the remaining bytes. It reports whether there was any.
func (r *reader) readPiece(flags EventFlags) bool {
	size := len(r.in) - r.at
	if size == 0 {
		return false
	}
	if uint64(size) > r.remaining {
		size = int(r.remaining)
	}
	data := r.emit(EventDataReady, r.at)
	data.Flags = flags
	data.First = Span{Offset: uint32(r.at), Size: uint32(size)}
	r.onRead(readData)
	r.at += size
	r.remaining -= uint64(size)
	return true
}

// endMessage emits the end of the message and pauses.
func (r *reader) endMessage() {
	r.emit(EventReady, r.at)
	r.onRead(readEnd)
	r.phase = phasePaused
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
			if err := r.takeField(b, s.third+len(trimSpace(b[s.third:i]))); err != ErrorCodeNone {
				return false, err, s.third
			}
			i += len("\r\n")
			s.part = partLineStart
		}
	}
}

// atEnd reports whether bytes have run out at offset i, or right behind a CR there.
func atEnd(b []byte, i int) bool { return i == len(b) || b[i] == '\r' && i+1 == len(b) }

// endError names what is wrong with a byte behind a CR.
func endError(c byte) ErrorCode {
	if c != '\n' {
		return ErrorCodeLineEnd
	}
	return ErrorCodeNone
}

// takeField takes the present field, whose value ends at offset end.
func (r *reader) takeField(b []byte, end int) ErrorCode {
	s := &r.section
	name, value := b[s.line:s.second], b[s.third:end]
	if r.phase == phaseTrailers {
		s.fields++
		if forbiddenTrailer(name) {
			return ErrorCodeTrailerField
		}
		return ErrorCodeNone
	}
	if !s.resumed {
		r.tables.Fields[s.fields].set(s.line, s.second, s.third, end)
	}
	s.fields++
	if !means(len(name)) {
		return ErrorCodeNone
	}
	return r.message.note(name, value, s.third)
}

// set says where a field lies.
func (f *FieldSpan) set(name, nameEnd, value, valueEnd int) {
	f.Name.Offset, f.Name.Size = uint32(name), uint32(nameEnd-name)
	f.Value.Offset, f.Value.Size = uint32(value), uint32(valueEnd-value)
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

// tableFields fills the table with the fields of a head that came in pieces. They were all found right before.
func (r *reader) tableFields(head []byte) {
	i := r.section.fieldsStart
	for n := range r.section.fields {
		colon := skipToken(head, i)
		value := colon + 1
		for isSpace(head[value]) {
			value++
		}
		end := skipValue(head, value)
		r.tables.Fields[n].set(i, colon, value, value+len(trimSpace(head[value:end])))
		i = end + len("\r\n")
	}
}
