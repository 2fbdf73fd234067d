package http1

// Conn is one connection over the whole of its time: where its reader stands, and how far the two messages of the present
// cycle have come. It refers to no buffer, so a host may move the bytes that were not consumed between two calls.
type Conn struct {
	limits *Limits
	// position is the number of bytes consumed since the connection was opened.
	position uint64

	phase      phase
	readState  ReadState
	writeState WriteState

	message message
	section section
	chunk   chunk
	// remaining is what is still to come of a body or a chunk, in bytes.
	remaining uint64

	answer answer

	// err is why the reader failed, and errPosition the first refused byte.
	err         ErrorCode
	errPosition uint64
}

// phase says what the next byte belongs to.
type phase uint8

const (
	phaseStartLine phase = iota
	phaseFields
	phaseBody
	phaseChunkLine
	phaseChunkData
	phaseChunkEnd
	phaseTrailers
	// phasePaused: nothing is read until the next cycle.
	phasePaused
	// phaseFailed: nothing is read any more.
	phaseFailed
	// phaseEnded: what comes is discarded.
	phaseEnded
)

// Open makes c ready for the first byte of a connection, whatever it was used for before. The limits are read again for
// every message and must outlive c.
func (c *Conn) Open(role Role, limits *Limits) Errno {
	if role != RoleServer {
		return ErrnoInvalid
	}
	*c = Conn{limits: limits}
	return ErrnoSuccess
}

// startNextCycle begins the next message. It is legal when both messages of the present cycle are complete; when the
// connection ends with them, what follows is discarded.
func (c *Conn) startNextCycle() Errno {
	if c.readState != ReadFinished || c.writeState != WriteFinished {
		return ErrnoState
	}
	c.phase = phaseStartLine
	if !c.answer.keepAlive {
		c.phase = phaseEnded
	}
	c.readState, c.writeState = ReadEmpty, WriteEmpty
	c.message.reset()
	c.section.reset(partEmptyLines)
	c.chunk = chunk{}
	c.remaining = 0
	c.answer = answer{}
	return ErrnoSuccess
}
