package http1

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzRoundTrip has both ends of a connection called with whatever the input says, legal or not, delivers what they wrote
// to each other, whole and in pieces, and compares what one end heard with what the other was asked to say. What the
// rules allow must be accepted and must arrive; what they forbid must be refused and change nothing.
func FuzzRoundTrip(f *testing.F) {
	for _, script := range writtenScripts {
		f.Add([]byte(strings.ReplaceAll(script, " ", "")))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(plannedScript(f, random))
	}
	f.Fuzz(func(t *testing.T, input []byte) { newRoundTrip(t, input).run() })
}

// TestRoundTrips does the same with scripts that go far, and says how far they go.
func TestRoundTrips(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	reached := map[string]int{}
	for range 3000 {
		r := newRoundTrip(t, plannedScript(t, random))
		r.run()
		r.count(reached)
	}
	for _, script := range writtenScripts {
		r := newRoundTrip(t, []byte(strings.ReplaceAll(script, " ", "")))
		r.run()
		r.count(reached)
	}
	for _, what := range slices.Sorted(maps.Keys(reached)) {
		t.Logf("%6d %s", reached[what], what)
		if reached[what] == 0 {
			t.Errorf("no script reaches %s", what)
		}
	}
}

// count counts what a script has reached.
func (r *roundTrip) count(reached map[string]int) {
	note := func(what string, is bool) {
		if reached[what] += 0; is {
			reached[what]++
		}
	}
	for _, m := range append(slices.Clone(r.client.sent), r.server.sent...) {
		note("messages with a body by length", m.heardEnd && m.length != unknown && m.heardBody > 0)
		note("messages in chunks", m.heardEnd && m.chunked)
		note("messages with trailers", m.heardTrailers)
		note("messages until the end of the connection", m.heardEnd && m.untilClose)
		note("answers without a body", m.heardEnd && m.bodiless)
		note("informational answers", m.interim)
		note("answers that leave HTTP", m.upgrade)
		note("raw bytes", m.raw && m.heardBody > 0)
		note("requests by way of HTTP/1.0", m.http10 && m.heardEnd)
		note("answers before the request", m.blind && m.heardEnd)
	}
	for _, p := range []*party{r.client, r.server} {
		note("cycles after which the "+p.name+"'s connection went on", slices.Contains(p.cycles, true))
		note("cycles after which the "+p.name+"'s connection ended", slices.Contains(p.cycles, false))
	}
	for _, class := range []string{classExpect, classUnsolicited, classTunnel, classCut, classNotAnswered, classUnfinished} {
		note("ends: "+class, r.over == class)
	}
}

// plan is how an exchange goes mostly.
var plan = []int{
	doRequest, doInterim, doData, doDeliver, doInterim, doAll, doUpgrade, doEnd, doHead, doAll, doData, doTrailers, doEnd,
	doAll, doAll, doData, doNext, doNext,
}

// plannedScript is a script that goes by the plan a few times, mostly.
func plannedScript(tb testing.TB, random *rand.Rand) (script []byte) {
	source := make([]byte, 1<<13)
	for i := range source {
		source[i] = byte(random.Uint32())
	}
	r := newRoundTrip(tb, source)
	script = slices.Clone(source[:len(source)-len(r.script)])
	do := func(command int) {
		before := r.script
		if r.over == "" && len(before) > len(source)/8 {
			r.step(command)
			script = append(append(script, byte('0'+command)), before[:len(before)-len(r.script)]...)
		}
	}
	for range 4 {
		for _, command := range plan {
			for random.IntN(16) == 0 {
				do(random.IntN(commands))
			}
			if random.IntN(16) > 0 {
				do(command)
			}
		}
	}
	return script
}

// maxSteps bounds a script: more cycles tell nothing new.
const maxSteps = 200

// roundTrip is a connection between a client and a server, and the script of what happens on it.
type roundTrip struct {
	t      testing.TB
	script script
	client *party
	server *party
	date   []byte
	// over is why the script has come to its end before its end, see [roundTrip.end].
	over  string
	story []func() string
}

// party is one end of a connection, with the wire that it writes to and what a reader of it has to hear.
type party struct {
	name   string
	peer   *party
	conn   Conn
	tables Tables
	out    Output

	// wire is what it has written and nobody has read, written the number of all bytes that it ever wrote.
	wire    []byte
	written uint64
	// sent are the messages that it has begun, and current the one that it writes: nil before and nil in a new cycle.
	sent    []*sentMessage
	current *sentMessage

	// rest is what was delivered to it and not consumed, state where its reader stands.
	rest  []byte
	state ReaderState
	// heard is the number of messages of the peer that it has heard to the end.
	heard int
	// heardLine is the message whose start line it has heard last, hearing the request or the final answer whose head it
	// has heard. Both are nil before that, in every cycle.
	heardLine, hearing *sentMessage
	// continued says that it has sent 100 (Continue) in this cycle.
	continued bool

	// keepAlive is what the last framing call said, and cycles whether the connection went on after each cycle.
	keepAlive bool
	cycles    []bool
	// lastHead is the last head that it framed, while nothing else was written over it.
	lastHead *Head
}

// sentMessage is a message as its writer was asked to write it.
type sentMessage struct {
	method, target string
	status         Status
	// fields must arrive as they are, in front of those that the writer adds.
	fields   []pair
	trailers []pair
	body     []byte
	// length is what the framing announces, unknown when it announces nothing.
	length uint64
	// untilClose: the end of the connection ends the body.
	bodiless, chunked, untilClose bool

	// http10: a request that came by way of an intermediary which speaks HTTP/1.0.
	http10 bool
	// blind: an answer that was given before a request was read.
	blind bool
	// interim: an informational answer. upgrade: the answer that leaves HTTP. raw: what comes behind it. lost: a body
	// that the client does not take for one.
	interim, upgrade, raw, lost bool

	finished bool
	// end is the number of bytes on the wire up to its end.
	end uint64

	heardBody     int
	heardTrailers bool
	heardEnd      bool
}

// unknown is a length that was not announced.
const unknown = math.MaxUint64

// pair is a field: name and value.
type pair [2]string

// roundTripLimits let through whatever fits in an output.
var roundTripLimits = Limits{StartLine: 1 << 16, Head: 1 << 16, Fields: 64, ChunkLine: 64, Trailers: 1 << 16, TrailerFields: 64}

const testDate = "Sun, 06 Nov 1994 08:49:37 GMT"

func newRoundTrip(t testing.TB, input []byte) *roundTrip {
	r := &roundTrip{t: t, script: input}
	open := func(name string, role Role) *party {
		p := &party{name: name}
		p.tables = Tables{Events: make([]EventRecord, 4), Fields: make([]FieldSpan, 64)}
		if r.script.choose(4) == 3 {
			role = RoleNone
		}
		p.conn.Open(role, &roundTripLimits)
		room := []int{4096, 300, 100}[r.script.choose(3)]
		p.out.Bytes = make([]byte, room+pieceRoom)
		return p
	}
	r.client, r.server = open("client", RoleClient), open("server", RoleServer)
	r.client.peer, r.server.peer = r.server, r.client
	if r.script.choose(2) == 1 {
		r.date = []byte("Date: " + testDate + "\r\n\r\n")
	}
	return r
}

func (r *roundTrip) run() {
	for steps := 0; steps < maxSteps && len(r.script) > 0 && r.over == ""; steps++ {
		r.step(r.script.choose(commands))
	}
	r.close()
}

// close delivers what is on the way and ends both directions.
func (r *roundTrip) close() {
	for _, p := range []*party{r.server, r.client, r.server} {
		r.deliver(p, len(p.peer.wire), 7, 0)
	}
	r.hangUp(r.server)
	r.hangUp(r.client)
}

// The commands of a script.
const (
	doRequest = iota
	doHead
	doInterim
	doUpgrade
	doData
	doEnd
	doTrailers
	doDeliver
	doNext
	doAll

	commands
)

func (r *roundTrip) step(command int) {
	s := &r.script
	switch command {
	case doRequest:
		r.request()
	case doHead:
		r.head()
	case doInterim:
		r.interim()
	case doUpgrade:
		r.upgrade()
	case doData:
		r.data(r.party())
	case doEnd:
		r.endMessage(r.party())
	case doTrailers:
		r.trailers(r.party())
	case doDeliver:
		p := r.party()
		r.deliver(p, s.choose(64), 1+s.choose(16), ReceiveFlags(s.choose(2))*ReceiveFlagsHeadOnly)
	case doNext:
		r.nextCycle(r.party())
	case doAll:
		p := r.party()
		r.deliver(p, len(p.peer.wire), 1+s.choose(250), 0)
	}
}

// party chooses an end of the connection.
func (r *roundTrip) party() *party {
	if r.script.choose(2) == 0 {
		return r.client
	}
	return r.server
}

// ----- The script -----

// script is the input of the fuzzer as a source of choices. When it has run out, every choice is the first.
type script []byte

// choose chooses one of n: by the digits 0 to 9 and the bytes behind them.
func (s *script) choose(n int) int {
	if len(*s) == 0 {
		return 0
	}
	choice := int((*s)[0]-'0') % n
	*s = (*s)[1:]
	return choice
}

// text is a length and so many bytes, whatever they are.
func (s *script) text() string {
	size := min(s.choose(32), len(*s))
	text := string((*s)[:size])
	*s = (*s)[size:]
	return text
}

var (
	goodMethods     = []string{"GET", "HEAD", "POST", "CONNECT", "OPTIONS", "TRACE", "PUT", "get"}
	badMethods      = []string{"G T", "", "G\r"}
	goodTargets     = []string{"/", "/a?b", "http://a:1/x?y", "http://[::1]?"}
	badTargets      = []string{"*", "/a b", "https://u@h/", "/\x7f", "", "h:1", "/\r\n", "/\xff"}
	goodAuthorities = []string{"h:1", "[::1]:443"}
	badAuthorities  = []string{"h", "h:", "/", "u@h:1", "h:123456"}

	goodLengths = []uint64{0, 5, 1, maxContent}
	badLengths  = []uint64{1<<63 - 1, 1 << 63, 1<<64 - 2}
	goodStatus  = []Status{200, 204, 304, 404, 299, 999}
	badStatus   = []Status{100, 101, 0, 1000, 199}
	goodInterim = []Status{103, 100, 102, 199}
	badInterim  = []Status{101, 200, 99, 0}
	someSizes   = []int{5, 0, 1, 16, 100, 255, 256, 4095}

	// Fields that mean something.
	goodFields = []pair{
		{"A", "b"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"}, {"Upgrade", "x"},
		{"Expect", "100-continue"}, {"Connection", "keep-alive"}, {"Connection", "Upgrade"}, {"Date", "now"}, {"host", "b:1"},
		{"content-length", "0"}, {"B", " c\t \xff "}, {"Connection", "close, upgrade, x"}, {"Trailer", "A"}, {"TE", "trailers"},
		{"Upgrade", ""}, {"CONNECTION", ", ,"}, {"Content-Length", " 005\t"}, {"Keep-Alive", "1"}, {"Expect", "other"},
		{"Content-Length", "9223372036854775807"},
	}
	goodTrailers = []pair{{"A", "b"}, {"B", "\t\xff \t"}, {"Date", "now"}, {"Link", ""}, {"a-very-long-name", "and a value"}, {"Te", "x"}}
	badFields    = []pair{
		{"X", "a\r\nY: z"}, {"X", "\x00"}, {"", "b"}, {"X:", "y"}, {"X ", "y"}, {"Content-Length", "9223372036854775808"},
		{"Content-Length", "-1"}, {"Transfer-Encoding", "gzip, chunked"}, {"Connection", "a b"}, {"Host", "a b"}, {"X\n", "y"},
		{"Content-Length", "5, 5"}, {"X", "a\rb"}, {"X", "a\nb"},
	}
)

// oneOf is one of the good values, or sometimes one of the bad ones.
func oneOf[T any](s *script, good, bad []T) T {
	if s.choose(16) == 15 {
		return bad[s.choose(len(bad))]
	}
	return good[s.choose(len(good))]
}

// word is a word, sometimes a bad one, and sometimes any text.
func (s *script) word(good, bad []string) string {
	if s.choose(16) == 15 {
		return s.text()
	}
	return oneOf(s, good, bad)
}

// headFields are those of a head.
func (s *script) headFields() []pair { return s.fields(goodFields) }

// fields are those of a section, most of them from a list.
func (s *script) fields(good []pair) []pair {
	var fields []pair
	for range []int{0, 0, 1, 1, 2, 3, 6}[s.choose(7)] {
		if s.choose(16) == 15 {
			fields = append(fields, pair{s.text(), s.text()})
		} else {
			fields = append(fields, oneOf(s, good, badFields))
		}
	}
	return fields
}

// layOut gives fields to a head. Some lie outside of its bytes, and inside says whether none does.
func (s *script) layOut(head *Head, fields []pair) (inside bool) {
	var flat []string
	for _, field := range fields {
		flat = append(flat, field[0], field[1])
	}
	head.Fields, head.Bytes = fieldSpans(flat...)
	if len(fields) == 0 || s.choose(16) != 15 {
		return true
	}
	span := &head.Fields[s.choose(len(fields))].Value
	*span = Span{Offset: uint32(len(head.Bytes)), Size: math.MaxUint32}
	return false
}

// content is a piece of body, unlike those before it in the same message. Some of its bytes could end lines.
func (m *sentMessage) content(size int) []byte {
	piece := make([]byte, size)
	for i := range piece {
		at := len(m.body) + i
		piece[i] = byte(at) ^ byte(at>>8)
	}
	return piece
}

// ----- The calls, and what the rules say of them -----

// framingCall is a framing call on any connection with any output.
type framingCall func(c *Conn, out *Output, framing *Framing) Errno

// call makes a framing call. legal is what the rules say of it. It reports whether the call was accepted.
func (r *roundTrip) call(p *party, name string, legal bool, call framingCall) (framing Framing, ok bool) {
	before := p.conn
	errno := call(&p.conn, &p.out, &framing)
	r.tell("%s: %s: %v, %+v", p.name, name, errno, framing)
	switch {
	case errno == ErrnoSuccess && !legal:
		r.fail("the rules forbid it")
	case errno == ErrnoSuccess:
		p.keepAlive = framing.KeepAlive == 1
		return framing, true
	case errno == ErrnoTooBig && legal:
		// It is, if with all the room there can be it is not.
		probe, out := before, Output{Bytes: make([]byte, 1<<16)}
		if errno = call(&probe, &out, &framing); errno != ErrnoSuccess {
			r.fail("the rules allow it, and with more room: %v", errno)
		}
	case legal:
		r.fail("the rules allow it")
	case errno != ErrnoInvalid && errno != ErrnoState && errno != ErrnoTooBig && errno != ErrnoClosed:
		r.fail("an error that no framing call has")
	}
	r.unchanged(p, &before)
	return framing, false
}

// unchanged says of a call that was refused that it has changed nothing.
func (r *roundTrip) unchanged(p *party, before *Conn) {
	if p.conn != *before {
		r.fail("it was refused and changed the connection\nbefore %+v\nafter  %+v", *before, p.conn)
	}
}

// put writes what a framing call made, around a piece of body.
func (p *party) put(framing *Framing, content []byte) {
	text := func(s Span) []byte { return p.out.Bytes[s.Offset:][:s.Size] }
	before := len(p.wire)
	p.wire = append(p.wire, text(framing.Before)...)
	if framing.Bodiless == 0 {
		p.wire = append(p.wire, content...)
	}
	p.wire = append(p.wire, text(framing.After)...)
	p.written += uint64(len(p.wire) - before)
}

// checkLines says of a head or a trailer section that nothing but its line ends could be taken for one.
func (r *roundTrip) checkLines(p *party, framing *Framing) {
	section := p.out.Bytes[framing.Before.Offset:][:framing.Before.Size]
	ends := bytes.Count(section, []byte("\r\n"))
	if bytes.Count(section, []byte("\r")) != ends || bytes.Count(section, []byte("\n")) != ends || bytes.IndexByte(section, 0) >= 0 {
		r.fail("a control character is on the wire: %q", section)
	}
}

// request asks, mostly with the Host that a request needs.
func (r *roundTrip) request() {
	s := &r.script
	p := r.client
	method := s.word(goodMethods, badMethods)
	var target string
	if method == "CONNECT" {
		target = s.word(goodAuthorities, badAuthorities)
	} else {
		target = s.word(goodTargets, badTargets)
	}
	fields := s.headFields()
	if s.choose(16) < 15 {
		fields = append([]pair{{"Host", "h"}}, fields...)
	}
	head, inside := r.newHead(fields)
	intermediary, wrong := s.choose(8), s.choose(16) == 15
	if wrong {
		p = r.server
		if p.conn.role == RoleNone {
			return // it would become a client
		}
	}
	m := &sentMessage{method: method, target: target, length: unknown}
	legal := inside && legalFields(fields) && legalTarget(method, target) && m.frameRequest(fields, &head)
	legal = legal && !wrong && p.current == nil && p.state != ReaderStateEnded
	legal = legal && possibleHead(&head)
	framing, ok := r.call(p, fmt.Sprintf("request %q %q %q %d %#x", method, target, fields, head.Length, head.Flags), legal,
		func(c *Conn, out *Output, framing *Framing) Errno {
			return c.FrameRequest([]byte(method), []byte(target), &head, out, framing)
		})
	p.lastHead = nil
	if !ok {
		return
	}
	r.checkLines(p, &framing)
	m.fields = passedOn(fields)
	r.begin(p, m, &head, &framing)
	if !m.chunked && intermediary > 5 {
		r.rewrite(m, intermediary == 7)
	}
}

// rewrite has an intermediary that speaks HTTP/1.0 pass the request on: it is all that is on the wire, but for its body.
func (r *roundTrip) rewrite(m *sentMessage, keepAlive bool) {
	p := r.client
	const line = " HTTP/1.1\r\n"
	start := bytes.LastIndex(p.wire, []byte(m.method+" "+m.target+line)) + len(m.method+" "+m.target)
	head, behind := p.wire[:start], slices.Clone(p.wire[start+len(line):])
	m.http10 = true
	newLine := " HTTP/1.0\r\n"
	if keepAlive {
		newLine += "Connection: keep-alive\r\n"
		m.fields = append([]pair{{"Connection", "keep-alive"}}, m.fields...)
	}
	p.wire = append(append(head, newLine...), behind...)
	p.written += uint64(len(newLine) - len(line))
	m.end = p.written
	r.tell("an intermediary makes it %q", p.wire)
}

// newHead is a head with some length and flags. inside says that all of its fields lie in its bytes.
func (r *roundTrip) newHead(fields []pair) (head Head, inside bool) {
	s := &r.script
	head.Length = oneOf(s, goodLengths, badLengths)
	head.Flags = []HeadFlags{HeadFlagsComplete, HeadFlagsStreamed, 0}[s.choose(3)]
	switch s.choose(16) {
	case 14:
		head.Flags |= HeadFlagsClose
	case 15:
		head.Flags |= HeadFlagsComplete | HeadFlagsStreamed
	}
	if head.Flags&HeadFlagsComplete != 0 && head.Length > maxContent {
		head.Flags &^= HeadFlagsComplete // nobody has so many bytes at hand
	}
	head.Date = r.date
	inside = s.layOut(&head, fields)
	return head, inside
}

// maxContent is the longest body that comes with its head.
const maxContent = 100

// begin notes that a message has begun, and ends it when all of it is there.
func (r *roundTrip) begin(p *party, m *sentMessage, head *Head, framing *Framing) {
	var content []byte
	complete := head.Flags&HeadFlagsComplete != 0
	if complete {
		content = m.content(int(head.Length))
	}
	if framing.Bodiless == 1 != m.bodiless {
		r.fail("bodiless: %d", framing.Bodiless)
	}
	p.put(framing, content)
	if !m.bodiless {
		m.body = append(m.body, content...)
	}
	p.current = m
	p.sent = append(p.sent, m)
	if complete != (framing.Finished == 1) {
		r.fail("finished: %d", framing.Finished)
	}
	if complete {
		m.finish(p)
	}
}

func (m *sentMessage) finish(p *party) { m.finished, m.end = true, p.written }

// head answers, sometimes with the head of the last answer once more.
func (r *roundTrip) head() {
	s := &r.script
	p := r.server
	if p.hearing == nil && s.choose(8) < 7 {
		return // mostly not before it knows to what
	}
	status := oneOf(s, goodStatus, badStatus)
	fields := s.headFields()
	head, inside := r.newHead(fields)
	head.Status = status
	repeat, wrong := s.choose(4) == 3, s.choose(16) == 15
	if repeat && p.lastHead != nil {
		length, flags := head.Length, head.Flags
		head, inside = *p.lastHead, true
		head.Length, head.Flags = length, flags|HeadFlagsRepeated
		status, fields = head.Status, head.pairs()
	}
	if wrong {
		p = r.client
		if p.conn.role == RoleNone {
			return // it would become a server
		}
	}
	m := &sentMessage{status: status, length: unknown, blind: p.hearing == nil}
	http11 := p.heardLine != nil && !p.heardLine.http10
	legal := inside && legalFields(fields) && m.frameAnswer(p.hearing, http11, fields, &head)
	legal = legal && !wrong && p.current == nil
	legal = legal && possibleHead(&head) && p.state != ReaderStateEnded
	framing, ok := r.call(p, fmt.Sprintf("head %d %q %d %#x", status, fields, head.Length, head.Flags), legal,
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameHead(&head, out, framing) })
	p.lastHead = nil
	if !ok {
		return
	}
	p.lastHead = &head
	r.checkLines(p, &framing)
	m.fields = passedOn(fields)
	r.begin(p, m, &head, &framing)
}

// pairs are the fields of a head.
func (head *Head) pairs() (fields []pair) {
	for _, field := range head.Fields {
		name, _ := field.Name.In(head.Bytes)
		value, _ := field.Value.In(head.Bytes)
		fields = append(fields, pair{string(name), string(value)})
	}
	return fields
}

// interim sends an informational answer.
func (r *roundTrip) interim() {
	s := &r.script
	p := r.server
	head := Head{Status: oneOf(s, goodInterim, badInterim)}
	fields := s.fields(goodTrailers)
	inside := s.layOut(&head, fields)
	request := p.hearing
	legal := inside && head.Status >= 100 && head.Status <= 199 && head.Status != 101 && legalFields(fields) &&
		!anyForbidden(fields) && request != nil && p.current == nil
	if legal && head.Status == 100 {
		// Once, to a client that waits for it and has sent nothing yet.
		legal = !p.continued && request.expectsContinue() && request.heardBody == 0 && !request.heardEnd
	}
	framing, ok := r.call(p, fmt.Sprintf("interim %d %q", head.Status, fields), legal,
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameInformational(&head, out, framing) })
	p.lastHead = nil
	if !ok {
		return
	}
	r.checkLines(p, &framing)
	p.continued = p.continued || head.Status == 100
	if request.http10 {
		if framing.Before.Size > 0 {
			r.fail("HTTP/1.0 has no informational answers")
		}
		return
	}
	p.put(&framing, nil)
	m := &sentMessage{status: head.Status, fields: trimmed(fields), interim: true}
	m.finish(p)
	p.sent = append(p.sent, m)
}

// upgrade has the server leave HTTP.
func (r *roundTrip) upgrade() {
	p := r.server
	fields := r.script.headFields()
	head := Head{Date: r.date}
	inside := r.script.layOut(&head, fields)
	request := p.hearing
	legal := inside && legalFields(fields) && request != nil && request.heardEnd && p.current == nil
	if legal {
		_, hasLength := givenLength(fields)
		connect := request.method == "CONNECT"
		legal = (connect || request.asksForUpgrade() && namesProtocol(fields)) &&
			!hasLength && !has(fields, "transfer-encoding") && !hasOption(fields, "close")
	}
	framing, ok := r.call(p, fmt.Sprintf("upgrade %q", fields), legal,
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameUpgrade(&head, out, framing) })
	p.lastHead = nil
	if !ok {
		return
	}
	r.checkLines(p, &framing)
	p.put(&framing, nil)
	answer := &sentMessage{status: 101, fields: passedOn(fields), upgrade: true}
	if request.method == "CONNECT" {
		answer.status = 200
	}
	answer.finish(p)
	// The client may write raw bytes only when it knows.
	p.current = newRaw()
	p.sent = append(p.sent, answer, p.current)
	p.peer.sent = append(p.peer.sent, newRaw())
}

func newRaw() *sentMessage { return &sentMessage{raw: true, length: unknown} }

// data sends a piece of body.
func (r *roundTrip) data(p *party) {
	size := uint64(someSizes[r.script.choose(len(someSizes))])
	m := p.current
	if m != nil && m.length != unknown {
		missing := m.length - uint64(len(m.body))
		switch r.script.choose(16) {
		case 13:
			size = 1 << 63 // nobody has so many bytes at hand, but more than was announced it is
		case 14:
			size = min(missing, maxContent) + 1
		case 15:
		default:
			size = min(missing, maxContent)
		}
	}
	legal := m != nil && !m.finished && (m.bodiless || m.length == unknown || size <= m.length-uint64(len(m.body)))
	framing, ok := r.call(p, fmt.Sprintf("data %d", size), legal,
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameData(size, out, framing) })
	if !ok {
		return
	}
	var content []byte
	if !m.bodiless {
		content = m.content(int(size))
	}
	p.put(&framing, content)
	m.body = append(m.body, content...)
}

// endMessage ends a message.
func (r *roundTrip) endMessage(p *party) {
	framing, ok := r.call(p, "end", p.mayEnd(),
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameEnd(out, framing) })
	if ok {
		p.put(&framing, nil)
		p.current.finish(p)
	}
}

// mayEnd reports whether everything that was announced is sent.
func (p *party) mayEnd() bool {
	m := p.current
	return m != nil && !m.finished && (m.bodiless || m.length == unknown || m.length == uint64(len(m.body)))
}

// trailers ends a message with trailers.
func (r *roundTrip) trailers(p *party) {
	fields := r.script.fields(goodTrailers)
	var head Head
	inside := r.script.layOut(&head, fields)
	legal := p.mayEnd() && !p.current.raw && inside && legalFields(fields) && !anyForbidden(fields)
	framing, ok := r.call(p, fmt.Sprintf("trailers %q", fields), legal,
		func(c *Conn, out *Output, framing *Framing) Errno { return c.FrameTrailers(&head, out, framing) })
	p.lastHead = nil
	if !ok {
		return
	}
	r.checkLines(p, &framing)
	p.put(&framing, nil)
	if p.current.chunked && !p.current.bodiless {
		p.current.trailers = trimmed(fields)
	}
	p.current.finish(p)
}

// ----- The rules, written down a second time -----

var (
	tokenPattern     = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	valuePattern     = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
	numberPattern    = regexp.MustCompile(`^[0-9]+$`)
	visiblePattern   = regexp.MustCompile(`^[\x21-\x7e]+$`)
	authorityPattern = regexp.MustCompile(`^(\[[-0-9A-Za-z._~:!$&'()*+,;=]{2,}\]|([-0-9A-Za-z._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(:[0-9]{0,5})?$`)
	absolutePattern  = regexp.MustCompile(`^[A-Za-z][-+.0-9A-Za-z]*://([^/?]*)`)
	portPattern      = regexp.MustCompile(`:[0-9]+$`)
)

// latin1 makes a text of every byte a character, for patterns that are about bytes.
func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range runes {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// legalFields reports whether fields may be sent: names and values, and those that frame a message by themselves.
func legalFields(fields []pair) bool {
	for _, field := range fields {
		if !tokenPattern.MatchString(field[0]) || !valuePattern.MatchString(latin1(field[1])) {
			return false
		}
	}
	for _, option := range options(fields) {
		if !tokenPattern.MatchString(option) {
			return false
		}
	}
	codings := values(fields, "transfer-encoding")
	if len(codings) > 1 || len(codings) == 1 && !strings.EqualFold(codings[0], "chunked") {
		return false
	}
	first, _ := givenLength(fields)
	for _, value := range values(fields, "content-length") {
		length, err := strconv.ParseInt(value, 10, 64)
		if err != nil || !numberPattern.MatchString(value) || uint64(length) != first {
			return false
		}
	}
	return true
}

// legalTarget reports whether a request line can be written.
func legalTarget(method, target string) bool {
	if !tokenPattern.MatchString(method) || !visiblePattern.MatchString(latin1(target)) {
		return false
	}
	absolute := absolutePattern.FindStringSubmatch(target)
	switch {
	case method == "CONNECT":
		return authorityPattern.MatchString(target) && portPattern.MatchString(target)
	case target == "*":
		return method == "OPTIONS"
	case absolute != nil:
		return authorityPattern.MatchString(absolute[1])
	}
	return target[0] == '/'
}

// frameRequest tells how the body of a request is framed, and whether that may be.
func (m *sentMessage) frameRequest(fields []pair, head *Head) bool {
	length, hasLength := givenLength(fields)
	streamed := head.Flags&HeadFlagsStreamed != 0
	switch {
	case !streamed:
		m.length = head.Length
	case hasLength:
		m.length = length
	default:
		m.chunked = true
	}
	hosts := values(fields, "host")
	noContent := m.method == "CONNECT" || m.method == "TRACE"
	switch {
	case len(hosts) != 1 || !authorityPattern.MatchString(hosts[0]):
		return false
	case has(fields, "transfer-encoding") && !m.chunked:
		return false
	case hasLength && length != m.length:
		return false
	}
	return !noContent || m.length == 0
}

// frameAnswer tells how the body of an answer is framed, and whether that may be. request is what was heard of the
// request, nil before its head was complete; http11 that its version was heard.
func (m *sentMessage) frameAnswer(request *sentMessage, http11 bool, fields []pair, head *Head) bool {
	length, hasLength := givenLength(fields)
	streamed := head.Flags&HeadFlagsStreamed != 0
	chunked := has(fields, "transfer-encoding")
	connect := request != nil && request.method == "CONNECT"
	noContent := m.status == 204 || m.status == 304
	m.bodiless = noContent || request != nil && request.method == "HEAD"
	switch {
	case m.status < 200 || m.status > 999 || m.status < 300 && connect:
		return false
	case chunked && (noContent || hasLength || !streamed || !http11):
		return false
	case m.status == 204:
		return true
	case hasLength:
		m.length = length
		return streamed || head.Length == length || m.bodiless && head.Length == 0
	case !streamed && (m.status != 304 || head.Length > 0):
		m.length = head.Length
	case m.status != 304 && http11:
		m.chunked = true
	default:
		m.untilClose = !m.bodiless
	}
	return true
}

// expectsContinue reports whether a request waits for 100 (Continue).
func (m *sentMessage) expectsContinue() bool { return !m.http10 && has(m.fields, "expect") }

// asksForUpgrade reports whether a request asks for another protocol. The option that goes with it is added when it is
// missing.
func (m *sentMessage) asksForUpgrade() bool {
	return !m.http10 && namesProtocol(m.fields)
}

// values are those of all fields of a name, without the white space around them.
func values(fields []pair, name string) (values []string) {
	for _, field := range fields {
		if strings.EqualFold(field[0], name) {
			values = append(values, strings.Trim(field[1], " \t"))
		}
	}
	return values
}

func has(fields []pair, name string) bool { return len(values(fields, name)) > 0 }

// options are the connection options.
func options(fields []pair) (options []string) {
	for _, value := range values(fields, "connection") {
		for option := range strings.SplitSeq(value, ",") {
			if option = strings.Trim(option, " \t"); option != "" {
				options = append(options, option)
			}
		}
	}
	return options
}

func hasOption(fields []pair, name string) bool {
	return slices.ContainsFunc(options(fields), func(option string) bool { return strings.EqualFold(option, name) })
}

// givenLength is the first Content-Length.
func givenLength(fields []pair) (length uint64, ok bool) {
	given := values(fields, "content-length")
	if len(given) == 0 {
		return 0, false
	}
	length, _ = strconv.ParseUint(given[0], 10, 64)
	return length, true
}

// forbiddenOutside are the names of fields that stand only in the head of a message.
var forbiddenOutside = []string{
	"transfer-encoding", "content-length", "host", "connection", "keep-alive", "proxy-connection", "upgrade", "te",
	"trailer", "expect", "max-forwards",
}

func anyForbidden(fields []pair) bool {
	return slices.ContainsFunc(forbiddenOutside, func(name string) bool { return has(fields, name) })
}

// passedOn are the fields of a head that the writer passes on: not those that frame the message, and not the options by
// which it says itself whether the connection goes on.
func passedOn(fields []pair) []pair {
	return slices.DeleteFunc(trimmed(fields), func(field pair) bool {
		one := []pair{field}
		return has(one, "content-length") || has(one, "transfer-encoding") || hasOption(one, "close") || hasOption(one, "keep-alive")
	})
}

// trimmed are fields without the white space around their values.
func trimmed(fields []pair) (trimmed []pair) {
	for _, field := range fields {
		trimmed = append(trimmed, pair{field[0], strings.Trim(field[1], " \t")})
	}
	return trimmed
}

// ----- The wire, and what is heard of it -----

// heardEvent is an event with what it names.
type heardEvent struct {
	EventRecord
	first, second, authority string
	fields                   []pair
}

// deliver hands some bytes that the peer has written to a party, in pieces.
func (r *roundTrip) deliver(p *party, amount, piece int, flags ReceiveFlags) {
	if r.over != "" || p == r.client && p.conn.role == RoleNone {
		return // it would become a server
	}
	amount = min(amount, len(p.peer.wire))
	input := p.peer.wire[:amount:amount]
	p.peer.wire = p.peer.wire[amount:]
	r.receive(p, input, piece, flags)
}

// nextCycle begins the next exchange on a party's side, and compares whether the connection goes on with the peer's side.
func (r *roundTrip) nextCycle(p *party) {
	legal := p.current != nil && p.current.finished && !p.current.raw && p.hearing != nil && p.hearing.heardEnd
	if !legal {
		before := p.conn
		var result Reception
		errno := p.conn.Receive(p.rest, ReceiveFlagsNextCycle, &p.tables, &result)
		r.tell("%s: next cycle: %v", p.name, errno)
		if errno != ErrnoState || p.conn != before {
			r.fail("the cycle is not complete")
		}
		return
	}
	p.current, p.hearing, p.heardLine, p.continued = nil, nil, nil, false
	r.receive(p, nil, 1, ReceiveFlagsNextCycle)
	goesOn := p.state != ReaderStateEnded
	if goesOn && !p.keepAlive || p == r.server && goesOn != p.keepAlive {
		r.fail("%s goes on: %v, and said %v", p.name, goesOn, p.keepAlive)
	}
	cycle := len(p.cycles)
	p.cycles = append(p.cycles, goesOn)
	if cycle < len(p.peer.cycles) && p.peer.cycles[cycle] != goesOn {
		r.fail("%s goes on: %v, the other does otherwise", p.name, goesOn)
	}
}

// hangUp ends what a party can read.
func (r *roundTrip) hangUp(p *party) {
	if r.over == "" && p.conn.role != RoleNone {
		r.receive(p, nil, 1, ReceiveFlagsEOF)
	}
}

// receive has a party read in pieces, compares that with a twin of it that reads everything at once, and hears the events.
func (r *roundTrip) receive(p *party, input []byte, piece int, flags ReceiveFlags) {
	twin := p.conn
	whole, wholeRest, wholeResult := p.read(&twin, input, len(input)+1, flags&^ReceiveFlagsHeadOnly)
	events, rest, result := p.read(&p.conn, input, piece, flags)
	r.tell("%s: hears %d bytes in pieces of %d, flags %d: %d events, %+v", p.name, len(input), piece, flags, len(events), result)
	if got, want := fmt.Sprintf("%+v", events), fmt.Sprintf("%+v", whole); got != want {
		r.fail("in pieces\n%s\nwhole\n%s", got, want)
	}
	result.EventCount, result.Consumed = wholeResult.EventCount, wholeResult.Consumed
	if result != wholeResult || !bytes.Equal(rest, wholeRest) {
		r.fail("in pieces %+v, %q left\nwhole %+v, %q left", result, rest, wholeResult, wholeRest)
	}
	p.rest = rest
	for i := range events {
		if r.hear(p, &events[i]); r.over != "" {
			return
		}
	}
	r.settle(p, &result, flags&ReceiveFlagsEOF != 0)
}

// read gives a connection of a party bytes behind those that are left, in pieces. The reader can see the bytes that are
// still to come, and must not believe them. Pieces of body that follow one another are joined.
func (p *party) read(c *Conn, input []byte, piece int, flags ReceiveFlags) (events []heardEvent, rest []byte, result Reception) {
	all := slices.Concat(p.rest, input)
	start, end := 0, len(p.rest)
	first := flags & ReceiveFlagsNextCycle
	for {
		end = min(end+piece, len(all))
		for result.State = ReaderStateMore; result.State == ReaderStateMore; first = 0 {
			now := flags&ReceiveFlagsHeadOnly | first
			if end == len(all) {
				now |= flags & ReceiveFlagsEOF
			}
			if errno := c.Receive(all[start:end], now, &p.tables, &result); errno != ErrnoSuccess {
				panic(errno)
			}
			for i := range result.EventCount {
				events = appendEvent(events, p.event(&p.tables.Events[i], all[start:end]))
			}
			start += int(result.Consumed)
		}
		if end == len(all) {
			return events, all[start:], result
		}
	}
}

// event copies what an event names.
func (p *party) event(e *EventRecord, input []byte) heardEvent {
	text := func(s Span) string {
		part, ok := s.In(input)
		if !ok {
			panic("a span outside of the input")
		}
		return string(part)
	}
	heard := heardEvent{EventRecord: *e, first: text(e.First), second: text(e.Second), authority: text(e.Authority)}
	for _, field := range p.tables.Fields[:e.FieldCount] {
		heard.fields = append(heard.fields, pair{text(field.Name), text(field.Value)})
	}
	heard.First, heard.Second, heard.Authority = Span{}, Span{}, Span{}
	return heard
}

func appendEvent(events []heardEvent, e heardEvent) []heardEvent {
	if last := len(events) - 1; last >= 0 && e.Kind == EventDataReady && events[last].Kind == EventDataReady &&
		e.Flags&EventFlagsChunkStart == 0 {
		events[last].first += e.first
		events[last].Flags |= e.Flags
		return events
	}
	return append(events, e)
}

// hear compares an event with what the peer has said.
func (r *roundTrip) hear(p *party, e *heardEvent) {
	if p.heard == len(p.peer.sent) {
		r.fail("%s hears what nobody has said: %+v", p.name, e)
	}
	m := p.peer.sent[p.heard]
	switch e.Kind {
	case EventLineReady:
		r.hearLine(p, m, e)
	case EventHeaderReady:
		r.hearHead(p, m, e)
	case EventDataReady:
		end := m.heardBody + len(e.first)
		if end > len(m.body) || string(m.body[m.heardBody:end]) != e.first {
			r.fail("%s hears %q of %q at %d", p.name, e.first, m.body, m.heardBody)
		}
		m.heardBody = end
	case EventTrailerReady:
		if !slices.Equal(e.fields, m.trailers) {
			r.fail("%s hears trailers %q, not %q", p.name, e.fields, m.trailers)
		}
		m.heardTrailers = true
	case EventUpgraded:
		if !m.raw {
			r.fail("%s hears raw bytes too early", p.name)
		}
	case EventReady:
		r.hearEnd(p, m, e)
	}
}

func (r *roundTrip) hearLine(p *party, m *sentMessage, e *heardEvent) {
	version := VersionHTTP11
	if m.http10 {
		version = VersionHTTP10
	}
	first := m.method
	if p == r.client {
		first = ReasonPhrase(m.status)
	}
	if m.raw || p.heardLine == m || e.first != first || e.second != m.target || e.Status != m.status || e.Version != version {
		r.fail("%s hears %q %q %d, not %+v", p.name, e.first, e.second, e.Status, m)
	}
	p.heardLine = m
}

func (r *roundTrip) hearHead(p *party, m *sentMessage, e *heardEvent) {
	if p.heardLine != m || !r.sameFields(p, m, e.fields) {
		r.fail("%s hears %q, not %q", p.name, e.fields, m.fields)
	}
	if hosts := values(m.fields, "host"); p == r.server && m.target[0] == '/' && e.authority != hosts[0] {
		r.fail("for %q", e.authority)
	}
	if m.interim {
		p.heard++
		return
	}
	p.hearing = m
	switch {
	case m.upgrade:
		p.heard++
		p.current = p.sent[len(p.sent)-1]
	case m.blind && p.current.method == "CONNECT" && m.status < 300:
		r.end(classTunnel)
	case m.blind && p.current.method == "HEAD":
		// To an answer to HEAD there is no body. The connection ends with it, so the one that came is discarded.
		m.lost = true
	}
}

// sameFields reports whether the fields of a head are those that were asked for, and behind them such as the writer adds.
func (r *roundTrip) sameFields(p *party, m *sentMessage, got []pair) bool {
	if len(got) < len(m.fields) || !slices.Equal(got[:len(m.fields)], m.fields) {
		return false
	}
	added := map[pair]int{}
	for _, field := range got[len(m.fields):] {
		added[field]++
	}
	once := func(name, value string, wanted bool) bool {
		count := added[pair{name, value}]
		delete(added, pair{name, value})
		return count == 0 || count == 1 && wanted
	}
	announced := m.length != unknown
	return once("Content-Length", strconv.FormatUint(m.length, 10), announced) &&
		once("Transfer-Encoding", "chunked", m.chunked) &&
		once("Connection", "close", !m.upgrade) &&
		once("Connection", "keep-alive", p == r.client && !m.upgrade) &&
		once("Connection", "Upgrade", namesProtocol(m.fields) && !hasOption(m.fields, "upgrade")) &&
		once("Date", testDate, r.date != nil && p == r.client && !has(m.fields, "date")) &&
		len(added) == 0
}

func (r *roundTrip) hearEnd(p *party, m *sentMessage, e *heardEvent) {
	if !m.lost {
		if m.heardBody != len(m.body) || len(m.trailers) > 0 && !m.heardTrailers {
			r.fail("%s hears the end of %+v", p.name, m)
		}
		end := m.end
		if !m.finished {
			end = r.silentEnd(p.peer)
		}
		if e.Position != end {
			r.fail("%s hears the end at %d, and it is at %d", p.name, e.Position, end)
		}
	}
	m.heardEnd = true
	p.heard++
}

// silentEnd is where a message ends whose writer has sent everything and not said so: saying so would write nothing.
func (r *roundTrip) silentEnd(p *party) uint64 {
	twin, framing := p.conn, Framing{}
	if errno := twin.FrameEnd(&Output{Bytes: make([]byte, pieceRoom)}, &framing); errno != ErrnoSuccess || framing.Before.Size > 0 {
		r.fail("the end is heard of what does not end: %v, %+v", errno, framing)
	}
	return p.written
}

// settle looks at where a reader stands when it has read what there was.
func (r *roundTrip) settle(p *party, result *Reception, eof bool) {
	p.state = result.State
	w := p.peer
	switch {
	case p.state == ReaderStateFailed:
		r.refused(p, result, eof)
	case p.state == ReaderStateHTTP2Preface:
		r.fail("the preface of HTTP/2")
	case p.state == ReaderStatePaused:
		if p.hearing == nil || !p.hearing.heardEnd {
			r.fail("%s pauses within a message", p.name)
		}
	case p.state == ReaderStateNeedData && len(w.wire) == 0:
		// Whatever a call writes can be read at once.
		if len(p.rest) > 0 {
			r.fail("%s does not read %q", p.name, p.rest)
		}
		if p.heard < len(w.sent) {
			m := w.sent[p.heard]
			if m.heardBody != len(m.body) || !m.raw && (p.heardLine != m || m.finished && !m.untilClose) {
				r.fail("%s has not heard all of %+v", p.name, m)
			}
		}
	}
}

// refused looks at why a reader refused what was written for it.
func (r *roundTrip) refused(p *party, result *Reception, eof bool) {
	w := p.peer
	var m *sentMessage
	if p.heard < len(w.sent) {
		m = w.sent[p.heard]
	}
	other := func(value string) bool { return !strings.EqualFold(value, "100-continue") }
	switch {
	case result.Error == ErrorCodeExpectation && m != nil && slices.ContainsFunc(values(m.fields, "expect"), other):
		r.end(classExpect)
	case result.Error == ErrorCodeUnsolicited && p == r.client && p.current == nil && m != nil && m.blind:
		r.end(classUnsolicited)
	case result.Error == ErrorCodeUpgradeUnasked && m != nil && m.upgrade && !p.current.finished:
		r.end(classUnfinished)
	case result.Error == ErrorCodeTruncated && eof && m != nil && !m.finished:
		r.end(classCut)
	case result.Error == ErrorCodeTruncated && eof && m == nil && p == r.client && p.current != nil && p.hearing == nil:
		r.end(classNotAnswered)
	default:
		r.fail("%s refuses what was written for it: %v at %d", p.name, result.Error, result.ErrorPosition)
	}
}

// Why a script comes to its end before its end: the rules say nothing of what would follow.
const (
	classExpect      = "a client may expect what it likes (RFC 9110 section 10.1.1), and a server answers 417"
	classUnsolicited = "an answer without a request, as a server's 408 may be"
	classTunnel      = "a 2xx for CONNECT by a server that had not read the request"
	classCut         = "a message that its writer did not end"
	classNotAnswered = "a request that was not answered"
	classUnfinished  = "101 to a request whose end the client has not said yet"
)

// namesProtocol reports whether there is an Upgrade that names something.
func namesProtocol(fields []pair) bool {
	return slices.ContainsFunc(values(fields, "upgrade"), func(value string) bool { return strings.Trim(value, ", \t") != "" })
}

// possibleHead reports whether such a head can be framed at all.
func possibleHead(head *Head) bool {
	if head.Flags&HeadFlagsStreamed != 0 {
		return head.Flags&HeadFlagsComplete == 0
	}
	return head.Length <= math.MaxInt64
}

// ----- The story -----

// tell notes what happened, to be told when the test fails.
func (r *roundTrip) tell(format string, args ...any) {
	r.story = append(r.story, func() string { return fmt.Sprintf(format, args...) })
}

// end ends a script where the rules say nothing of what comes.
func (r *roundTrip) end(reason string) {
	r.tell("over: %s", reason)
	r.over = reason
}

func (r *roundTrip) fail(format string, args ...any) {
	r.t.Helper()
	for _, line := range r.story {
		r.t.Log(line())
	}
	r.t.Fatalf(format, args...)
}

// Parts of written scripts, blanks aside. Each character is a choice: "0" is the first, "?" the sixteenth.
const (
	opening  = "00 00 0 " // a client, a server, and no Date
	get      = "0 000 "   // a request with this method
	connect  = "0 003 "
	target   = "000 " // the first that goes with the method
	complete = "0 0 00 0 0 0 00 "
	ok       = "1 00 0 00 0 0 00 "
	toServer = "9 1 0 "
	toClient = "9 0 0 "
	goOn     = "8 0 8 1 "
	upgrade  = "2 004 " // Upgrade: x as the only field
)

// writtenScripts show what plans seldom come to.
var writtenScripts = []string{
	// Two exchanges.
	opening + get + target + complete + toServer + ok + toClient + goOn + get + target + complete + toServer + ok + toClient + goOn,
	// A tunnel, and raw bytes both ways.
	opening + connect + target + complete + toServer + "3 0 " + toClient + "4 0 0 4 1 0" + toServer + toClient + "5 0 5 1 ",
	// The end of a connection, and an answer behind it.
	opening + get + target + "0 0 00 0 > 0 00 " + toServer + ok + toClient + goOn + "1 7 00 0 00 0 0 00 " + toClient,
	// 101 to a request whose end was not said.
	opening + get + target + upgrade + "0 00 2 0 0 00 " + toServer + "3 " + upgrade + "0 " + toClient,
	// An answer that announces 2^63 bytes.
	opening + get + target + complete + toServer + "1 00 0 ?1 2 0 00 " + toClient,
	// An answer that is complete and streamed.
	opening + get + target + complete + toServer + "1 00 0 00 0 ? 00 " + toClient,
	// A request with a bad target, on a connection without a role.
	"30 00 0 " + get + "0?0 " + complete,
	// A port of six digits.
	opening + connect + "0?4 " + complete,
	// 200 to CONNECT by a server that has not read it, and to HEAD.
	opening + connect + target + complete + "1 7 00 0 01 0 0 00 " + toClient,
	opening + "0 001 " + target + complete + "1 7 00 0 01 0 0 00 " + toClient + toServer + goOn,
}
