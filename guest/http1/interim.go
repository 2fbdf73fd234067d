package http1

// What a server sends ahead of an answer, or instead of one: informational answers, and the one that leaves HTTP.

// FrameInformational writes an informational answer to out (RFC 9110 section 15.2). HTTP/1.0 knows no such thing: to a peer
// that speaks it nothing is written.
//
// It returns ErrnoState when an answer has begun, or for a 100 (Continue) that the peer does not wait for; ErrnoInvalid for
// what may not be sent, 101 (Switching Protocols) and all fields that frame a message or rule the connection among it; and
// ErrnoTooBig when out has no room.
func (c *Conn) FrameInformational(head *Head, out *Output, framing *Framing) Errno {
	if head.Status < 100 || head.Status > 199 || head.Status == 101 {
		return ErrnoInvalid
	}
	action := writeInformational
	if head.Status == 100 {
		action = writeContinue
	}
	if c.role != RoleServer || c.readState == ReadStateEmpty || !c.canWrite(action) ||
		action == writeContinue && !c.awaitsContinue() {
		return ErrnoState
	}
	w := out.startOther()
	w.statusLine(head.Status)
	if errno := w.otherFields(head); errno != ErrnoSuccess {
		return errno
	}
	if c.message.version < VersionHTTP11 {
		w.n = 0
	}
	c.onWrite(action)
	c.frame(framing, pack(0, w.n), 0)
	return ErrnoSuccess
}

// awaitsContinue reports whether the peer waits to be told to send the body.
func (c *Conn) awaitsContinue() bool {
	return c.message.flags&EventFlagsExpectContinue != 0 && c.readState == ReadStateMessageReady
}

// FrameUpgrade writes the answer that leaves HTTP to out: 101 (Switching Protocols) to a request with Upgrade (RFC 9110
// section 7.8), whose fields name the protocol in an Upgrade of their own, or 200 to CONNECT (section 9.3.6). From then on
// Receive passes on what comes, and nothing is framed.
//
// It returns ErrnoState when the request is not complete, does not ask for it, or was answered; ErrnoInvalid for fields that
// may not be sent, those that frame a body among them; and ErrnoTooBig when out has no room.
func (c *Conn) FrameUpgrade(head *Head, out *Output, framing *Framing) Errno {
	if c.role != RoleServer || c.message.flags&EventFlagsUpgrade == 0 || c.phase != phasePaused || !c.canWrite(writeUpgrade) {
		return ErrnoState
	}
	w := out.startOther()
	status := Status(101)
	if c.outgoing.connect {
		status = 200
	}
	w.statusLine(status)
	set, errno := w.fields(head)
	if errno != ErrnoSuccess {
		return errno
	}
	if set&(givenContentLength|givenChunked|givenClose) != 0 || status == 101 && set&givenUpgrade == 0 {
		return ErrnoInvalid
	}
	w.upgradeOption(set)
	if status == 200 && len(head.Date) > 0 && set&givenDate == 0 {
		w.bytes(head.Date)
	} else {
		w.line()
	}
	if w.full {
		return ErrnoTooBig
	}
	c.onRead(readUpgrade)
	c.onWrite(writeUpgrade)
	c.outgoing = outgoing{raw: true}
	c.phase = phaseUpgrade
	c.frame(framing, pack(0, w.n), 0)
	return ErrnoSuccess
}
