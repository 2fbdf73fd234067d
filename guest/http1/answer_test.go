package http1

import (
	"strings"
	"testing"
)

// TestUpgradeAsClient sends on a connection that has left HTTP. What is read there is in the corpus.
func TestUpgradeAsClient(t *testing.T) {
	tracer := newTracer(DefaultLimits)
	tracer.conn.Open(RoleNone, &tracer.limits)
	out := &Output{Bytes: make([]byte, 256)}
	var framing Framing
	head := Head{Flags: HeadFlagsComplete}
	head.Fields, head.Bytes = fieldSpans("Host", "h", "Upgrade", "x")
	if errno := tracer.conn.FrameRequest([]byte("GET"), []byte("/"), &head, out, &framing); errno != ErrnoSuccess {
		t.Fatal(errno)
	}
	tracer.give("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw", 0)
	if errno := tracer.conn.FrameData(5, out, &framing); errno != ErrnoSuccess || framing.Before.Size != 0 {
		t.Errorf("%v, %+v", errno, framing)
	}
	if state := tracer.give("", ReceiveFlagsEOF); state != ReaderStateEnded {
		t.Errorf("%v after the end", state)
	}
	if errno := tracer.conn.FrameEnd(out, &framing); errno != ErrnoSuccess || framing.Finished != 1 {
		t.Errorf("%v, %+v at the end", errno, framing)
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
