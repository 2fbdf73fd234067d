package http1

// Conn is one connection over the whole of its time: which side it speaks for, where its reader stands, and how far the two
// messages of the present cycle have come. It refers to no buffer, so a host may move the bytes that were not consumed
// between two calls.
type Conn struct {
	limits *Limits
	// position is the number of bytes consumed since the connection was opened.
	position uint64

	role       Role
	phase      phase
	readState  ReadState
	writeState WriteState

	message message
	section section
	chunk   chunk
	// bounds are the limits that can be a connection's own.
	bounds bounds
	// remaining is what is still to come of a body or a chunk, in bytes.
	remaining uint64

	outgoing outgoing

	// err is why the reader failed, and errPosition the first refused byte.
	err         ErrorCode
	errPosition uint64
}

// bounds are the limits on what follows a head.
type bounds struct{ chunkLine, trailers, trailerFields uint32 }

// phase says what the next byte belongs to.
type phase uint8

const (
	phaseStartLine phase = iota
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
// decides the role. The limits are read again for every message and must outlive c. It returns ErrnoInvalid for a role
// that does not exist.
func (c *Conn) Open(role Role, limits *Limits) Errno {
	if role > RoleNone {
		return ErrnoInvalid
	}
	*c = Conn{limits: limits, role: role}
	c.restore()
	return ErrnoSuccess
}

// act decides the role of a connection that has none. It reports whether it has this one now.
func (c *Conn) act(role Role) bool {
	if c.role == RoleNone {
		c.role = role
	}
	return c.role == role
}

// Restrict sets limits of the connection's own for the rest of the message that is being read.
func (c *Conn) Restrict(chunkLine, trailers, trailerFields uint32) Errno {
	c.bounds = bounds{chunkLine, trailers, trailerFields}
	return ErrnoSuccess
}

// restore puts the common limits back.
func (c *Conn) restore() {
	c.bounds.chunkLine, c.bounds.trailers = c.limits.ChunkLine, c.limits.Trailers
	c.bounds.trailerFields = c.limits.TrailerFields
}

// Query says where the connection stands.
func (c *Conn) Query(state *ConnectionState) {
	state.Role, state.ReadState, state.WriteState = c.role, c.readState, c.writeState
}

// startNextCycle begins the next exchange. It is legal when both messages of the present one are complete; when the
// connection ends with them, what follows is discarded. Nothing of the exchange is left: from here on the connection is
// like a new one, but for its role and its position.
func (c *Conn) startNextCycle() Errno {
	if c.role == RoleNone || !c.canRead(readNextCycle) || !c.canWrite(writeNextCycle) {
		return ErrnoState
	}
	c.phase = phaseStartLine
	if !c.outgoing.keepAlive {
		c.phase = phaseEnded
	}
	c.onRead(readNextCycle)
	c.onWrite(writeNextCycle)
	c.message.reset()
	c.section.reset(partEmptyLines)
	c.chunk = chunk{}
	c.restore()
	c.remaining = 0
	c.outgoing = outgoing{}
	return ErrnoSuccess
}
