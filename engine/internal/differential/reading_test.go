package differential

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/guest/http1"
)

// What follows is shared by the tests that compare our reader with those of others.

// reading is what our reader made of all that a peer sent, the end of the connection included.
type reading struct {
	// messages are those whose start line is complete. All but the last are complete.
	messages []message
	state    http1.ReaderState
	// code says why bytes were refused, and at which is the first of them.
	code http1.ErrorCode
	at   int
}

// message is a message as far as it was read.
type message struct {
	method, target, authority string
	status                    int
	reason                    string
	major, minor              int
	fields, trailers          []field
	body                      []byte
	length                    int
	flags                     http1.EventFlags
	// start is where the start line begins, end where the message ended.
	start, end             int
	headComplete, complete bool
	// upgraded says that what follows is not HTTP.
	upgraded bool
}

// field is a name and a value.
type field [2]string

func (m *message) is(flags http1.EventFlags) bool { return m.flags&flags == flags }

// values are those of all fields of a name.
func (m *message) values(name string) (values []string) {
	for _, f := range m.fields {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

// readRequests reads requests, and answers each so that the next is read.
func readRequests(input []byte) *reading {
	s := newSide(http1.RoleServer)
	return s.read(input, s.answer, func() {})
}

// readAnswers reads the answers to requests that are made one after another.
func readAnswers(input []byte) *reading {
	s := newSide(http1.RoleClient)
	s.ask()
	return s.read(input, func() {}, s.ask)
}

// side is one side of a connection, with all that it needs to read and to speak.
type side struct {
	conn    http1.Conn
	tables  http1.Tables
	out     http1.Output
	framing http1.Framing
}

func newSide(role http1.Role) *side {
	s := &side{out: http1.Output{Bytes: make([]byte, 512)}}
	s.tables = http1.Tables{Events: make([]http1.EventRecord, 8), Fields: make([]http1.FieldSpan, http1.DefaultLimits.Fields)}
	limits := http1.DefaultLimits
	must(s.conn.Open(role, &limits))
	return s
}

// answer answers a request.
func (s *side) answer() {
	must(s.conn.FrameHead(&http1.Head{Status: 404, Flags: http1.HeadFlagsComplete}, &s.out, &s.framing))
}

// ask asks for another protocol, so that every answer is legal.
func (s *side) ask() {
	head := http1.Head{Flags: http1.HeadFlagsComplete, Bytes: []byte("HosthUpgradex"), Fields: []http1.FieldSpan{
		{Name: http1.Span{Size: 4}, Value: http1.Span{Offset: 4, Size: 1}},
		{Name: http1.Span{Offset: 5, Size: 7}, Value: http1.Span{Offset: 12, Size: 1}},
	}}
	must(s.conn.FrameRequest([]byte("GET"), []byte("/"), &head, &s.out, &s.framing))
}

func (s *side) receive(input []byte, flags http1.ReceiveFlags) (result http1.Reception) {
	must(s.conn.Receive(input, flags, &s.tables, &result))
	return result
}

func must(errno http1.Errno) {
	if errno != http1.ErrnoSuccess {
		panic(errno)
	}
}

// read reads all of an input. Around the begin of every following cycle it calls before and after.
func (s *side) read(input []byte, before, after func()) *reading {
	r := &reading{}
	for rest := bytes.Clone(input); ; {
		result := s.receive(rest, http1.ReceiveFlagsEOF)
		r.hear(&s.tables, result.EventCount, rest)
		rest = rest[result.Consumed:]
		if last := len(r.messages) - 1; last >= 0 && r.messages[last].is(http1.EventFlagsInformational) {
			r.messages[last].end = len(input) - len(rest) // no event says so
		}
		if r.state = result.State; r.state == http1.ReaderStatePaused {
			before()
			r.state = s.receive(nil, http1.ReceiveFlagsNextCycle).State
			if r.state == http1.ReaderStateEnded {
				return r
			}
			after()
		} else if r.state != http1.ReaderStateMore {
			r.code, r.at = result.Error, int(result.ErrorPosition)
			return r
		}
	}
}

// hear takes what the events say.
func (r *reading) hear(tables *http1.Tables, count uint32, input []byte) {
	text := func(s http1.Span) string { return string(input[s.Offset:][:s.Size]) }
	for _, e := range tables.Events[:count] {
		if e.Kind == http1.EventLineReady {
			begun := message{start: int(e.Position), major: int(e.Version >> 8), minor: int(e.Version & 0xff)}
			r.messages = append(r.messages, begun)
		}
		m := &r.messages[len(r.messages)-1]
		section := func() (fields []field) {
			for _, f := range tables.Fields[:e.FieldCount] {
				fields = append(fields, field{text(f.Name), text(f.Value)})
			}
			return fields
		}
		switch e.Kind {
		case http1.EventLineReady:
			if m.status = int(e.Status); m.status != 0 {
				m.reason = text(e.First)
			} else {
				m.method, m.target = text(e.First), text(e.Second)
			}
		case http1.EventHeaderReady:
			m.headComplete, m.flags, m.fields = true, e.Flags, section()
			m.authority, m.length = text(e.Authority), int(e.Length)
			m.complete = m.is(http1.EventFlagsInformational)
		case http1.EventDataReady:
			if !m.upgraded {
				m.body = append(m.body, text(e.First)...)
			}
		case http1.EventTrailerReady:
			m.trailers = section()
		case http1.EventUpgraded:
			m.complete, m.upgraded, m.end = true, true, int(e.Position)
		case http1.EventReady:
			m.complete, m.end = true, int(e.Position)
		}
	}
}

// ----- Disagreements -----

// class is a kind of disagreement that is as it should be: one of two readers accepts what the other refuses.
type class struct {
	name string
	// reason says why, from our side.
	reason string
	// code is our error, for a class in which we refuse.
	code http1.ErrorCode
	// theirs is how their error begins, for a class in which they refuse.
	theirs string
	// is looks at the input, for the error alone would say too little.
	is func(d *disagreement) bool
}

// disagreement is the place where two readers part.
type disagreement struct {
	input []byte
	// from is where the message before it ended.
	from int
	// ours is what our reader made of the input, and message the present one, nil when we refuse its start line.
	ours    *reading
	message *message
	// theirs is their error, empty when they accept.
	theirs string
}

// agree reports whether both readers accept. When only one does, that has to be in a class.
func (d *disagreement) agree(t *testing.T, met tally, classes []class, weAccept, theyAccept bool, theirError string) bool {
	t.Helper()
	switch {
	case weAccept && theyAccept:
		return true
	case !weAccept && !theyAccept:
		met["both refuse, or want more"]++
		return false
	case !theyAccept:
		d.theirs = theirError
	}
	name, ok := classify(classes, d)
	if !ok {
		theirs := cmp.Or(d.theirs, "accepted")
		t.Errorf("input %q\nmessage from %d\nours   %v, %v at %d, %+v\ntheirs %s", d.input, d.from, d.ours.state, d.ours.code,
			d.ours.at, d.ours.messages, theirs)
		return false
	}
	met[name]++
	return false
}

// classify finds the class of a disagreement. ok is false when it is in none.
func classify(classes []class, d *disagreement) (name string, ok bool) {
	refused := d.ours.state == http1.ReaderStateFailed || d.ours.state == http1.ReaderStateHTTP2Preface
	for _, c := range classes {
		same := c.code != http1.ErrorCodeNone && refused && d.ours.code == c.code
		if d.theirs != "" {
			same = c.code == http1.ErrorCodeNone && strings.HasPrefix(d.theirs, c.theirs)
		}
		if same && c.is(d) {
			return c.name, true
		}
	}
	return "", false
}

// tally counts disagreements by their classes.
type tally map[string]int

// log says how often each class was met, and fails where one was not.
func (n tally) log(t *testing.T, classes []class) {
	t.Helper()
	reasons := map[string]string{}
	for _, c := range classes {
		reasons[c.name] = c.reason
		if n[c.name] += 0; n[c.name] == 0 {
			t.Errorf("%s: no input shows this disagreement", c.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		t.Logf("%6d %-40s %s", n[name], name, reasons[name])
	}
}

// startLine is the start line of the message that we refuse, without its end.
func (d *disagreement) startLine() string { return d.rest(d.lineStart()) }

// line is the line that a byte behind the start line stands in, without its end.
func (d *disagreement) line(at int) string {
	start := bytes.LastIndexByte(d.input[:at], '\n') + 1
	return string(d.input[start : at+lineLength(d.input[at:])])
}

// rest is what stands in the same line from a byte on.
func (d *disagreement) rest(at int) string {
	return string(d.input[at : at+lineLength(d.input[at:])])
}

// lineLength is the number of bytes before the end of the line, or of everything.
func lineLength(b []byte) int {
	length := bytes.IndexByte(b, '\n')
	if length < 0 {
		return len(b)
	}
	return len(bytes.TrimSuffix(b[:length], []byte("\r")))
}

// head is the head of a message that we accept, without its last line.
func (d *disagreement) head() []byte {
	head, _, _ := bytes.Cut(d.input[d.message.start:], []byte("\r\n\r\n"))
	return append(bytes.Clone(head), "\r\n"...)
}

// whole is a message that we accept.
func (d *disagreement) whole() []byte {
	return d.input[d.message.start:max(d.message.start, d.message.end)]
}

// byteAt is the byte that we refuse, or one near it, 0 outside of the input.
func (d *disagreement) byteAt(offset int) byte {
	if i := d.ours.at + offset; i >= 0 && i < len(d.input) {
		return d.input[i]
	}
	return 0
}

// fieldValues are the values of a field in the head, up to the line of the byte that we refuse.
func (d *disagreement) fieldValues(name string) (values []string) {
	head := string(d.input[d.from : d.ours.at+lineLength(d.input[d.ours.at:])])
	pattern := regexp.MustCompile(`(?im)^` + name + `:(.*)$`)
	for _, match := range pattern.FindAllStringSubmatch(head, -1) {
		values = append(values, strings.Trim(match[1], " \t\r"))
	}
	return values
}

var (
	authorityPattern = regexp.MustCompile(
		`^(\[[-0-9A-Za-z._~:!$&'()*+,;=]{2,}\]|([-0-9A-Za-z._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?$`)
	futurePattern   = regexp.MustCompile(`^\[[Vv][0-9A-Fa-f]+\.[-0-9A-Za-z._~:!$&'()*+,;=]+\]$`)
	portPattern     = regexp.MustCompile(`:[0-9]+$`)
	absolutePattern = regexp.MustCompile(`^[A-Za-z][-+.0-9A-Za-z]*://([^/?]*)`)
	schemePattern   = regexp.MustCompile(`^[A-Za-z][-+.0-9A-Za-z]*:`)
	tokenPattern    = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	// chunkPattern is the line in front of a chunk as our policy has it: white space only in front of ";".
	chunkPattern = regexp.MustCompile(`^[0-9A-Fa-f]+([ \t]*;` + token + `(=(` + token + `|` + quoted + `))?)*$`)
)

const (
	token  = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	quoted = `"([\t !\x23-\x5b\x5d-\x7e\x{80}-\x{ff}]|\\[\t -\x7e\x{80}-\x{ff}])*"`
)

// latin1 makes a text of every byte a character, for patterns that are about bytes.
func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range runes {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// requestLine is the method and the target of the request that we refuse within its first line.
func (d *disagreement) requestLine() (method, target string) {
	parts := strings.SplitN(d.startLine(), " ", 3)
	if len(parts) < 3 {
		return "", ""
	}
	return parts[0], parts[1]
}

// isVersion10 reports whether the message that we refuse says HTTP/1.0.
func (d *disagreement) isVersion10() bool {
	return d.message != nil && d.message.major == 1 && d.message.minor == 0
}

// areTokens reports whether a list has no element but tokens.
func areTokens(list string) bool {
	for element := range strings.SplitSeq(list, ",") {
		if element = strings.Trim(element, " \t"); element != "" && !tokenPattern.MatchString(element) {
			return false
		}
	}
	return true
}

// absoluteAuthority is the authority of an absolute target that we refuse.
func (d *disagreement) absoluteAuthority() string {
	_, target := d.requestLine()
	if match := absolutePattern.FindStringSubmatch(target); match != nil {
		return match[1]
	}
	return ""
}

// lineStart is where the start line begins of the message that we refuse.
func (d *disagreement) lineStart() int {
	start := d.from
	for bytes.HasPrefix(d.input[start:], []byte("\r\n")) {
		start += 2
	}
	return start
}

// requestClasses are disagreements with everybody who reads requests.
var requestClasses = []class{
	{name: "target: CONNECT", code: http1.ErrorCodeTarget,
		reason: "host and port are needed, and nothing else goes (RFC 9112 section 3.2.3); Go's net/rpc sends a path",
		is: func(d *disagreement) bool {
			method, target := d.requestLine()
			return method == "CONNECT" && !(isAuthority(target) && portPattern.MatchString(target))
		}},
	{name: "target: userinfo", code: http1.ErrorCodeTarget,
		reason: "it is to be taken for an attempt to mislead (RFC 9110 section 4.2.4)",
		is:     func(d *disagreement) bool { return strings.Contains(d.absoluteAuthority(), "@") }},
	{name: "target: authority", code: http1.ErrorCodeTarget,
		reason: "it is not a host and a port (RFC 9110 section 4.2): empty, a byte that no host has, a zone, a port of six digits",
		is: func(d *disagreement) bool {
			_, target := d.requestLine()
			return absolutePattern.MatchString(target) && !isAuthority(d.absoluteAuthority())
		}},
	{name: "no Host", code: http1.ErrorCodeHostMissing,
		reason: "HTTP/1.1 needs it (RFC 9112 section 3.2); both leave that to their servers",
		is:     func(d *disagreement) bool { return len(d.fieldValues("Host")) == 0 && !d.isVersion10() }},
	{name: "Host", code: http1.ErrorCodeHostInvalid,
		reason: "it is not a host and a port (RFC 9112 section 3.2); both leave that to their servers",
		is: func(d *disagreement) bool {
			return !isAuthority(strings.Trim(d.rest(d.ours.at), " \t"))
		}},
	{name: "chunks in HTTP/1.0", code: http1.ErrorCodeTransferEncodingVersion,
		reason: "the framing is faulty (RFC 9112 section 6.1); Go ignores the field, llhttp does not know of versions",
		is:     func(d *disagreement) bool { return d.isVersion10() }},
	{name: "expectation", code: http1.ErrorCodeExpectation,
		reason: "there is but one (RFC 9110 section 10.1.1); both leave that to their servers",
		is: func(d *disagreement) bool {
			return !strings.EqualFold(strings.Trim(d.rest(d.ours.at), " \t"), "100-continue")
		}},
	{name: "limit: target", code: http1.ErrorCodeTargetTooLong,
		reason: "Go's server bounds only the whole head, llhttp nothing",
		is:     func(d *disagreement) bool { return d.lineStart()+int(http1.DefaultLimits.StartLine) == d.ours.at }},
}

// messageClasses are disagreements with everybody who reads messages.
var messageClasses = []class{
	{name: "version", code: http1.ErrorCodeVersionUnsupported,
		reason: "another major version is another protocol (RFC 9110 section 2.5); Go leaves that to its server",
		is:     func(d *disagreement) bool { return d.byteAt(len("HTTP/")) != '1' }},
	{name: "connection option", code: http1.ErrorCodeConnectionOption,
		reason: "it is not a token (RFC 9110 section 7.6.1); nobody else looks",
		is:     func(d *disagreement) bool { return !areTokens(d.rest(d.ours.at)) }},
	{name: "chunk extension", code: http1.ErrorCodeChunkExtension,
		reason: "it does not follow its grammar (RFC 9112 section 7.1.1), or has white space elsewhere than in front of a semicolon; " +
			"Go does not look and drops what is at the end of the line, llhttp takes empty names and values",
		is: func(d *disagreement) bool { return !chunkPattern.MatchString(latin1(d.line(d.ours.at))) }},
	{name: "trailer field", code: http1.ErrorCodeTrailerField,
		reason: "it frames or routes (RFC 9110 section 6.5.1); nobody else looks",
		is:     func(d *disagreement) bool { return forbiddenTrailer.MatchString(d.line(d.ours.at)) }},
	{name: "limit: head", code: http1.ErrorCodeHeadTooLarge, reason: "Go's server has another, llhttp none",
		is: func(d *disagreement) bool { return d.from+int(http1.DefaultLimits.Head) == d.ours.at }},
	{name: "limit: fields", code: http1.ErrorCodeTooManyFields, reason: "nobody else has one",
		is: func(d *disagreement) bool {
			lines := bytes.Count(d.input[d.lineStart():d.ours.at], []byte("\n"))
			return lines == 1+int(http1.DefaultLimits.Fields)
		}},
	{name: "limit: trailers", code: http1.ErrorCodeTrailersTooLarge,
		reason: "Go bounds them by its buffer, llhttp does not",
		is:     func(d *disagreement) bool { return d.ours.at-d.from > int(http1.DefaultLimits.Trailers) }},
	{name: "limit: trailer fields", code: http1.ErrorCodeTooManyTrailers, reason: "nobody else has one",
		is: func(d *disagreement) bool {
			return bytes.Count(d.input[d.from:d.ours.at], []byte("\n")) > int(http1.DefaultLimits.TrailerFields)
		}},
}

// isAuthority reports whether a text is a host with or without a port, as RFC 3986 section 3.2 has them: what stands in
// brackets is an address, and a port is one that TCP has.
func isAuthority(text string) bool {
	if !authorityPattern.MatchString(text) {
		return false
	}
	host, port := text, ""
	if colon := strings.LastIndexByte(text, ':'); colon > strings.LastIndexByte(text, ']') {
		host, port = text[:colon], text[colon+1:]
	}
	if number, err := strconv.Atoi(cmp.Or(port, "0")); err != nil || number > math.MaxUint16 {
		return false
	}
	literal, bracketed := strings.CutPrefix(host, "[")
	address, err := netip.ParseAddr(strings.TrimSuffix(literal, "]"))
	return !bracketed || futurePattern.MatchString(host) || err == nil && address.Is6() && address.Zone() == ""
}

// startLineLimit is the class of long start lines, for those who read any method or any reason.
var startLineLimit = class{name: "limit: start line", code: http1.ErrorCodeLineTooLong, reason: "nobody else has one",
	is: func(d *disagreement) bool { return d.lineStart()+int(http1.DefaultLimits.StartLine) == d.ours.at }}

var forbiddenTrailer = regexp.MustCompile(
	`(?i)^(transfer-encoding|content-length|host|connection|keep-alive|proxy-connection|upgrade|te|trailer|expect|max-forwards):`)

// ----- Odd messages -----

// oddInputs are messages put together at random from parts that are good, bad and in between. What mutates bytes seldom
// comes to such combinations.
func oddInputs(count int, odd func(*rand.Rand) string) (inputs []string) {
	random := rand.New(rand.NewPCG(7, 8))
	for range count {
		inputs = append(inputs, odd(random))
	}
	return inputs
}

// everyByte are all inputs that differ from one in a byte.
func everyByte(input string) (inputs []string) {
	for i := range len(input) {
		for c := range 256 {
			inputs = append(inputs, input[:i]+string([]byte{byte(c)})+input[i+1:])
		}
	}
	return inputs
}

const (
	plainRequest = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nA: b\r\n\r\n"
	plainAnswer  = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nA: b\r\n\r\n"
)

// oddRequests are one to four requests.
func oddRequests(random *rand.Rand) string {
	return oddMessages(random, func(one func(...string)) {
		one(oddMethods...)
		one(" ", " ", " ", " ", "  ", "\t")
		one(oddTargets...)
		one(" ", " ", " ", " ", "  ", "")
		one(oddVersions...)
	})
}

// oddAnswers are one to four answers.
func oddAnswers(random *rand.Rand) string {
	return oddMessages(random, func(one func(...string)) {
		one(oddVersions...)
		one(" ", " ", " ", " ", "  ", "\t")
		one(oddStatus...)
		one(" OK", " ", " \xff\t", "", " \x01", "  ")
	})
}

// oddMessages writes messages with start lines that startLine writes.
func oddMessages(random *rand.Rand, startLine func(one func(...string))) string {
	b := &strings.Builder{}
	one := func(parts ...string) { b.WriteString(parts[random.IntN(len(parts))]) }
	// mostly writes the first of its parts.
	mostly := func(parts ...string) {
		if random.IntN(8) > 0 {
			parts = parts[:1]
		}
		one(parts...)
	}
	lineEnd := func() { mostly("\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\r\n", "\r", "\r \n") }
	for range 1 + random.IntN(4) {
		mostly("", "\r\n", "\r\n\r\n", "\n", "\r")
		startLine(mostly)
		lineEnd()
		if random.IntN(8) > 0 {
			b.WriteString("Host: h")
			lineEnd()
		}
		for range random.IntN(5) {
			one(oddFields...)
			lineEnd()
		}
		lineEnd()
		one(oddBodies...)
	}
	return b.String()
}

var (
	oddMethods = []string{
		"POST", "GET", "HEAD", "CONNECT", "OPTIONS", "PUT", "get", "PRI", "SOURCE", "DESCRIBE", "M-SEARCH", "X!",
		"G\x00T", "",
	}
	oddTargets = []string{
		"/", "/", "/", "/a?b#c", "/%zz", "*", "*x", "h:1", "h", "[::1]:1", "[v1.x]:1", "http://h", "http://h/",
		"http://h?a", "http://u@h/", "http://h:/", "http://h:123456/", "http://[::1]/", "http://[fe80::1%25e]/",
		"http://%41/", "http://%c3%a9/", "http:///", "http:a", "x+1://h/", "//h/", "/\xff", "/\x01", "/<>\"{}|\\^`",
		"", "a", "http://a:b:1/", "x://a:b:1/", "http://a,b/", "http://a<b/", "http://[/", "http://a[b]/", "/ /",
	}
	oddVersions = []string{
		"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.0", "HTTP/1.2",
		"HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.10", "HTTP/1", "RTSP/1.0", "ICE/1.0", "",
	}
	oddStatus = []string{"200", "200", "200", "204", "304", "100", "101", "103", "199", "205", "404", "999", "099", "20", "2000", "+20", "2x0"}
	oddFields = []string{
		"A: b", "A: b", "A:", "A: \t b\t ", "A:  b ", "A: \xff", "A: \x01", "A: \x00", "A:b:c", "A", "A : b", " A: b",
		"\tA: b", ": b", "A\x80: b", "A: b\r\n c", "A:\r\n b", "A: b\r\n \r\n\tc", "Host: h", "Host: a b", "Host:",
		"host: h", "Host: h:1", "Host: [::1]", "Host: [::1]x", "Content-Length: 1", "Content-Length: 1",
		"Content-Length: 0", "Content-Length: 01", "Content-Length: +1", "Content-Length: -1", "Content-Length:",
		"Content-Length: 1, 1", "Content-Length: 1,2", "Content-Length: 1\t", "Content-Length: 1 1",
		"Content-Length: 0x1", "Content-Length: 9223372036854775807", "Content-Length: 9223372036854775808",
		"Content-Length: 18446744073709551616", "Content-Length:\r\n 1", "content-LENGTH: 1", "Content-Length : 1",
		"Content-Length\t: 1", "Content-Length: 1 ;a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
		"Transfer-Encoding: chunked", "transfer-encoding: CHUNKED", "Transfer-Encoding: gzip",
		"Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chunked, chunked",
		"Transfer-Encoding:", "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,",
		"Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: identity",
		"Transfer-Encoding: chunked\t", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding:\r\n chunked",
		"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked x", "Transfer-Encoding : chunked",
		"Connection: close", "Connection: keep-alive", "Connection: close, keep-alive", "Connection: x , Close",
		"Connection: a b", "Connection: close\t", "Connection:", "Connection: ,", "Connection: Upgrade",
		"Connection: upgrade, keep-alive", "Connection: closed", "Upgrade: x", "Upgrade:", "Proxy-Connection: close",
		"Proxy-Connection: upgrade", "Keep-Alive: 1", "Expect: 100-continue", "Expect: x", "Expect:", "Trailer: A",
		"Trailer: Content-Length", "Pragma: no-cache", "Cache-Control: x", "TE: trailers",
		"Connection: keep-alive\r\n , close", "Content-Encoding: chunked",
	}
	oddBodies = []string{
		"", "", "", "x", "xy", "x\r\n", "0\r\n\r\n", "0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n",
		"01\r\nx\r\n00\r\nA: b\r\n\r\n", "1;a\r\nx\r\n0\r\n\r\n", "1;a=b;c=\"d\\\"\"\r\nx\r\n0;e\r\n\r\n",
		"1 ;a\r\nx\r\n0\r\n\r\n", "1; a\r\nx\r\n0\r\n\r\n", "1;a ;b\r\nx\r\n0\r\n\r\n", "1;\r\nx\r\n0\r\n\r\n",
		"1;;a\r\nx\r\n0\r\n\r\n", "1;a=\r\nx\r\n0\r\n\r\n", "1;a=b\"c\"\r\nx\r\n0\r\n\r\n",
		"1;a=\"b\"c\r\nx\r\n0\r\n\r\n", "1 \r\nx\r\n0\r\n\r\n", "1\t\r\nx\r\n0\r\n\r\n", "1;a \r\nx\r\n0\r\n\r\n",
		"1;a=\"\n\"\r\nx\r\n0\r\n\r\n", "1;a=\"\x7f\"\r\nx\r\n0\r\n\r\n", "1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n",
		"1\r\nx\n\n0\r\n\r\n", "0a\r\n0123456789\r\n0\r\n\r\n", "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
		"1\r\nx0\r\n\r\n", "1\r\nxy\r\n0\r\n\r\n", "0x1\r\nx\r\n0\r\n\r\n", " 1\r\nx\r\n0\r\n\r\n",
		"-1\r\nx\r\n0\r\n\r\n", "\r\nx\r\n0\r\n\r\n", "1\rx\r\n0\r\n\r\n", "00000000000000001\r\nx\r\n0\r\n\r\n",
		"8000000000000000\r\nx", "10000000000000000\r\nx", "g\r\nx\r\n0\r\n\r\n", "0\r\nHost: h\r\n\r\n",
		"0\r\nA : b\r\n\r\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\n A: b\r\n\r\n", "0\r\nA: b\n\r\n", "0\r\nA: b\r\n\n",
		"0\r\nA\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nContent-Length: 1\r\n\r\n",
		"0\r\nConnection: close\r\n\r\n", "0\r\nA: \x00\r\n\r\n", "0\r\n\r", "0\r\n\n", "0\n\r\n", "0\r\r\n\r\n",
		"0;a\r\nA: b\r\nA: c\r\n\r\n",
	}
)
