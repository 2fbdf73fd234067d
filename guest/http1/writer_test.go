package http1

import (
	"strings"
	"testing"
)

// fieldSpans lays fields out, names and values in turn, as a host does.
func fieldSpans(pairs ...string) (spans []FieldSpan, bytes []byte) {
	for i := 0; i < len(pairs); i += 2 {
		var field FieldSpan
		field.Name = Span{Offset: uint32(len(bytes)), Size: uint32(len(pairs[i]))}
		bytes = append(bytes, pairs[i]...)
		field.Value = Span{Offset: uint32(len(bytes)), Size: uint32(len(pairs[i+1]))}
		bytes = append(bytes, pairs[i+1]...)
		spans = append(spans, field)
	}
	return spans, bytes
}

// requests are what answers are framed for.
var requests = map[string]string{
	"1.1":    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"1.0":    "GET / HTTP/1.0\r\n\r\n",
	"1.0 ka": "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"HEAD":   "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
	"close":  "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	"bad":    "GET",
	"expect": "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
}

// request is a connection that has read one of requests.
func request(name string) *Conn {
	t := newTracer(DefaultLimits)
	t.give(requests[name], 0)
	return &t.conn
}

// TestFrameHead tells what heads look like, and which are not framed.
func TestFrameHead(t *testing.T) {
	const complete, streamed, ending = HeadFlagsComplete, HeadFlagsStreamed, HeadFlagsClose
	tests := []struct {
		request string
		status  Status
		length  uint64
		flags   HeadFlags
		fields  string // names and values with "|" between
		want    string // lines with "|" between, or an errno
	}{
		{"1.1", 200, 5, complete, "X| y\t", "HTTP/1.1 200 OK|X: y|Content-Length: 5|"},
		{"1.1", 299, 0, complete, "", "HTTP/1.1 299 |Content-Length: 0|"},
		{"1.1", 200, 5, complete, "content-length|5", "HTTP/1.1 200 OK|Content-Length: 5|"},
		{"1.1", 200, 5, complete, "Content-Length|6", "invalid"},
		{"1.1", 200, 5, complete, "Content-Length|5|Content-Length|6", "invalid"},
		{"1.1", 200, 5, complete, "Transfer-Encoding|chunked", "invalid"},
		{"1.1", 200, 0, streamed, "", "HTTP/1.1 200 OK|Transfer-Encoding: chunked|"},
		{"1.1", 200, 0, streamed, "Transfer-Encoding|chunked", "HTTP/1.1 200 OK|Transfer-Encoding: chunked|"},
		{"1.1", 200, 0, streamed, "Transfer-Encoding|chunked|Transfer-Encoding|chunked", "invalid"},
		{"1.1", 200, 0, streamed, "Transfer-Encoding|gzip", "invalid"},
		{"1.1", 200, 0, streamed, "Content-Length|7", "HTTP/1.1 200 OK|Content-Length: 7|"},
		{"1.1", 200, 0, streamed, "Content-Length|7|Transfer-Encoding|chunked", "invalid"},
		{"1.1", 204, 0, complete, "", "HTTP/1.1 204 No Content|"},
		{"1.1", 204, 0, streamed, "Content-Length|7", "HTTP/1.1 204 No Content|"},
		{"1.1", 304, 0, complete, "Content-Length|7", "HTTP/1.1 304 Not Modified|Content-Length: 7|"},
		{"1.1", 304, 0, streamed, "", "HTTP/1.1 304 Not Modified|"},
		{"1.1", 200, 1, complete | ending, "", "HTTP/1.1 200 OK|Content-Length: 1|Connection: close|"},
		{"1.1", 200, 1, complete, "Connection|close", "HTTP/1.1 200 OK|Content-Length: 1|Connection: close|"},
		{"1.1", 200, 1, complete, "Connection|x, y", "HTTP/1.1 200 OK|Connection: x, y|Content-Length: 1|"},
		{"1.1", 200, 1, complete, "Date|now", "HTTP/1.1 200 OK|Date: now|Content-Length: 1|"},
		{"1.0", 200, 1, complete, "", "HTTP/1.1 200 OK|Content-Length: 1|Connection: close|"},
		{"1.0 ka", 200, 1, complete, "", "HTTP/1.1 200 OK|Content-Length: 1|Connection: keep-alive|"},
		{"1.0 ka", 200, 0, streamed, "", "HTTP/1.1 200 OK|Connection: close|"},
		{"1.0 ka", 200, 0, streamed, "Transfer-Encoding|chunked", "invalid"},
		{"HEAD", 200, 9, complete, "", "HTTP/1.1 200 OK|Content-Length: 9|"},
		{"HEAD", 200, 0, complete, "Content-Length|9", "HTTP/1.1 200 OK|Content-Length: 9|"},
		{"close", 200, 0, streamed, "", "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Connection: close|"},
		{"bad", 400, 0, complete, "", "HTTP/1.1 400 Bad Request|Content-Length: 0|Connection: close|"},
		{"1.1", 199, 0, complete, "", "invalid"},
		{"1.1", 1000, 0, complete, "", "invalid"},
		{"1.1", 200, 0, complete, "X|a\r\nSet-Cookie: b", "invalid"},
		{"1.1", 200, 0, complete, "X|a\x00", "invalid"},
		{"1.1", 200, 0, complete, "X:|a", "invalid"},
		{"1.1", 200, 0, complete, "|a", "invalid"},
		{"1.1", 200, 0, complete, "X|" + strings.Repeat("x", 300), "too_big"},
	}
	for _, test := range tests {
		var pairs []string
		if test.fields != "" {
			pairs = strings.Split(test.fields, "|")
		}
		c := request(test.request)
		head := Head{Status: test.status, Length: test.length, Flags: test.flags}
		head.Fields, head.Bytes = fieldSpans(pairs...)
		out := &Output{Bytes: make([]byte, 256+pieceRoom)}
		var framing Framing
		got := ""
		if errno := c.FrameHead(&head, out, &framing); errno != ErrnoSuccess {
			got = errno.String()
			if c.writeState != wEmpty {
				t.Errorf("%+v: the connection was changed", test)
			}
		} else {
			got = strings.TrimSuffix(strings.ReplaceAll(string(out.Bytes[:framing.Before.Size]), "\r\n", "|"), "|")
		}
		if got != test.want {
			t.Errorf("%s %d %v %q: %q, want %q", test.request, test.status, test.flags, test.fields, got, test.want)
		}
	}
}

// TestFrameBody follows answers through their pieces.
func TestFrameBody(t *testing.T) {
	tests := []struct {
		request, fields string
		pieces          []uint64
		want            string
	}{
		{"1.1", "", []uint64{5, 0, 255}, "5|…| |ff|…|0||"},
		{"1.1", "Content-Length|5", []uint64{2, 3}, "…|…|"},
		{"1.1", "Content-Length|5", []uint64{2}, "…|invalid"},
		{"1.1", "Content-Length|5", []uint64{6}, "too_big"},
		{"1.0", "", []uint64{7}, "…|"},
		{"HEAD", "", []uint64{7}, "|"},
	}
	for _, test := range tests {
		c := request(test.request)
		head := Head{Status: 200, Flags: HeadFlagsStreamed}
		if test.fields != "" {
			head.Fields, head.Bytes = fieldSpans(strings.Split(test.fields, "|")...)
		}
		if got := frameAll(t, c, &head, test.pieces); got != test.want {
			t.Errorf("%s %q %v: %q, want %q", test.request, test.fields, test.pieces, got, test.want)
		}
	}
}

// frameAll frames an answer and shows each piece as "…" within what is around it.
func frameAll(t *testing.T, c *Conn, head *Head, pieces []uint64) string {
	t.Helper()
	out := &Output{Bytes: make([]byte, 256)}
	var framing Framing
	if errno := c.FrameHead(head, out, &framing); errno != ErrnoSuccess {
		t.Fatal(errno)
	}
	text := func(s Span) string { return strings.ReplaceAll(string(out.Bytes[s.Offset:][:s.Size]), "\r\n", "|") }
	got := ""
	for _, size := range pieces {
		if errno := c.FrameData(size, out, &framing); errno != ErrnoSuccess {
			return got + errno.String()
		}
		if size == 0 {
			got += " |"
			continue
		}
		if framing.Bodiless == 0 {
			got += text(framing.Before) + "…" + text(framing.After)
		}
		if framing.After.Size == 0 {
			got += "|"
		}
	}
	errno := c.FrameEnd(out, &framing)
	if errno != ErrnoSuccess {
		return got + errno.String()
	}
	if framing.Finished != 1 {
		t.Errorf("not finished: %+v", framing)
	}
	return got + text(framing.Before)
}

// TestWriteStates tries every call in every state against the table.
func TestWriteStates(t *testing.T) {
	out := &Output{Bytes: make([]byte, 256)}
	var framing Framing
	steps := map[string]func(c *Conn) Errno{
		"continue": func(c *Conn) Errno { return c.FrameInformational(&Head{Status: 100}, out, &framing) },
		"head": func(c *Conn) Errno {
			return c.FrameHead(&Head{Status: 200, Flags: HeadFlagsStreamed}, out, &framing)
		},
		"data": func(c *Conn) Errno { return c.FrameData(1, out, &framing) },
		"end":  func(c *Conn) Errno { return c.FrameEnd(out, &framing) },
	}
	tests := []struct{ before, legal string }{
		{"", "continue head"},
		{"continue", "head"},
		{"head", "data end"},
		{"head data", "data end"},
		{"head end", ""},
	}
	for _, test := range tests {
		for name, step := range steps {
			c := request("expect")
			for _, before := range strings.Fields(test.before) {
				if errno := steps[before](c); errno != ErrnoSuccess {
					t.Fatalf("%s: %v", test.before, errno)
				}
			}
			want := ErrnoState
			if strings.Contains(test.legal, name) {
				want = ErrnoSuccess
			}
			if errno := step(c); errno != want {
				t.Errorf("%s after %q: %v, want %v", name, test.before, errno, want)
			}
		}
	}
	if errno := request("1.1").FrameInformational(&Head{Status: 100}, out, &framing); errno != ErrnoState {
		t.Errorf("100 was sent to a peer that does not wait for it: %v", errno)
	}
}
