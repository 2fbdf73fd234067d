package http1

// answer is what the core knows of the message that is being written.
type answer struct {
	// head says that the request was HEAD.
	head bool
	// bodiless says that the peer must see no body, whatever is sent as one.
	bodiless bool
	// chunked, announced: how the body is framed; neither means that the end of the connection ends it.
	chunked, announced bool
	// remaining is what is missing of the announced length.
	remaining uint64
	// keepAlive says that the connection goes on afterwards.
	keepAlive bool
}

// Head is the head of an answer as a host wants it.
type Head struct {
	// Status is the status, 200 to 999.
	Status Status
	// Fields are the fields; their spans count from Bytes.
	Fields []FieldSpan
	Bytes  []byte
	// Length is the length of the body in bytes, unless the flags say that it is not known.
	Length uint64
	Flags  HeadFlags
	// Date is a value for Date, for an answer that has none. Empty: no Date is added.
	Date []byte
}

// FrameHead writes the head of an answer to out and says in framing what it did.
//
// Names and values are checked like received ones, so nothing that ends a line ever reaches the wire. Framing fields are
// completed: a Content-Length when the length is known, chunks when it is not, and to HTTP/1.0 the end of the connection.
//
// It returns ErrnoState when a head was framed before, ErrnoInvalid for what may not be sent, and ErrnoTooBig when out has
// no room; none of them changes the connection.
func (c *Conn) FrameHead(head *Head, out []byte, framing *Framing) Errno {
	if !c.canWrite(writeHead) {
		return ErrnoState
	}
	if head.Status < 200 || head.Status > 999 {
		return ErrnoInvalid
	}
	noContent := head.Status == 204 || head.Status == 304
	w := writer{out: out, answer: answer{head: c.answer.head, bodiless: noContent || c.answer.head}}
	w.statusLine(head.Status)
	given, errno := w.fields(head, noContent)
	if errno != ErrnoSuccess {
		return errno
	}
	errno = w.frameBody(head, given, c.message.version >= VersionHTTP11)
	if errno != ErrnoSuccess {
		return errno
	}
	w.connection(c, head, given)
	if len(head.Date) > 0 && given&givenDate == 0 {
		w.text("Date: ")
		w.bytes(head.Date)
		w.line()
	}
	w.line()
	if w.full {
		return ErrnoTooBig
	}
	c.answer = w.answer
	c.onWrite(writeHead)
	if head.Flags&HeadFlagsComplete != 0 {
		c.answer.remaining = 0
		c.onWrite(writeEnd)
	}
	*framing = c.framing(w.n, 0)
	return ErrnoSuccess
}

// given says which fields a host has put into a head by itself.
type given uint8

const (
	givenContentLength given = 1 << iota
	givenChunked
	givenDate
	givenClose
)

// fields writes the fields that the host has given.
func (w *writer) fields(head *Head, noContent bool) (set given, errno Errno) {
	for i := range head.Fields {
		span := &head.Fields[i]
		name, nameOK := within(head.Bytes, span.Name)
		value, valueOK := within(head.Bytes, span.Value)
		if !nameOK || !valueOK || len(name) == 0 || skipToken(name, 0) != len(name) || skipValue(value, 0) != len(value) {
			return 0, ErrnoInvalid
		}
		value = trimSpace(value)
		pass := true
		if means(len(name)) {
			if pass, errno = w.give(&set, name, value, noContent); errno != ErrnoSuccess {
				return 0, errno
			}
		}
		if pass {
			w.field(name, value)
		}
	}
	return set, ErrnoSuccess
}

// give takes a field that may mean something here. It reports whether the field is sent as it is: the core itself writes
// those that frame the answer or rule the connection.
func (w *writer) give(set *given, name, value []byte, noContent bool) (pass bool, errno Errno) {
	switch {
	case equalFold(name, "date"):
		*set |= givenDate
	case equalFold(name, "connection"):
		options, err := connectionOptions(value)
		if err != ErrorCodeNone {
			return false, ErrnoInvalid
		}
		if options&seenClose != 0 {
			*set |= givenClose
		}
		return options&(seenClose|seenKeepAlive) == 0, ErrnoSuccess
	case equalFold(name, "content-length"):
		if !w.giveLength(set, value) {
			return false, ErrnoInvalid
		}
		return false, ErrnoSuccess
	case equalFold(name, "transfer-encoding"):
		if *set&givenChunked != 0 || !equalFold(value, "chunked") || noContent {
			return false, ErrnoInvalid
		}
		*set |= givenChunked
		return false, ErrnoSuccess
	}
	return true, ErrnoSuccess
}

// giveLength takes a Content-Length that the host has given.
func (w *writer) giveLength(set *given, value []byte) bool {
	length, ok := parseLength(value)
	if !ok || *set&givenContentLength != 0 && length != w.answer.remaining {
		return false
	}
	*set |= givenContentLength
	w.answer.remaining = length
	return true
}

// frameBody chooses how the body is framed (RFC 9112 section 6.3) and writes the field that says so.
func (w *writer) frameBody(head *Head, set given, http11 bool) Errno {
	a := &w.answer
	hasLength := head.Flags&HeadFlagsStreamed == 0
	switch {
	case set&givenContentLength != 0 && set&givenChunked != 0:
		return ErrnoInvalid
	case head.Status == 204:
		// No Content-Length (RFC 9110 section 8.6).
		return ErrnoSuccess
	case set&givenContentLength != 0:
		// An answer without a body may announce the length that another answer would have.
		if hasLength && head.Length != a.remaining && !(a.bodiless && head.Length == 0) {
			return ErrnoInvalid
		}
	case set&givenChunked != 0 && (hasLength || !http11):
		return ErrnoInvalid
	case hasLength && (head.Status != 304 || head.Length > 0):
		a.remaining = head.Length
	case http11 && head.Status != 304:
		a.chunked = true
		w.text("Transfer-Encoding: chunked\r\n")
		return ErrnoSuccess
	default:
		return ErrnoSuccess
	}
	a.announced = true
	w.text("Content-Length: ")
	w.decimal(a.remaining)
	w.line()
	return ErrnoSuccess
}

// connection decides whether the connection goes on, and says so where the version's default is otherwise (RFC 9112
// section 9.3).
func (w *writer) connection(c *Conn, head *Head, set given) {
	a := &w.answer
	delimited := a.chunked || a.announced || a.bodiless
	a.keepAlive = c.message.flags&EventFlagsKeepAlive != 0 && c.phase != phaseFailed && delimited &&
		head.Flags&HeadFlagsClose == 0 && set&givenClose == 0
	switch {
	case !a.keepAlive:
		w.text("Connection: close\r\n")
	case c.message.version < VersionHTTP11:
		w.text("Connection: keep-alive\r\n")
	}
}

// FrameContinue writes 100 (Continue) to out. ErrnoState when the peer does not wait for it or an answer has begun.
func (c *Conn) FrameContinue(out []byte, framing *Framing) Errno {
	if c.message.flags&EventFlagsExpectContinue == 0 || c.readState != ReadMessageReady || !c.canWrite(writeContinue) {
		return ErrnoState
	}
	w := writer{out: out}
	w.text("HTTP/1.1 100 Continue\r\n\r\n")
	if w.full {
		return ErrnoTooBig
	}
	c.onWrite(writeContinue)
	*framing = c.framing(w.n, 0)
	framing.Bodiless = 0
	return ErrnoSuccess
}

// FrameData writes to out what goes around a piece of body. ErrnoState without a head or after the end, ErrnoTooBig when
// the piece goes beyond the announced length. An empty piece frames nothing, for an empty chunk would end the body.
func (c *Conn) FrameData(size uint64, out []byte, framing *Framing) Errno {
	a := &c.answer
	switch {
	case !c.canWrite(writeData):
		return ErrnoState
	case a.announced && !a.bodiless && size > a.remaining:
		return ErrnoTooBig
	}
	before, after := 0, 0
	switch {
	case a.bodiless || size == 0:
	case a.announced:
		a.remaining -= size
	case a.chunked:
		w := writer{out: out}
		w.hex(size)
		w.text("\r\n")
		before = w.n
		w.text("\r\n")
		after = w.n - before
		if w.full {
			return ErrnoTooBig
		}
	}
	c.onWrite(writeData)
	*framing = c.framing(before, after)
	return ErrnoSuccess
}

// FrameEnd writes the end of an answer to out. ErrnoState without a head or after the end, ErrnoInvalid when bytes of the
// announced length are missing.
func (c *Conn) FrameEnd(out []byte, framing *Framing) Errno {
	a := &c.answer
	switch {
	case !c.canWrite(writeEnd):
		return ErrnoState
	case a.announced && !a.bodiless && a.remaining > 0:
		return ErrnoInvalid
	}
	w := writer{out: out}
	if a.chunked && !a.bodiless {
		w.text("0\r\n\r\n")
	}
	if w.full {
		return ErrnoTooBig
	}
	c.onWrite(writeEnd)
	*framing = c.framing(w.n, 0)
	return ErrnoSuccess
}

// framing describes what a framing call wrote: before bytes from the start of the output, and after bytes behind them.
func (c *Conn) framing(before, after int) Framing {
	return Framing{
		Before:    Span{Size: uint32(before)},
		After:     Span{Offset: uint32(before), Size: uint32(after)},
		Bodiless:  boolean(c.answer.bodiless),
		Finished:  boolean(c.writeState == WriteFinished),
		KeepAlive: boolean(c.answer.keepAlive),
	}
}

func boolean(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// within is the part of b that a span names.
func within(b []byte, span Span) (part []byte, ok bool) {
	end := uint64(span.Offset) + uint64(span.Size)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[span.Offset:end], true
}

// writer writes into a buffer of fixed size and remembers when it was too small.
type writer struct {
	out    []byte
	n      int
	full   bool
	answer answer
}

func (w *writer) bytes(b []byte) {
	if len(b) > len(w.out)-w.n {
		w.full = true
		return
	}
	w.n += copy(w.out[w.n:], b)
}

func (w *writer) text(s string) {
	if len(s) > len(w.out)-w.n {
		w.full = true
		return
	}
	w.n += copy(w.out[w.n:], s)
}

// line ends a line.
func (w *writer) line() {
	if len(w.out)-w.n < 2 {
		w.full = true
		return
	}
	w.out[w.n], w.out[w.n+1] = '\r', '\n'
	w.n += 2
}

// field writes a field line.
func (w *writer) field(name, value []byte) {
	if len(w.out)-w.n < len(name)+len(": ")+len(value)+len("\r\n") {
		w.full = true
		return
	}
	out := w.out[w.n:]
	n := copy(out, name)
	out[n], out[n+1] = ':', ' '
	n += 2
	n += copy(out[n:], value)
	out[n], out[n+1] = '\r', '\n'
	w.n += n + 2
}

// statusLine writes status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC 9112 section 4).
func (w *writer) statusLine(status Status) {
	if status == 200 {
		w.text("HTTP/1.1 200 OK\r\n")
		return
	}
	w.text("HTTP/1.1 ")
	w.decimal(uint64(status))
	w.text(" ")
	w.text(ReasonPhrase(status))
	w.line()
}

func (w *writer) decimal(n uint64) {
	var digits [20]byte
	i := len(digits)
	// Dividing 32 bits is several times faster than dividing 64, and nearly every number fits.
	for n > 1<<32-1 {
		i--
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	for small := uint32(n); ; {
		i--
		digits[i] = byte('0' + small%10)
		if small /= 10; small == 0 {
			break
		}
	}
	w.bytes(digits[i:])
}

func (w *writer) hex(n uint64) {
	var digits [16]byte
	i := len(digits)
	for {
		i--
		digits[i] = "0123456789abcdef"[n&15]
		if n >>= 4; n == 0 {
			break
		}
	}
	w.bytes(digits[i:])
}
