package http1

// outgoing is what the core knows of the message that is being written, and of the request that belongs to it.
type outgoing struct {
	// remaining is what is missing of the announced length.
	remaining uint64
	// head and connect say that the request is HEAD or CONNECT; upgrade, that a client asks for another protocol.
	head, connect, upgrade bool
	// bodiless says that the peer must see no body, whatever is sent as one.
	bodiless bool
	// chunked, announced: how the body is framed; neither means that the end of the connection ends it.
	chunked, announced bool
	// keepAlive says that the connection goes on afterwards.
	keepAlive bool
	// raw says that the connection has left HTTP: nothing is framed any more.
	raw bool
}

// Head is the head of a message as a host wants it.
type Head struct {
	// Status is the status of an answer, 200 to 999, or of an informational one, 100 to 199.
	Status Status
	// Fields are the fields; their spans count from Bytes.
	Fields []FieldSpan
	Bytes  []byte
	// Length is the length of the body in bytes, unless the flags say that it is not known.
	Length uint64
	Flags  HeadFlags
	// Date is a line with Date and the empty line that ends the head, for an answer that has no Date. Empty: none is added.
	Date []byte
}

// Output is where framing calls write. Heads are written from its start, whatever goes around a piece of body at its end.
//
// The last head stays where it is. Most handlers send the same fields again and again: a head that begins like the last,
// with the same status line and the same fields of the host, is neither checked nor written again that far, and one that
// is the same to its end not at all.
type Output struct {
	// Bytes has room for heads and for pieceRoom bytes more.
	Bytes []byte

	// kept is how long the beginning is, in bytes, 0 when there is none; then what was found in it.
	kept   int
	status Status
	given  given
	length uint64
	// last is what the head was made of, 0 when there is none; then the length that was given with it, how long it is, in
	// bytes, and what it came to.
	last       headKey
	lastLength uint64
	whole      int
	answer     outgoing

	// writer is the call at work. It is here for the same reason as the reader in Tables.
	writer writer
}

// headKey is what a head depends on besides its fields, the date and the length of the body: its flags, status and context.
// It is never 0.
type headKey uint64

func (head *Head) key(context headContext) headKey {
	return headKey(head.Flags&^HeadFlagsRepeated) | headKey(head.Status)<<32 | headKey(context)<<48 | 1<<63
}

// headContext is what a head depends on in its connection.
type headContext uint8

const (
	contextHTTP11 headContext = 1 << iota
	contextKeepAlive
	contextHead
	contextConnect
)

// headContext tells what a head depends on in c.
func (c *Conn) headContext() (context headContext) {
	if c.message.version >= VersionHTTP11 {
		context |= contextHTTP11
	}
	if c.message.flags&EventFlagsKeepAlive != 0 {
		context |= contextKeepAlive
	}
	if c.outgoing.head {
		context |= contextHead
	}
	if c.outgoing.connect {
		context |= contextConnect
	}
	return context
}

// pieceRoom is how much of an output belongs to what goes around pieces of body.
const pieceRoom = 64

// piece is the room for what goes around a piece of body, and its offset in the output.
func (o *Output) piece() (room []byte, offset uint32) {
	start := len(o.Bytes) - pieceRoom
	return o.Bytes[start:], uint32(start)
}

// FrameHead writes the head of an answer to out and says in framing what it did.
//
// Names and values are checked like received ones, so nothing that ends a line ever reaches the wire. Framing fields are
// completed: a Content-Length when the length is known, chunks when it is not, and to HTTP/1.0 the end of the connection.
//
// It returns ErrnoState when a head was framed before, ErrnoClosed when the connection has ended, ErrnoInvalid for what may
// not be sent, of which an answer of the 2xx class to CONNECT is one (see [Conn.FrameUpgrade]), and ErrnoTooBig when out
// has no room; none of them changes the connection.
func (c *Conn) FrameHead(head *Head, out *Output, framing *Framing) Errno {
	state := afterHead(c.writeState, head.Flags&HeadFlagsComplete != 0)
	switch {
	case c.role == RoleClient || state == illegal:
		return ErrnoState
	case c.phase == phaseEnded:
		return ErrnoClosed
	}
	context := c.headContext()
	key := head.key(context)
	if differs := uint64(out.last^key) | (out.lastLength ^ head.Length); head.Flags&HeadFlagsRepeated == 0 || differs != 0 {
		if errno := out.frameHead(head, context); errno != ErrnoSuccess {
			return errno
		}
		out.last, out.lastLength = key, head.Length
	}
	c.role, c.writeState, c.outgoing = RoleServer, state, out.answer
	c.frame(framing, pack(0, out.whole), 0)
	return ErrnoSuccess
}

// frameHead writes a head.
func (out *Output) frameHead(head *Head, context headContext) Errno {
	if head.Status < 200 || head.Status > 999 || head.Status < 300 && context&contextConnect != 0 || !head.possible() {
		return ErrnoInvalid
	}
	out.last = 0
	w := out.start()
	w.answer.head = context&contextHead != 0
	w.answer.bodiless = w.answer.head || head.Status == 204 || head.Status == 304
	if errno := w.begin(head, out); errno != ErrnoSuccess {
		return errno
	}
	if errno := w.frameBody(head, out.given, context&contextHTTP11 != 0); errno != ErrnoSuccess {
		return errno
	}
	w.connection(head, out.given, context)
	if len(head.Date) > 0 && out.given&givenDate == 0 {
		w.bytes(head.Date)
	} else {
		w.line()
	}
	if w.full {
		return ErrnoTooBig
	}
	if head.Flags&HeadFlagsComplete != 0 {
		w.answer.remaining = 0
	}
	out.whole, out.answer = w.n, w.answer
	return ErrnoSuccess
}

// possible reports whether the flags go together, and a length is one that a peer can read.
func (head *Head) possible() bool {
	if head.Flags&HeadFlagsStreamed != 0 {
		return head.Flags&HeadFlagsComplete == 0
	}
	return head.Length < 1<<63
}

// start begins to write at the front of the output.
func (out *Output) start() *writer {
	w := &out.writer
	w.out, w.n, w.full, w.answer = out.Bytes[:len(out.Bytes)-pieceRoom], 0, false, outgoing{}
	return w
}

// startOther begins to write something that is not the head of an answer: what was kept of the last one is lost.
func (out *Output) startOther() *writer {
	out.kept, out.last = 0, 0
	return out.start()
}

// begin writes the status line and the fields that the host has given, unless the output holds them already.
func (w *writer) begin(head *Head, out *Output) Errno {
	if head.Flags&HeadFlagsRepeated == 0 || out.kept == 0 || out.status != head.Status {
		out.kept = 0
		w.statusLine(head.Status)
		given, errno := w.fields(head)
		if errno != ErrnoSuccess {
			return errno
		}
		if w.full {
			return ErrnoTooBig
		}
		out.kept, out.status, out.given, out.length = w.n, head.Status, given, w.answer.remaining
	}
	w.n, w.answer.remaining = out.kept, out.length
	return ErrnoSuccess
}

// given says which fields a host has put into a head by itself.
type given uint8

const (
	givenContentLength given = 1 << iota
	givenChunked
	givenDate
	givenClose
	givenUpgrade
	givenUpgradeOption
	givenHost
	// givenBadHost: more than one Host, or one that is no authority.
	givenBadHost
)

// fields writes the fields that the host has given.
func (w *writer) fields(head *Head) (set given, errno Errno) {
	noContent := head.Status == 204 || head.Status == 304
	for i := range head.Fields {
		name, value, ok := head.field(i)
		if !ok {
			return 0, ErrnoInvalid
		}
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

// field is a field without the white space around its value. ok is false when it lies outside of the bytes, or may not be
// sent.
func (head *Head) field(i int) (name, value []byte, ok bool) {
	span := &head.Fields[i]
	name, nameOK := span.Name.In(head.Bytes)
	value, valueOK := span.Value.In(head.Bytes)
	if !nameOK || !valueOK || len(name) == 0 || skipToken(name, 0) != len(name) || skipValue(value, 0) != len(value) {
		return nil, nil, false
	}
	return name, trimSpace(value), true
}

// give takes a field that may mean something here. It reports whether the field is sent as it is: the core itself writes
// those that frame the message or rule the connection.
func (w *writer) give(set *given, name, value []byte, noContent bool) (pass bool, errno Errno) {
	switch {
	case EqualFold(name, "date"):
		*set |= givenDate
	case EqualFold(name, "host"):
		if *set&givenHost != 0 || !isAuthority(value, false) {
			*set |= givenBadHost
		}
		*set |= givenHost
	case EqualFold(name, "upgrade"):
		if hasElement(value) {
			*set |= givenUpgrade
		}
	case EqualFold(name, "connection"):
		return w.giveConnection(set, value)
	case EqualFold(name, "content-length"):
		if !w.giveLength(set, value) {
			return false, ErrnoInvalid
		}
		return false, ErrnoSuccess
	case EqualFold(name, "transfer-encoding"):
		if *set&givenChunked != 0 || !EqualFold(value, "chunked") || noContent {
			return false, ErrnoInvalid
		}
		*set |= givenChunked
		return false, ErrnoSuccess
	}
	return true, ErrnoSuccess
}

// giveConnection takes a Connection. One that says whether the connection goes on is not sent: the core says so itself.
func (w *writer) giveConnection(set *given, value []byte) (pass bool, errno Errno) {
	options, err := connectionOptions(value)
	if err != ErrorCodeNone {
		return false, ErrnoInvalid
	}
	if options&seenClose != 0 {
		*set |= givenClose
	}
	if options&(seenClose|seenKeepAlive) != 0 {
		return false, ErrnoSuccess
	}
	if options&seenUpgradeOption != 0 {
		*set |= givenUpgradeOption
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
func (w *writer) connection(head *Head, set given, context headContext) {
	a := &w.answer
	delimited := a.chunked || a.announced || a.bodiless
	a.keepAlive = context&contextKeepAlive != 0 && delimited && head.Flags&HeadFlagsClose == 0 && set&givenClose == 0
	switch {
	case !a.keepAlive:
		w.text("Connection: close\r\n")
	case context&contextHTTP11 == 0:
		w.text("Connection: keep-alive\r\n")
	}
	w.upgradeOption(set)
}

// upgradeOption has Upgrade go with the connection option that it needs (RFC 9110 section 7.8).
func (w *writer) upgradeOption(set given) {
	if set&(givenUpgrade|givenUpgradeOption) == givenUpgrade {
		w.text("Connection: Upgrade\r\n")
	}
}

// FrameData writes to out what goes around a piece of body. ErrnoState without a head or after the end, ErrnoTooBig when
// the piece goes beyond the announced length. An empty piece frames nothing, for an empty chunk would end the body.
func (c *Conn) FrameData(size uint64, out *Output, framing *Framing) Errno {
	a := &c.outgoing
	switch {
	case c.role == RoleNone || !c.canWrite(writeData):
		return ErrnoState
	case a.announced && !a.bodiless && size > a.remaining:
		return ErrnoTooBig
	}
	var before, after Span
	switch {
	case a.bodiless || size == 0:
	case a.announced:
		a.remaining -= size
	case a.chunked:
		room, offset := out.piece()
		w := writer{out: room}
		w.hex(size)
		w.line()
		before = Span{Offset: offset, Size: uint32(w.n)}
		w.line()
		after = Span{Offset: offset + before.Size, Size: uint32(w.n) - before.Size}
	}
	c.onWrite(writeData)
	c.frame(framing, before.pack(), after.pack())
	return ErrnoSuccess
}

// FrameEnd writes the end of a message to out. ErrnoState without a head or after the end, ErrnoInvalid when bytes of the
// announced length are missing.
func (c *Conn) FrameEnd(out *Output, framing *Framing) Errno {
	if errno := c.mayEnd(); errno != ErrnoSuccess {
		return errno
	}
	var before Span
	if c.outgoing.chunked && !c.outgoing.bodiless {
		room, offset := out.piece()
		before = Span{Offset: offset, Size: uint32(copy(room, "0\r\n\r\n"))}
	}
	c.onWrite(writeEnd)
	c.frame(framing, before.pack(), 0)
	return ErrnoSuccess
}

// FrameTrailers writes the end of a message to out with the fields of head as trailers. A message that does not go out in
// chunks ends without them, but they are checked all the same. It returns what FrameEnd returns, ErrnoInvalid also for a
// field that may not be a trailer, and ErrnoTooBig when out has no room.
func (c *Conn) FrameTrailers(head *Head, out *Output, framing *Framing) Errno {
	if errno := c.mayEnd(); errno != ErrnoSuccess {
		return errno
	}
	if c.outgoing.raw {
		return ErrnoState
	}
	w := out.startOther()
	w.text("0\r\n")
	if errno := w.otherFields(head); errno != ErrnoSuccess {
		return errno
	}
	var before Span
	if c.outgoing.chunked && !c.outgoing.bodiless {
		before.Size = uint32(w.n)
	}
	c.onWrite(writeEnd)
	c.frame(framing, before.pack(), 0)
	return ErrnoSuccess
}

// mayEnd says whether a message can end now.
func (c *Conn) mayEnd() Errno {
	a := &c.outgoing
	switch {
	case c.role == RoleNone || !c.canWrite(writeEnd):
		return ErrnoState
	case a.announced && !a.bodiless && a.remaining > 0:
		return ErrnoInvalid
	}
	return ErrnoSuccess
}

// otherFields writes the fields of a section that is not the head of a message, and the line that ends it. None of them
// may frame or route a message or rule a connection.
func (w *writer) otherFields(head *Head) Errno {
	for i := range head.Fields {
		name, value, ok := head.field(i)
		if !ok || forbiddenTrailer(name) {
			return ErrnoInvalid
		}
		w.field(name, value)
	}
	w.line()
	if w.full {
		return ErrnoTooBig
	}
	return ErrnoSuccess
}

// frame describes what a framing call wrote.
func (c *Conn) frame(framing *Framing, before, after packed) {
	framing.Before.put(before)
	framing.After.put(after)
	framing.Bodiless = boolean(c.outgoing.bodiless)
	framing.Finished = boolean(c.writeState == WriteStateFinished)
	framing.KeepAlive = boolean(c.outgoing.keepAlive)
}

func boolean(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// writer writes into a buffer of fixed size and remembers when it was too small.
type writer struct {
	out    []byte
	n      int
	full   bool
	answer outgoing
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

// decimal writes 1*DIGIT.
func (w *writer) decimal(n uint64) {
	size := 1
	for rest := n; rest >= 10; rest /= 10 {
		size++
	}
	if len(w.out)-w.n < size {
		w.full = true
		return
	}
	for i := w.n + size; i > w.n; n /= 10 {
		i--
		w.out[i] = byte('0' + n%10)
	}
	w.n += size
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
