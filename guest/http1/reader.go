package http1

// Tables are where Receive describes what it has read. Both are overwritten by every call.
type Tables struct {
	// Events takes the events in their order. At least eventsPerStep entries.
	Events []EventRecord
	// Fields takes the fields of the head or the trailer section that is among the events: at least as many as the limits.
	// It never takes both in one call.
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
	flags  ReceiveFlags
}

// Receive reads in, which begins with the first byte that was not consumed before, and describes in result and tables
// what it found. It returns ErrnoState when the flags ask for a next cycle that may not begin yet. Nothing refers to in
// after the call. In whose capacity there are bytes behind the last, they may be looked at, and mean nothing.
//
// A head and a trailer section are consumed as a whole, once they are complete; so long as they are not, the same bytes
// have to be given again with more behind them. Everything else is consumed at once. In an answer's head folded lines are
// unfolded where they lie.
func (c *Conn) Receive(in []byte, flags ReceiveFlags, tables *Tables, result *Reception) Errno {
	if flags&ReceiveFlagsNextCycle != 0 {
		if errno := c.startNextCycle(); errno != ErrnoSuccess {
			return errno
		}
	}
	at, events := 0, 0
	if c.ready() {
		at, events = c.plainRequest(in, tables)
	}
	if events < eventsPerStep {
		c.read(in, at, events, flags, tables, result)
		return ErrnoSuccess
	}
	c.position += uint64(at)
	result.set(at, events, ReaderStatePaused)
	return ErrnoSuccess
}

// read reads from offset at of in, where some events lie in the table already.
func (c *Conn) read(in []byte, at, events int, flags ReceiveFlags, tables *Tables, result *Reception) {
	if c.role == RoleNone && len(in) > 0 {
		c.role = RoleServer
	}
	r := &tables.reader
	r.Conn, r.tables, r.in, r.at, r.events, r.flags = c, tables, in, at, events, flags
	state := r.run()
	if state == ReaderStateNeedData && flags&ReceiveFlagsEOF != 0 {
		state = r.endOfInput()
	}
	c.position += uint64(r.at)
	result.set(r.at, r.events, state)
	if state == ReaderStateFailed || state == ReaderStateHTTP2Preface {
		result.Error = c.err
		result.ErrorStatus = c.err.Status(c.role)
		result.ErrorPosition = c.errPosition
	}
}

// run reads until bytes or room for events run out, or the message is complete.
func (r *reader) run() ReaderState {
	for {
		if len(r.tables.Events)-r.events < eventsPerStep || r.flags&ReceiveFlagsHeadOnly != 0 && r.headRead() {
			return ReaderStateMore
		}
		more := false
		switch r.phase {
		case phaseStart:
			if r.at < len(r.in) {
				r.phase = phaseStartLine
				more = true
			}
		case phaseStartLine:
			if r.role == RoleServer {
				more = r.readRequestLine()
				break
			}
			if r.events > 0 && r.at < len(r.in) {
				// Behind an informational answer. A head begins where the input does.
				return ReaderStateMore
			}
			more = r.readStatusLine()
		case phaseFields:
			more = r.readFields()
		case phaseBody:
			more = r.readBody()
		case phaseBodyToClose, phaseRaw:
			more = r.readRest()
		case phaseChunkLine:
			more = r.readChunkLine()
		case phaseChunkData:
			more = r.readChunkData()
		case phaseChunkEnd:
			more = r.readChunkEnd()
		case phaseTrailers:
			if r.at > 0 && r.trailersFollow() {
				// A section begins where the input does, and its fields have the table for themselves.
				return ReaderStateMore
			}
			more = r.readTrailers()
		case phaseUpgrade:
			r.startRaw()
			more = true
		case phasePaused:
			return ReaderStatePaused
		case phaseHTTP2:
			return ReaderStateHTTP2Preface
		case phaseFailed:
			return ReaderStateFailed
		case phaseEnded:
			r.at = len(r.in)
			return ReaderStateEnded
		}
		if !more && r.phase < phaseHTTP2 {
			return ReaderStateNeedData
		}
	}
}

// headRead reports whether this call has read a head, and its body not yet.
func (r *reader) headRead() bool {
	return r.events > 0 && r.tables.Events[r.events-1].Kind == EventHeaderReady
}

// endOfInput is the state after the peer has closed its side: the end between messages, the end of what only that could
// end, or an error.
func (r *reader) endOfInput() ReaderState {
	switch {
	case (r.phase == phaseStart || r.phase == phaseStartLine) && r.onlyEmptyLines():
		r.at = len(r.in)
		r.phase = phaseEnded
		return ReaderStateEnded
	case r.phase == phaseBodyToClose:
		r.endMessage()
		return ReaderStatePaused
	case r.phase == phaseRaw:
		r.onRead(readEnd)
		r.phase = phaseEnded
		return ReaderStateEnded
	}
	r.fail(ErrorCodeTruncated, len(r.in))
	return ReaderStateFailed
}

// onlyEmptyLines reports whether the connection can end here: nothing of a start line has come, and no answer is due.
func (r *reader) onlyEmptyLines() bool {
	if r.role == RoleClient && r.writeState != WriteStateEmpty {
		return false
	}
	return r.section.part == partEmptyLines && (r.section.scanned == len(r.in)-r.at)
}

// fail refuses the byte at offset at of the input.
func (r *reader) fail(err ErrorCode, at int) bool {
	r.phase = phaseFailed
	r.message.flags &^= EventFlagsKeepAlive
	r.err = err
	r.errPosition = r.position + uint64(at)
	return false
}

// emit adds an event that begins at offset at of the input.
func (r *reader) emit(kind Event, at int) *EventRecord {
	e := &r.tables.Events[r.events]
	r.events++
	e.set(eventWord(kind, 0, 0, 0), r.position+uint64(at), 0, 0, 0, 0)
	return e
}

// readBody reads a body whose length was announced. Nothing is missing when the host has passed over the last of it.
func (r *reader) readBody() bool {
	if r.remaining > 0 && !r.readPiece(0) {
		return false
	}
	if r.remaining == 0 {
		r.endMessage()
	}
	return true
}

// readRest reads what only the end of the connection ends.
func (r *reader) readRest() bool {
	r.remaining = uint64(len(r.in) - r.at)
	return r.readPiece(0)
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

// startRaw emits that the connection has left HTTP.
func (r *reader) startRaw() {
	r.emit(EventUpgraded, r.at)
	r.phase = phaseRaw
}
