package http1

import (
	"strings"
	"testing"
)

// asker drives a client's connection in a test: it asks, and hears the answer.
type asker struct {
	tracer
	method string
	fields []string
}

func newAsker(method string, fields ...string) *asker {
	a := &asker{method: method, fields: append([]string{"Host", "h"}, fields...)}
	a.tracer.tables = Tables{Events: make([]EventRecord, 4), Fields: make([]FieldSpan, 16)}
	limits := DefaultLimits
	limits.Fields = 16
	a.conn.Open(RoleNone, &limits)
	return a
}

// ask frames a request without body.
func (a *asker) ask() Errno {
	head := Head{Flags: HeadFlagsComplete}
	head.Fields, head.Bytes = fieldSpans(a.fields...)
	target := "/"
	if a.method == "CONNECT" {
		target = "h:1"
	}
	return a.conn.FrameRequest([]byte(a.method), []byte(target), &head, &Output{Bytes: make([]byte, 512)}, &Framing{})
}

// run gives answers in pieces of a size, and asks again after each.
func (a *asker) run(t *testing.T, input string, size int, eof bool) string {
	t.Helper()
	if errno := a.ask(); errno != ErrnoSuccess {
		t.Fatal(errno)
	}
	for {
		piece := input[:min(size, len(input))]
		input = input[len(piece):]
		flags := ReceiveFlags(0)
		if eof && input == "" {
			flags = ReceiveFlagsEOF
		}
		state := a.give(piece, flags)
		for state == ReaderStatePaused {
			rest := a.rest
			a.rest = nil
			a.next = ReceiveFlagsNextCycle
			if state = a.give("", 0); state == ReaderStateNeedData {
				if errno := a.ask(); errno != ErrnoSuccess {
					t.Fatal(errno)
				}
				a.rest = rest
				state = a.give("", flags)
			}
		}
		switch {
		case state == ReaderStateFailed:
			a.add("%v %d at %d", a.result.Error, a.result.ErrorStatus, a.result.ErrorPosition)
			input = ""
		case state == ReaderStateEnded:
			a.add("ended")
			input = ""
		}
		if input == "" {
			return strings.Join(a.lines, "\n")
		}
	}
}

// TestReadAnswers tells rule by rule what a client hears.
func TestReadAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, method, input string
		eof                 bool
		want                string
	}{
		{"a body by length, and the next answer", "GET", ok + "Content-Length: 2\r\n\r\nhiHTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", false, `
line 0 200 "OK" 1.1
header 17 body keep-alive Content-Length="2"
data 38 hi
ready 40
line 40 404 "" 1.1
header 55 body keep-alive Content-Length="0"
ready 76`},
		{"informational answers", "PUT", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.1 204 Done\r\n\r\n", false, `
line 0 100 "Continue" 1.1
header 23 informational
line 25 103 "" 1.1
header 40 informational Link="x"
line 51 204 "Done" 1.1
header 70 keep-alive
ready 72`},
		{"chunks and trailers", "GET", ok + "Transfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nA: b\r\n\r\n", false, `
line 0 200 "OK" 1.1
header 17 body chunked keep-alive Transfer-Encoding="chunked"
data 52 abc
trailer 60 A="b"
ready 68`},
		{"until the end", "GET", ok + "\r\nabc", true, "line 0 200 \"OK\" 1.1\nheader 17 body until-close\ndata 19 abc\nready 22\nended"},
		{"HTTP/1.0 until the end, whatever it says of chunks", "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true,
			"line 0 200 \"OK\" 1.0\nheader 17 body until-close Transfer-Encoding=\"chunked\"\ndata 47 0\r\n\r\n\nready 52\nended"},
		{"cut", "GET", ok + "Content-Length: 5\r\n\r\nabc", true, "line 0 200 \"OK\" 1.1\nheader 17 body keep-alive Content-Length=\"5\"\ndata 38 abc\ntruncated 502 at 41"},
		{"HEAD has no body", "HEAD", ok + "Content-Length: 5\r\n\r\n" + ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", false, `
line 0 200 "OK" 1.1
header 17 keep-alive Content-Length="5"
ready 38
line 38 200 "OK" 1.1
header 55 keep-alive Transfer-Encoding="gzip, chunked"
ready 91`},
		{"304 has no body", "GET", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", false, "line 0 304 \"x\" 1.1\nheader 16 keep-alive Content-Length=\"5\"\nready 37"},
		{"equal lengths count as one", "GET", ok + "Content-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx", false,
			"line 0 200 \"OK\" 1.1\nheader 17 body keep-alive Content-Length=\"1, 1\" Content-Length=\"1\"\ndata 60 x\nready 61"},
		{"other lengths", "GET", ok + "Content-Length: 1, 2\r\n\r\n", false, "line 0 200 \"OK\" 1.1\ncontent_length_repeated 502 at 33"},
		{"chunks win over a length, and the connection ends", "GET", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", false,
			"line 0 200 \"OK\" 1.1\nheader 17 body chunked Content-Length=\"3\" Transfer-Encoding=\"chunked\"\nready 71\nended"},
		{"another coding", "GET", ok + "Transfer-Encoding: gzip\r\n\r\n", false, "line 0 200 \"OK\" 1.1\ntransfer_encoding_unsupported 502 at 42"},
		{"folds", "GET", ok + "A: b \r\n\t c\r\n  d\r\nContent-Length:\r\n 1\r\nE: \r\n \r\nF: g\r\n \r\n\r\nx", false,
			"line 0 200 \"OK\" 1.1\nheader 17 body keep-alive A=\"b c d\" Content-Length=\"1\" E=\"\" F=\"g\"\ndata 74 x\nready 75"},
		{"a fold before the first field", "GET", ok + " A: b\r\n\r\n", false, "line 0 200 \"OK\" 1.1\nfield_fold 502 at 17"},
		{"a fold among trailers", "GET", ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n", false,
			"line 0 200 \"OK\" 1.1\nheader 17 body chunked keep-alive Transfer-Encoding=\"chunked\"\nfield_fold 502 at 56"},
		{"CONNECT", "CONNECT", ok + "Content-Length: 5\r\n\r\nabc", true, "line 0 200 \"OK\" 1.1\nheader 17 upgrade Content-Length=\"5\"\nupgraded 38\ndata 38 abc\nended"},
		{"CONNECT refused", "CONNECT", "HTTP/1.1 403 x\r\nContent-Length: 1\r\n\r\nx", false, "line 0 403 \"x\" 1.1\nheader 16 body keep-alive Content-Length=\"1\"\ndata 37 x\nready 38"},
		{"an upgrade nobody asked for", "GET", "HTTP/1.1 101 x\r\n\r\n", false, "line 0 101 \"x\" 1.1\nupgrade_unasked 502 at 16"},
		{"close", "GET", ok + "Connection: close\r\nContent-Length: 0\r\n\r\nHTTP/1.1", false, "line 0 200 \"OK\" 1.1\nheader 17 body Connection=\"close\" Content-Length=\"0\"\nready 57\nended"},
		{"any reason", "GET", "HTTP/1.1 200  a\t\xff\r\nContent-Length: 0\r\n\r\n", false, "line 0 200 \" a\\t\\xff\" 1.1\nheader 19 body keep-alive Content-Length=\"0\"\nready 40"},
		{"no space before no reason", "GET", "HTTP/1.1 200\r\n\r\n", false, "status 502 at 12"},
		{"two digits", "GET", "HTTP/1.1 20 OK\r\n\r\n", false, "status 502 at 11"},
		{"below 100", "GET", "HTTP/1.1 099 OK\r\n\r\n", false, "status 502 at 9"},
		{"a control character in the reason", "GET", "HTTP/1.1 200 O\x00K\r\n\r\n", false, "reason 502 at 14"},
		{"bare LF", "GET", "HTTP/1.1 200 OK\n\r\n", false, "line_end 502 at 15"},
		{"bare CR", "GET", "HTTP/1.1 200 OK\rx\r\n", false, "line_end 502 at 16"},
		{"lower case", "GET", "http/1.1 200 OK\r\n\r\n", false, "version 502 at 0"},
		{"an empty line in front", "GET", "\r\n" + ok, false, "version 502 at 0"},
		{"HTTP/2.0", "GET", "HTTP/2.0 200 OK\r\n", false, "version_unsupported 502 at 0"},
		{"nothing", "GET", "", true, "truncated 502 at 0"},
		{"too long a line", "GET", "HTTP/1.1 200 " + strings.Repeat("x", 8<<10) + "\r\n", false, "line_too_long 502 at 8192"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := strings.TrimSpace(test.want)
			for _, size := range []int{len(test.input) + 1, 1, 7} {
				if got := newAsker(test.method).run(t, test.input, size, test.eof); got != want {
					t.Errorf("in pieces of %d\ngot\n%s\nwant\n%s", size, got, want)
				}
			}
		})
	}
}

// TestUpgradeAsClient follows a connection out of HTTP.
func TestUpgradeAsClient(t *testing.T) {
	const input = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"
	a := newAsker("GET", "Upgrade", "x")
	want := "line 0 101 \"Switching Protocols\" 1.1\nheader 34 upgrade Upgrade=\"x\" Connection=\"upgrade\"\nupgraded 69\ndata 69 raw\nended"
	if got := a.run(t, input, len(input), true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var framing Framing
	if errno := a.conn.FrameData(5, &Output{Bytes: make([]byte, 128)}, &framing); errno != ErrnoSuccess || framing.Before.Size != 0 {
		t.Errorf("%v, %+v", errno, framing)
	}
}

// TestUnsolicited refuses what a server sends before it was asked, in front of the first request and between two.
func TestUnsolicited(t *testing.T) {
	limits := DefaultLimits
	tr := newTracer(limits)
	tr.conn.Open(RoleClient, &limits)
	if state := tr.give("HTTP/1.1 200 OK\r\n\r\n", 0); state != ReaderStateFailed || tr.result.Error != ErrorCodeUnsolicited {
		t.Errorf("%v, %v", state, tr.result.Error)
	}
	a := newAsker("GET")
	a.ask()
	if state := a.give("HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0); state != ReaderStatePaused {
		t.Fatal(state)
	}
	a.next = ReceiveFlagsNextCycle
	if state := a.give("", 0); state != ReaderStateFailed || a.result.Error != ErrorCodeUnsolicited || a.result.ErrorPosition != 19 {
		t.Errorf("%v, %v at %d", state, a.result.Error, a.result.ErrorPosition)
	}
}

// TestFrameRequest tells what heads of requests look like, and which are not framed.
func TestFrameRequest(t *testing.T) {
	const complete, streamed, ending = HeadFlagsComplete, HeadFlagsStreamed, HeadFlagsClose
	tests := []struct {
		method, target string
		length         uint64
		flags          HeadFlags
		fields         string
		want           string
	}{
		{"GET", "/a?b", 0, complete, "Host|h", "GET /a?b HTTP/1.1|Host: h|"},
		{"POST", "/", 0, complete, "Host|h", "POST / HTTP/1.1|Host: h|Content-Length: 0|"},
		{"POST", "/", 5, complete, "Host|h|Content-Length|5", "POST / HTTP/1.1|Host: h|Content-Length: 5|"},
		{"POST", "/", 5, complete, "Host|h|Content-Length|6", "invalid"},
		{"GET", "/", 5, 0, "Host|h", "GET / HTTP/1.1|Host: h|Content-Length: 5|"},
		{"PUT", "/", 0, streamed, "Host|h|Expect|100-continue", "PUT / HTTP/1.1|Host: h|Expect: 100-continue|Transfer-Encoding: chunked|"},
		{"PUT", "/", 0, streamed, "Host|h|Content-Length|9", "PUT / HTTP/1.1|Host: h|Content-Length: 9|"},
		{"PUT", "/", 0, streamed, "Host|h|Transfer-Encoding|chunked", "PUT / HTTP/1.1|Host: h|Transfer-Encoding: chunked|"},
		{"PUT", "/", 0, complete, "Host|h|Transfer-Encoding|chunked", "invalid"},
		{"GET", "/", 0, complete | ending, "Host|h", "GET / HTTP/1.1|Host: h|Connection: close|"},
		{"GET", "/", 0, complete, "Host|h|Connection|close", "GET / HTTP/1.1|Host: h|Connection: close|"},
		{"GET", "/", 0, complete, "Host|h|Upgrade|websocket", "GET / HTTP/1.1|Host: h|Upgrade: websocket|Connection: Upgrade|"},
		{"GET", "/", 0, complete, "Host|h|Upgrade|x|Connection|Upgrade, HTTP2-Settings", "GET / HTTP/1.1|Host: h|Upgrade: x|Connection: Upgrade, HTTP2-Settings|"},
		{"CONNECT", "h:1", 0, complete, "Host|h:1", "CONNECT h:1 HTTP/1.1|Host: h:1|"},
		{"CONNECT", "h:1", 1, complete, "Host|h:1", "invalid"},
		{"TRACE", "/", 0, streamed, "Host|h", "invalid"},
		{"OPTIONS", "*", 0, complete, "Host|h", "OPTIONS * HTTP/1.1|Host: h|"},
		{"GET", "*", 0, complete, "Host|h", "invalid"},
		{"GET", "/a b", 0, complete, "Host|h", "invalid"},
		{"GET", "/a\r\nX: y", 0, complete, "Host|h", "invalid"},
		{"GET", "", 0, complete, "Host|h", "invalid"},
		{"G T", "/", 0, complete, "Host|h", "invalid"},
		{"GET", "/", 0, complete, "", "invalid"},
		{"GET", "/", 0, complete, "Host|h|Host|h", "invalid"},
		{"GET", "/", 0, complete, "Host|a b", "invalid"},
		{"GET", "/", 0, complete, "Host|h|X|a\nb", "invalid"},
		{"GET", "/" + strings.Repeat("x", 300), 0, complete, "Host|h", "too_big"},
	}
	for _, test := range tests {
		var c Conn
		limits := DefaultLimits
		c.Open(RoleNone, &limits)
		head := Head{Length: test.length, Flags: test.flags}
		if test.fields != "" {
			head.Fields, head.Bytes = fieldSpans(strings.Split(test.fields, "|")...)
		}
		out := &Output{Bytes: make([]byte, 256+pieceRoom)}
		var framing Framing
		got := ""
		if errno := c.FrameRequest([]byte(test.method), []byte(test.target), &head, out, &framing); errno != ErrnoSuccess {
			got = errno.String()
			if c.writeState != wEmpty {
				t.Errorf("%+v: the connection was changed", test)
			}
		} else {
			got = strings.TrimSuffix(strings.ReplaceAll(string(out.Bytes[:framing.Before.Size]), "\r\n", "|"), "|")
		}
		if got != test.want {
			t.Errorf("%s %s %v %q: %q, want %q", test.method, test.target, test.flags, test.fields, got, test.want)
		}
	}
}

// TestRoles tries every framing call on connections of either role and of none.
func TestRoles(t *testing.T) {
	limits := DefaultLimits
	out := &Output{Bytes: make([]byte, 256)}
	var framing Framing
	fields, bytes := fieldSpans("Host", "h")
	calls := map[string]func(c *Conn) Errno{
		"head": func(c *Conn) Errno { return c.FrameHead(&Head{Status: 200, Flags: HeadFlagsComplete}, out, &framing) },
		"request": func(c *Conn) Errno {
			return c.FrameRequest([]byte("GET"), []byte("/"), &Head{Fields: fields, Bytes: bytes, Flags: HeadFlagsComplete}, out, &framing)
		},
		"interim": func(c *Conn) Errno { return c.FrameInformational(&Head{Status: 103}, out, &framing) },
		"upgrade": func(c *Conn) Errno { return c.FrameUpgrade(&Head{}, out, &framing) },
		"data":    func(c *Conn) Errno { return c.FrameData(1, out, &framing) },
		"end":     func(c *Conn) Errno { return c.FrameEnd(out, &framing) },
		"trailer": func(c *Conn) Errno { return c.FrameTrailers(&Head{}, out, &framing) },
	}
	want := map[Role]map[string]Role{
		RoleServer: {"head": RoleServer},
		RoleClient: {"request": RoleClient},
		RoleNone:   {"head": RoleServer, "request": RoleClient},
	}
	for role, legal := range want {
		for name, call := range calls {
			var c Conn
			c.Open(role, &limits)
			errno := call(&c)
			becomes, isLegal := legal[name]
			if isLegal != (errno == ErrnoSuccess) || !isLegal && errno != ErrnoState {
				t.Errorf("%v: %s: %v", role, name, errno)
			}
			var state ConnectionState
			if c.Query(&state); isLegal && state.Role != becomes {
				t.Errorf("%v: %s makes it %v", role, name, state.Role)
			}
		}
	}
	var c Conn
	c.Open(RoleNone, &limits)
	tables := Tables{Events: make([]EventRecord, 4), Fields: make([]FieldSpan, 128)}
	var result Reception
	if errno := c.Receive(nil, ReceiveFlagsNextCycle, &tables, &result); errno != ErrnoState {
		t.Errorf("a next cycle before the first: %v", errno)
	}
	if c.Receive([]byte("G"), 0, &tables, &result); c.role != RoleServer {
		t.Errorf("reading makes it %v", c.role)
	}
	if errno := c.Open(RoleNone+1, &limits); errno != ErrnoInvalid {
		t.Errorf("a role that does not exist: %v", errno)
	}
}

// TestInterim tells what goes ahead of an answer.
func TestInterim(t *testing.T) {
	tests := []struct {
		request string
		status  Status
		fields  string
		want    string
	}{
		{"1.1", 103, "Link|x", "HTTP/1.1 103 Early Hints|Link: x|"},
		{"1.1", 102, "", "HTTP/1.1 102 Processing|"},
		{"1.1", 100, "", "state"},
		{"expect", 100, "", "HTTP/1.1 100 Continue|"},
		{"expect", 103, "", "HTTP/1.1 103 Early Hints|"},
		{"1.0", 103, "", ""},
		{"1.1", 101, "Upgrade|x", "invalid"},
		{"1.1", 200, "", "invalid"},
		{"1.1", 103, "Content-Length|1", "invalid"},
		{"1.1", 103, "Connection|close", "invalid"},
		{"1.1", 103, "A|b\r\nC: d", "invalid"},
		{"bad", 103, "", "state"},
	}
	for _, test := range tests {
		c := request(test.request)
		head := Head{Status: test.status}
		if test.fields != "" {
			head.Fields, head.Bytes = fieldSpans(strings.Split(test.fields, "|")...)
		}
		out := &Output{Bytes: make([]byte, 256)}
		var framing Framing
		got := ""
		if errno := c.FrameInformational(&head, out, &framing); errno != ErrnoSuccess {
			got = errno.String()
		} else {
			got = strings.TrimSuffix(strings.ReplaceAll(string(out.Bytes[:framing.Before.Size]), "\r\n", "|"), "|")
		}
		if got != test.want {
			t.Errorf("%s %d %q: %q, want %q", test.request, test.status, test.fields, got, test.want)
		}
	}
}

// TestUpgrade has a server leave HTTP, or not.
func TestUpgrade(t *testing.T) {
	const ask = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n"
	tests := []struct{ request, fields, want string }{
		{ask + "\r\n", "Upgrade|x", "HTTP/1.1 101 Switching Protocols|Upgrade: x|Connection: Upgrade|"},
		{ask + "\r\n", "Upgrade|x|Connection|upgrade", "HTTP/1.1 101 Switching Protocols|Upgrade: x|Connection: upgrade|"},
		{ask + "Content-Length: 1\r\n\r\nx", "Upgrade|x", "HTTP/1.1 101 Switching Protocols|Upgrade: x|Connection: Upgrade|"},
		{ask + "Content-Length: 1\r\n\r\n", "Upgrade|x", "state"},
		{ask + "\r\n", "", "invalid"},
		{ask + "\r\n", "Upgrade|x|Content-Length|0", "invalid"},
		{ask + "\r\n", "Upgrade|x|Connection|close", "invalid"},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n", "Upgrade|x", "state"},
		{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "Upgrade|x", "state"},
		{"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "A|b", "HTTP/1.1 200 OK|A: b|"},
		{"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "Transfer-Encoding|chunked", "invalid"},
	}
	for _, test := range tests {
		tracer := newTracer(DefaultLimits)
		tracer.give(test.request, 0)
		c := &tracer.conn
		var head Head
		if test.fields != "" {
			head.Fields, head.Bytes = fieldSpans(strings.Split(test.fields, "|")...)
		}
		out := &Output{Bytes: make([]byte, 256)}
		var framing Framing
		errno := c.FrameUpgrade(&head, out, &framing)
		if errno != ErrnoSuccess {
			if errno.String() != test.want {
				t.Errorf("%q %q: %v, want %s", test.request, test.fields, errno, test.want)
			}
			continue
		}
		if got := strings.TrimSuffix(strings.ReplaceAll(string(out.Bytes[:framing.Before.Size]), "\r\n", "|"), "|"); got != test.want {
			t.Errorf("%q %q: %q, want %q", test.request, test.fields, got, test.want)
		}
		tracer.lines = nil
		tracer.give("GET / HTTP/1.1\r\n\r\n", 0)
		if got := strings.Join(tracer.lines, " "); !strings.HasPrefix(got, "upgraded ") || !strings.HasSuffix(got, "GET / HTTP/1.1\r\n\r\n") {
			t.Errorf("raw bytes are heard as %q", got)
		}
		if errno := c.FrameData(3, out, &framing); errno != ErrnoSuccess || framing.Before.Size+framing.After.Size != 0 {
			t.Errorf("raw bytes are framed: %v, %+v", errno, framing)
		}
		if state := tracer.give("", ReceiveFlagsEOF); state != ReaderStateEnded || c.readState != rFinished {
			t.Errorf("%v, %v after the end", state, c.readState)
		}
		if errno := c.FrameEnd(out, &framing); errno != ErrnoSuccess || framing.Finished != 1 {
			t.Errorf("%v, %+v at the end", errno, framing)
		}
	}
	if c := request("1.1"); c.FrameHead(&Head{Status: 200, Flags: HeadFlagsComplete}, &Output{Bytes: make([]byte, 256)}, &Framing{}) != ErrnoSuccess {
		t.Error("an ordinary answer is not framed")
	}
	connect := newTracer(DefaultLimits)
	connect.give("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 0)
	if errno := connect.conn.FrameHead(&Head{Status: 200, Flags: HeadFlagsComplete}, &Output{Bytes: make([]byte, 256)}, &Framing{}); errno != ErrnoInvalid {
		t.Errorf("an ordinary 200 answers CONNECT: %v", errno)
	}
}

// TestFrameTrailers ends answers with trailers.
func TestFrameTrailers(t *testing.T) {
	tests := []struct{ request, head, fields, want string }{
		{"1.1", "", "A|b|C|d", "0|A: b|C: d|"},
		{"1.1", "", "", "0|"},
		{"1.1", "", "Content-Length|1", "invalid"},
		{"1.1", "", "A|b\r\nC: d", "invalid"},
		{"1.1", "Content-Length|0", "A|b", ""},
		{"1.1", "Content-Length|1", "A|b", "invalid"},
		{"1.0", "", "A|b", ""},
		{"HEAD", "", "A|b", ""},
		{"1.1", "", "A|" + strings.Repeat("x", 300), "too_big"},
	}
	for _, test := range tests {
		c := request(test.request)
		out := &Output{Bytes: make([]byte, 256)}
		var framing Framing
		head := Head{Status: 200, Flags: HeadFlagsStreamed}
		if test.head != "" {
			head.Fields, head.Bytes = fieldSpans(strings.Split(test.head, "|")...)
		}
		if errno := c.FrameHead(&head, out, &framing); errno != ErrnoSuccess {
			t.Fatal(errno)
		}
		var trailers Head
		if test.fields != "" {
			trailers.Fields, trailers.Bytes = fieldSpans(strings.Split(test.fields, "|")...)
		}
		got := ""
		if errno := c.FrameTrailers(&trailers, out, &framing); errno != ErrnoSuccess {
			got = errno.String()
		} else {
			got = strings.TrimSuffix(strings.ReplaceAll(string(out.Bytes[:framing.Before.Size]), "\r\n", "|"), "|")
		}
		if got != test.want {
			t.Errorf("%s %q %q: %q, want %q", test.request, test.head, test.fields, got, test.want)
		}
	}
}

// TestCleanCycle compares a connection that was used for all kinds of messages with a new one, field by field.
func TestCleanCycle(t *testing.T) {
	fresh := newTracer(DefaultLimits)
	fresh.conn.role = RoleServer
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"HEAD http://a/ HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n1;a=b\r\nx\r\n0\r\nT: u\r\n\r\n",
		"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		used := newTracer(DefaultLimits)
		used.conn.limits = fresh.conn.limits
		if used.give(request, 0) != ReaderStatePaused {
			t.Fatal(used.lines)
		}
		used.conn.Restrict(1, 2, 3)
		used.answer()
		used.give("", 0)
		used.conn.position = 0
		used.conn.section.line, used.conn.section.second, used.conn.section.third = 0, 0, 0 // set before they are used
		if used.conn != fresh.conn {
			t.Errorf("after %q\ngot  %+v\nwant %+v", request, used.conn, fresh.conn)
		}
	}
}
