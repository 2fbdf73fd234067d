package http1

// Conn is one connection over the whole of its time: which side it speaks for, where its reader stands, and how far the two
// messages of the present cycle have come. It refers to no buffer, so a host may move the bytes that were not consumed
// between two calls.
type Conn struct {
	limits *Limits
	// position is the number of bytes consumed since the connection was opened.
	position uint64

	// Side by side, for they are read and written as one word: see progress.
	role       Role
	phase      phase
	readState  ReadState
	writeState WriteState

	message message
	section section
	chunk   chunk
	// bounds are the limits on what follows the head that was read.
	bounds bounds
	// remaining is what is still to come of a body or a chunk, in bytes.
	remaining uint64

	outgoing outgoing

	// err is why the reader failed, and errPosition the first refused byte.
	err         ErrorCode
	errPosition uint64
}

// bounds are the limits on what follows a head.
type bounds struct {
	// own says that they are the connection's own.
	own                                bool
	chunkLine, trailers, trailerFields uint32
}

// phase says what the next byte belongs to.
type phase uint8

const (
	// phaseStart: a message, of which nothing was looked at.
	phaseStart phase = iota
	phaseStartLine
	phaseFields
	phaseBody
	// phaseBodyToClose: a body that the end of the connection ends.
	phaseBodyToClose
	phaseChunkLine
	phaseChunkData
	phaseChunkEnd
	phaseTrailers
	// phasePaused: nothing is read until the next cycle.
	phasePaused
	// phaseUpgrade: the connection has left HTTP, and nobody was told yet.
	phaseUpgrade
	// phaseRaw: what comes is passed on as it is.
	phaseRaw
	// phaseHTTP2: the bytes are another protocol's.
	phaseHTTP2
	// phaseFailed: nothing is read any more.
	phaseFailed
	// phaseEnded: what comes is discarded.
	phaseEnded
)

// Open makes c ready for the first byte of a connection, whatever it was used for before. With RoleNone the first action
// that succeeds decides the role. The limits are read again for every message and must outlive c. It returns ErrnoInvalid for a role
// that does not exist.
func (c *Conn) Open(role Role, limits *Limits) Errno {
	if role > RoleNone {
		return ErrnoInvalid
	}
	*c = Conn{limits: limits, role: role}
	return ErrnoSuccess
}

// Restrict sets limits of the connection's own for the rest of the message that is being read.
func (c *Conn) Restrict(chunkLine, trailers, trailerFields uint32) Errno {
	c.bounds = bounds{own: true, chunkLine: chunkLine, trailers: trailers, trailerFields: trailerFields}
	return ErrnoSuccess
}

// Advance passes over bytes of a body whose length was announced, which somebody else has read. All bytes that were given to
// Receive must have been consumed. It returns ErrnoState where no such body is read, or so much of it is not missing.
func (c *Conn) Advance(size uint64) Errno {
	if c.phase != phaseBody || size > c.remaining {
		return ErrnoState
	}
	if size > 0 {
		c.onRead(readData)
	}
	c.position += size
	c.remaining -= size
	return ErrnoSuccess
}

// startBody goes on from a head to the body that follows it.
func (c *Conn) startBody() {
	switch m := &c.message; {
	case m.flags&EventFlagsChunked != 0:
		c.phase = phaseChunkLine
		c.restrict()
	case m.length > 0:
		c.phase, c.remaining = phaseBody, m.length
	default:
		c.phase = phaseBodyToClose
	}
}

// restrict has the common limits apply to chunks unless the connection has its own.
func (c *Conn) restrict() {
	if b := &c.bounds; !b.own {
		b.chunkLine, b.trailers, b.trailerFields = c.limits.ChunkLine, c.limits.Trailers, c.limits.TrailerFields
	}
}

// Query says where the connection stands.
func (c *Conn) Query(state *ConnectionState) {
	state.Role, state.ReadState, state.WriteState = c.role, c.readState, c.writeState
}

// startNextCycle begins the next exchange. It is legal when both messages of the present one are complete; when the
// connection ends with them, what follows is discarded. Nothing of the exchange is left: from here on the connection is
// like a new one, but for its role and its position. What belongs to the reader alone, section, chunk and remaining, it has
// left like new at the end of the message.
func (c *Conn) startNextCycle() Errno {
	phase := phaseEnded
	if c.outgoing.keepAlive {
		phase = phaseStart
	}
	if !c.nextCycle(phase) {
		return ErrnoState
	}
	c.message.reset()
	c.bounds = bounds{}
	c.outgoing = outgoing{}
	return ErrnoSuccess
}
