package http1

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestPlainRequests says what the plain case takes, by the number of events that it finds.
func TestPlainRequests(t *testing.T) {
	const host, end = "Host: h\r\n", "\r\n"
	tests := []struct {
		input  string
		events int
	}{
		{"GET / HTTP/1.1\r\n" + host + end, 3},
		{"OPTIONS /" + strings.Repeat("x", 100) + "?%20 HTTP/1.1\r\n" + host + end, 3},
		{"GET / HTTP/1.1\r\nA: b\r\nhost: [::1]:80\r\n" + end, 3},
		{"GET / HTTP/1.1\r\n" + host + strings.Repeat("Name-", 10) + ": " + strings.Repeat("v \xff", 30) + "x\r\n" + end, 3},
		{"GET / HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 0\r\n" + end, 3},
		{"GET / HTTP/1.1\r\n" + host + "Connection: upgrade\r\nUpgrade: x\r\n" + end, 3},
		{"GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nExpect: 100-continue\r\n" + end, 2},
		{"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n" + end, 2},

		{"GET / HTTP/1.1\r\nHost:h\r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A_b: c\r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A:  b\r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A: b \r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A: b\tc\r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A: \r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n" + end, 1},
		{"GET / HTTP/1.1\r\n" + host + host + end, 1},
		{"GET / HTTP/1.1\r\n" + host + "A: b\r\n\r", 1},
		{"GET / HTTP/1.1\r\n" + host, 1},
		{"GET / HTTP/1.1\r\n", 1},

		{"", 0},
		{"GET / HTTP/1.1\r\n" + end, 0},
		{"GET / HTTP/1.0\r\n" + host + end, 0},
		{"\r\nGET / HTTP/1.1\r\n" + host + end, 0},
		{"PROPFIND / HTTP/1.1\r\n" + host + end, 0},
		{"GET h HTTP/1.1\r\n" + host + end, 0},
		{"OPTIONS * HTTP/1.1\r\n" + host + end, 0},
		{"CONNECT h:1 HTTP/1.1\r\n" + host + end, 0},
		{"CONNECT /x:1 HTTP/1.1\r\n" + host + end, 0},
	}
	for _, test := range tests {
		var c Conn
		c.Open(RoleServer, &DefaultLimits)
		tables := newTables()
		if _, events := c.plainRequest(withRoom([]byte(test.input), nil), tables); events != test.events {
			t.Errorf("%q: %d events, want %d", test.input, events, test.events)
		}
	}
}

// TestPlainAgrees compares what is read with and without the plain case, of requests good and bad, in pieces and whole.
func TestPlainAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 30000 {
		comparePlain(t, randomRequests(random), random.Uint64())
	}
}

// FuzzPlain compares what is read with and without the plain case, of arbitrary bytes.
func FuzzPlain(f *testing.F) {
	random := rand.New(rand.NewPCG(9, 10))
	for seed := range uint64(100) {
		f.Add(randomRequests(random), seed)
	}
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) { comparePlain(t, input, seed) })
}

// randomRequests makes a request or two, plain and otherwise, with a byte changed here and there.
func randomRequests(random *rand.Rand) (input []byte) {
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	long := func(letters string) string {
		b := make([]byte, random.IntN([]int{4, 20, 40, 80}[random.IntN(4)]))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	for range 1 + random.IntN(2) {
		input = append(input, pick("GET", "GET", "HEAD", "POST", "CONNECT", "PROPFIND", "", "\r\nPUT")...)
		input = append(input, pick(" /", " /", " /", " *", " http://a/", " h:1", "  ")+long("az/.%?=")+pick(" HTTP/1.1", " HTTP/1.1", " HTTP/1.0")+"\r\n"...)
		if random.IntN(4) > 0 {
			input = append(input, "Host: "+long("az09-.")+pick("h", "h", "h", ":80", " ")+"\r\n"...)
		}
		for range random.IntN(5) {
			input = append(input, pick(
				"X-"+long("aZ09-."), "X"+long("azAZ"), "_"+long("a"), "Host", "content-length", "Content-Length", "Connection",
				"Transfer-Encoding", "Expect", "Upgrade", "Cookie", "")...)
			input = append(input, pick(": ", ": ", ": ", ":", " : ", ":  ")...)
			input = append(input, pick("v"+long("a =;\x80"), "v"+long("abc"), "5", "0", "keep-alive", "Close", "upgrade, x",
				"chunked", "100-continue", "a\tb", " ", "")...)
			input = append(input, pick("\r\n", "\r\n", "\r\n", "\r\n", "\r\n", " \r\n", "\n", "\r\n ")...)
		}
		input = append(input, "\r\n"+pick("", "", "hello", "5\r\nhello\r\n0\r\n\r\n")...)
	}
	for random.IntN(2) == 0 && len(input) > 0 {
		input[random.IntN(len(input))] = "\x00\t\r\n :\x7f\x80aZ0-"[random.IntN(12)]
	}
	return input
}

// comparePlain gives the same bytes, in the same pieces and with the same flags and limits, to a connection whose buffers
// have room behind them and to one whose buffers have none, on which nothing is plain.
func comparePlain(t *testing.T, input []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	limits := DefaultLimits
	if random.IntN(4) == 0 {
		limits.StartLine, limits.Head, limits.Fields = random.Uint32N(80), random.Uint32N(300), random.Uint32N(4)
	}
	role := Role(random.IntN(2)) * RoleNone
	plain, general := newHeard(role, &limits), newHeard(role, &limits)
	var rest []byte
	var cycle ReceiveFlags
	for given := 0; ; {
		size := len(input) - given
		if size > 0 && random.IntN(2) == 0 {
			size = random.IntN(size) + 1
		}
		rest = append(rest, input[given:][:size]...)
		given += size
		flags := cycle | ReceiveFlags(random.IntN(2))*ReceiveFlagsHeadOnly
		if given == len(input) {
			flags |= ReceiveFlags(random.IntN(2)) * ReceiveFlagsEOF
		}
		cycle = 0
		plain.receive(withRoom(rest, input[given:]), flags)
		general.receive(slices.Clip(bytes.Clone(rest)), flags)
		if what := plain.differs(general); what != "" {
			t.Fatalf("%s\ninput %q, of which %q lies in the buffer; seed %d, flags %d, limits %+v\nplain   %+v\ngeneral %+v",
				what, input, rest, seed, flags, limits, plain, general)
		}
		rest = rest[plain.result.Consumed:]
		switch plain.result.State {
		case ReaderStateMore:
			continue
		case ReaderStatePaused:
			if plain.answer() != general.answer() {
				t.Fatal("the answers differ")
			}
			cycle = ReceiveFlagsNextCycle
		case ReaderStateFailed, ReaderStateHTTP2Preface, ReaderStateEnded:
			return
		}
		if given == len(input) && (len(rest) == 0 || plain.result.State == ReaderStateNeedData) {
			return
		}
	}
}

// heard is a connection and what it has said last.
type heard struct {
	conn   Conn
	tables *Tables
	result Reception
	errno  Errno
	out    Output
}

func newTables() *Tables {
	return &Tables{Events: make([]EventRecord, 8), Fields: make([]FieldSpan, 128)}
}

func newHeard(role Role, limits *Limits) *heard {
	h := &heard{tables: newTables(), out: Output{Bytes: make([]byte, 1024)}}
	h.conn.Open(role, limits)
	return h
}

func (h *heard) receive(in []byte, flags ReceiveFlags) {
	h.errno = h.conn.Receive(in, flags, h.tables, &h.result)
}

// state is the connection without what is set again before it is used.
func (h *heard) state() Conn {
	c := h.conn
	c.section.line, c.section.second, c.section.third = 0, 0, 0
	return c
}

// answer answers a request, also one for another protocol, and gives back the answer.
func (h *heard) answer() string {
	var framing Framing
	errno := h.conn.FrameHead(&Head{Status: 404, Flags: HeadFlagsComplete}, &h.out, &framing)
	before, _ := framing.Before.In(h.out.Bytes)
	return errno.String() + string(before)
}

// differs says in what two connections differ.
func (h *heard) differs(from *heard) string {
	switch {
	case h.errno != from.errno:
		return "errno"
	case h.result != from.result:
		return "reception"
	case h.state() != from.state():
		return "connection"
	}
	fields := 0
	for i, event := range h.tables.Events[:h.result.EventCount] {
		if event != from.tables.Events[i] {
			return "event"
		}
		fields = max(fields, int(event.FieldCount))
	}
	if !slices.Equal(h.tables.Fields[:fields], from.tables.Fields[:fields]) {
		return "fields"
	}
	return ""
}

// withRoom puts bytes into a buffer with just the room behind them that the plain case needs. There lies what will follow
// them, and then what would end a head.
func withRoom(b, following []byte) []byte {
	buffer := make([]byte, 0, len(b)+plainRoom)
	buffer = append(buffer, b...)
	behind := buffer[len(b):cap(buffer)]
	for n := copy(behind, following); n < len(behind); {
		n += copy(behind[n:], "\r\n\r\n")
	}
	return buffer
}
