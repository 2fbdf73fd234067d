package http1

// FrameRequest writes the head of a request to out and says in framing what it did. Names and values are checked like
// received ones. Framing fields are completed: a Content-Length when the length is known, chunks when it is not, and
// neither for a request without body whose method does not lead one to expect any (RFC 9110 section 8.6).
//
// It returns ErrnoState when a request is under way or the connection is a server's, ErrnoClosed when the connection has
// ended, ErrnoInvalid for what may not be sent, a request without exactly one Host among it, and ErrnoTooBig when out has
// no room.
func (c *Conn) FrameRequest(method, target []byte, head *Head, out *Output, framing *Framing) Errno {
	switch {
	case c.role == RoleServer || writeTransitions[RoleClient][c.writeState][writeHead] == illegal:
		return ErrnoState
	case c.phase == phaseEnded || c.phase == phaseFailed:
		return ErrnoClosed
	case !head.possible(), !IsToken(method) || len(target) == 0 || skipVisible(target, 0) != len(target):
		return ErrnoInvalid
	}
	if _, ok := targetForm(method, target); !ok {
		return ErrnoInvalid
	}
	w := out.startOther()
	w.requestLine(method, target)
	set, errno := w.fields(head)
	if errno != ErrnoSuccess {
		return errno
	}
	if set&(givenHost|givenBadHost) != givenHost {
		return ErrnoInvalid
	}
	w.setRequest(method, set)
	if errno := w.frameRequestBody(method, head, set); errno != ErrnoSuccess {
		return errno
	}
	w.answer.keepAlive = head.Flags&HeadFlagsClose == 0 && set&givenClose == 0
	if !w.answer.keepAlive {
		w.text("Connection: close\r\n")
	}
	w.upgradeOption(set)
	w.line()
	if w.full {
		return ErrnoTooBig
	}
	c.role, c.outgoing = RoleClient, w.answer
	c.onWrite(writeHead)
	if head.Flags&HeadFlagsComplete != 0 {
		c.outgoing.remaining = 0
		c.onWrite(writeEnd)
	}
	c.frame(framing, pack(0, w.n), 0)
	return ErrnoSuccess
}

// setRequest notes what the answer's framing will depend on.
func (w *writer) setRequest(method []byte, set given) {
	w.answer.head = string(method) == "HEAD"
	w.answer.connect = string(method) == "CONNECT"
	w.answer.upgrade = set&givenUpgrade != 0
}

// requestLine writes request-line = method SP request-target SP HTTP-version CRLF (RFC 9112 section 3).
func (w *writer) requestLine(method, target []byte) {
	w.bytes(method)
	w.text(" ")
	w.bytes(target)
	w.text(" HTTP/1.1\r\n")
}

// frameRequestBody chooses how the body of a request is framed (RFC 9112 section 6.3) and writes the field that says so.
func (w *writer) frameRequestBody(method []byte, head *Head, set given) Errno {
	a := &w.answer
	streamed := head.Flags&HeadFlagsStreamed != 0
	switch {
	case set&givenContentLength != 0 && (set&givenChunked != 0 || !streamed && head.Length != a.remaining):
		return ErrnoInvalid
	case set&givenChunked != 0 && !streamed:
		return ErrnoInvalid
	case streamed && set&givenContentLength == 0:
		a.chunked = true
	case !streamed:
		a.remaining = head.Length
	}
	if noContentMethod(method) && (a.chunked || a.remaining > 0) {
		return ErrnoInvalid
	}
	// A request never ends with the connection: one that is framed by nothing has no body.
	a.announced = !a.chunked
	switch {
	case a.chunked:
		w.text("Transfer-Encoding: chunked\r\n")
	case a.remaining > 0 || set&givenContentLength != 0 || expectsContent(method):
		w.text("Content-Length: ")
		w.decimal(a.remaining)
		w.line()
	}
	return ErrnoSuccess
}

// noContentMethod reports whether requests of a method have no content (RFC 9110 sections 9.3.6 and 9.3.8).
func noContentMethod(method []byte) bool {
	return string(method) == "CONNECT" || string(method) == "TRACE"
}

// expectsContent reports whether a request of a method without content says so with Content-Length: 0, because content is
// what its method leads one to expect.
func expectsContent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return false
	}
	return true
}
