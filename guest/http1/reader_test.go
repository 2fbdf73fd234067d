package http1

import (
	"strings"
	"testing"
)

// TestRead tells rule by rule what is heard of an input. docs name the section of RFC 9112 unless they say otherwise.
func TestRead(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"3: a request line and a header section", "GET /a?b HTTP/1.1\r\nHost: h\r\nX-Y:  z \t\r\nEmpty:\r\n\r\n", `
line 0 GET /a?b 1.1
header 19 keep-alive Host="h" X-Y="z" Empty="" for h
ready 49`},
		{"2.2: empty lines in front of a request", "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "line 4 GET / 1.0\nheader 20\nready 22"},
		{"3: method case is kept, any token is a method", "gEt!# / HTTP/1.0\r\n\r\n", "line 0 gEt!# / 1.0\nheader 18\nready 20"},
		{"3.2.2: an absolute target's authority goes before Host", "GET http://a:1/ HTTP/1.1\r\nHost: b\r\n\r\n", `
line 0 GET http://a:1/ 1.1
header 26 keep-alive Host="b" for a:1
ready 37`},
		{"3.2.4: OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "line 0 OPTIONS * 1.1\nheader 20 keep-alive Host=\"h\" for h\nready 31"},
		{"3.2.3: CONNECT", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", `
line 0 CONNECT [::1]:443 1.1
header 28 keep-alive upgrade Host="[::1]:443" for [::1]:443
ready 47`},
		{"2.3: a higher minor version counts as 1.1", "GET / HTTP/1.9\r\nHost: h\r\n\r\n", "line 0 GET / 1.9\nheader 16 keep-alive Host=\"h\" for h\nready 27"},
		{"6.2: a body by length, and the next request", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 05\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n", `
line 0 POST / 1.1
header 17 body keep-alive Host="h" Content-Length="05" for h
data 48 hello
ready 53
line 53 GET / 1.0
header 69
ready 71`},
		{"7.1: chunks, extensions, trailers", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n" +
			"00A ;a;b=c;d=\"e\\\"\"\r\n world 123\r\n0\r\nVary: *\r\n\r\n", `
line 0 PUT / 1.1
header 16 body chunked keep-alive Host="h" Transfer-Encoding="Chunked" for h
data 58 hello
data 85  world 123
trailer 100 Vary="*"
ready 111`},
		{"9.3: close wins", "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, , CLOSE\r\n\r\nGET / HTTP/1.1\r\n\r\n", `
line 0 GET / 1.1
header 16 Host="h" Connection="keep-alive, , CLOSE" for h
ready 60`},
		{"9.3: HTTP/1.0 keeps alive on request", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "line 0 GET / 1.0\nheader 16 keep-alive Connection=\"Keep-Alive\"\nready 42"},
		{"7.8 of RFC 9110: Upgrade", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", `
line 0 GET / 1.1
header 16 keep-alive upgrade Host="h" Connection="upgrade" Upgrade="x" for h
ready 60`},
		{"10.1.1 of RFC 9110: Expect", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", `
line 0 PUT / 1.1
header 16 body keep-alive expect Host="h" Expect="100-Continue" Content-Length="1" for h`},
		{"5.5 of RFC 9110: obs-text", "GET / HTTP/1.0\r\nX: \xff\t\x80\r\n\r\n", "line 0 GET / 1.0\nheader 16 X=\"\\xff\\t\\x80\"\nready 26"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { check(t, DefaultLimits, test.input, test.want) })
	}
}

// TestRefuse tells what is refused, where, and with which status.
func TestRefuse(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	const post = "POST / HTTP/1.1\r\nHost: h\r\n"
	const chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct{ input, want string }{
		{"\nGET / HTTP/1.1\r\n", "line_end 400 at 0"},
		{"\r\rGET", "line_end 400 at 0"},
		{" GET / HTTP/1.1\r\n", "method 400 at 0"},
		{"GE\tT / HTTP/1.1\r\n", "method 400 at 2"},
		{"GET  / HTTP/1.1\r\n", "target 400 at 4"},
		{"GET /\x7f HTTP/1.1\r\n", "target 400 at 5"},
		{"GET /\xc3 HTTP/1.1\r\n", "target 400 at 5"},
		{"GET * HTTP/1.1\r\n", "target 400 at 4"},
		{"GET a.example HTTP/1.1\r\n", "target 400 at 4"},
		{"GET http:///x HTTP/1.1\r\n", "target 400 at 4"},
		{"GET http://u@h/ HTTP/1.1\r\n", "target 400 at 4"},
		{"CONNECT h HTTP/1.1\r\n", "target 400 at 8"},
		{"GET /\r\n", "version 400 at 5"},
		{"GET / http/1.1\r\n", "version 400 at 6"},
		{"GET / HTTP/1.1 \r\n", "version 400 at 14"},
		{"GET / HTTP/1.10\r\n", "version 400 at 14"},
		{"GET / HTTP/1.1\n", "line_end 400 at 14"},
		{"GET / HTTP/1.1\rX", "line_end 400 at 15"},
		{"GET / HTTP/2.0\r\n", "version_unsupported 505 at 6"},
		{"PRI * HTTP/2.0\r\n", "http2_preface 505 at 0"},
		{get + "\n", "line_end 400 at 16"},
		{get + "\rX", "line_end 400 at 16"},
		{get + " X: y\r\n", "field_fold 400 at 16"},
		{get + "X: y\r\n\tz\r\n", "field_fold 400 at 22"},
		{get + "X : y\r\n", "field_name 400 at 17"},
		{get + ": y\r\n", "field_name 400 at 16"},
		{get + "X\r\n", "field_name 400 at 17"},
		{get + "X: \x00\r\n", "field_value 400 at 19"},
		{get + "X: y\n", "line_end 400 at 20"},
		{get + "X: y\rz", "line_end 400 at 20"},
		{get + "\r\n", "host_missing 400 at 16"},
		{get + "Host: h\r\nhost: h\r\n", "host_repeated 400 at 31"},
		{get + "Host:\r\n", "host_invalid 400 at 21"},
		{get + "Host: a b\r\n", "host_invalid 400 at 22"},
		{get + "Host: h:x\r\n", "host_invalid 400 at 22"},
		{get + "Host: [::1\r\n", "host_invalid 400 at 22"},
		{get + "Host: %4\r\n", "host_invalid 400 at 22"},
		{post + "Content-Length: +1\r\n", "content_length 400 at 42"},
		{post + "Content-Length: 9223372036854775808\r\n", "content_length 400 at 42"},
		{post + "Content-Length: 1, 1\r\n", "content_length_repeated 400 at 42"},
		{post + "Content-Length: 1\r\nContent-Length: 1\r\n", "content_length_repeated 400 at 61"},
		{post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "framing_conflict 400 at 64"},
		{post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "framing_conflict 400 at 70"},
		{post + "Transfer-Encoding: gzip, chunked\r\n", "transfer_encoding_unsupported 501 at 45"},
		{post + "Transfer-Encoding: chunked, gzip\r\n", "transfer_encoding 400 at 45"},
		{post + "Transfer-Encoding: chunked, chunked\r\n", "transfer_encoding 400 at 45"},
		{post + "Transfer-Encoding: chunked,\r\n", "transfer_encoding 400 at 45"},
		{post + "Transfer-Encoding: chunked;q=1\r\n", "transfer_encoding 400 at 45"},
		{post + "Transfer-Encoding: \"chunked\"\r\n", "transfer_encoding 400 at 45"},
		{post + "Transfer-Encoding:\r\n", "transfer_encoding 400 at 44"},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", "transfer_encoding_version 400 at 36"},
		{post + "Connection: a b\r\n", "connection_option 400 at 38"},
		{post + "Expect: 200-ok\r\n", "expectation 417 at 34"},
		{chunked + "x", "chunk_size 400 at 56"},
		{chunked + "+1\r\n", "chunk_size 400 at 56"},
		{chunked + "0x1\r\n", "chunk_size 400 at 57"},
		{chunked + "8000000000000000\r\n", "chunk_size 400 at 71"},
		{chunked + "1 \r\n", "chunk_extension 400 at 58"},
		{chunked + "1; a\r\n", "chunk_extension 400 at 58"},
		{chunked + "1;a=\"\x01\"\r\n", "chunk_extension 400 at 61"},
		{chunked + "1\n", "line_end 400 at 57"},
		{chunked + "1\rx", "line_end 400 at 58"},
		{chunked + "1\r\nxy", "chunk_end 400 at 60"},
		{chunked + "1\r\nx\ry", "chunk_end 400 at 61"},
		{chunked + "0\r\nHost: h\r\n", "trailer_field 400 at 65"},
		{chunked + "0\r\n x\r\n", "field_fold 400 at 59"},
	}
	for _, test := range tests {
		for _, size := range []int{len(test.input), 1} {
			heard := newTracer(DefaultLimits).run(test.input, size)
			if got := heard[strings.LastIndexByte(heard, '\n')+1:]; got != test.want {
				t.Errorf("%q in pieces of %d: %s, want %s", test.input, size, got, test.want)
			}
		}
	}
}

// TestLimits approaches each limit from both sides.
func TestLimits(t *testing.T) {
	limits := Limits{StartLine: 32, Head: 64, Fields: 2, ChunkLine: 8, Trailers: 16, TrailerFields: 1}
	fill := func(head string, size int, tail string) string {
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	const chunked = "PUT / HTTP/1.1\r\nHost:h\r\nTransfer-Encoding:chunked\r\n\r\n"
	tests := []struct{ input, want string }{
		{fill("GET /", 32, " HTTP/1.0") + "\r\n\r\n", "ready 36"},
		{fill("GET /", 33, " HTTP/1.0") + "\r\n\r\n", "target_too_long 414 at 32"},
		{fill("GET /", 60, ""), "target_too_long 414 at 32"},
		{fill("G", 60, ""), "line_too_long 400 at 32"},
		{fill("GET / HTTP/1.0\r\nX:", 64, "\r\n\r\n"), "ready 64"},
		{fill("GET / HTTP/1.0\r\nX:", 65, "\r\n\r\n"), "head_too_large 431 at 64"},
		{fill("\r\n\r\nGET / HTTP/1.0\r\nX:", 65, "\r\n\r\n"), "head_too_large 431 at 64"},
		{strings.Repeat("\r\n", 33), "head_too_large 431 at 64"},
		{"GET / HTTP/1.0\r\na:\r\nb:\r\n\r\n", "ready 26"},
		{"GET / HTTP/1.0\r\na:\r\nb:\r\nc:\r\n\r\n", "too_many_fields 431 at 24"},
		{chunked + "0;1234567", "chunk_line_too_long 400 at 61"},
		{chunked + "0;123456\r\n\r\n", "ready 65"},
		{chunked + "0\r\n" + fill("a:", 16, "\r\n\r\n"), "ready 72"},
		{chunked + "0\r\n" + fill("a:", 17, "\r\n\r\n"), "trailers_too_large 431 at 72"},
		{chunked + "0\r\na:\r\nb:\r\n\r\n", "too_many_trailers 431 at 60"},
	}
	for _, test := range tests {
		for _, size := range []int{len(test.input), 1, 5} {
			heard := newTracer(limits).run(test.input, size)
			if got := heard[strings.LastIndexByte(heard, '\n')+1:]; got != test.want {
				t.Errorf("%q in pieces of %d: %s, want %s", test.input, size, got, test.want)
			}
		}
	}
}

// TestEndOfInput tells an end between messages from one inside a message.
func TestEndOfInput(t *testing.T) {
	tests := []struct {
		input string
		state ReaderState
		at    uint64
	}{
		{"", ReaderStateEnded, 0},
		{"\r\n", ReaderStateEnded, 0},
		{"\r", ReaderStateFailed, 1},
		{"GET / HT", ReaderStateFailed, 8},
		{"GET / HTTP/1.0\r\n", ReaderStateFailed, 16},
		{"PUT / HTTP/1.0\r\nContent-Length: 2\r\n\r\n1", ReaderStateFailed, 38},
		{"GET / HTTP/1.0\r\n\r\n", ReaderStatePaused, 0},
	}
	for _, test := range tests {
		tracer := newTracer(DefaultLimits)
		if state := tracer.give(test.input, ReceiveFlagsEOF); state != test.state || tracer.result.ErrorPosition != test.at {
			t.Errorf("%q: %v at %d, want %v at %d", test.input, state, tracer.result.ErrorPosition, test.state, test.at)
		}
		if test.state == ReaderStateFailed && tracer.result.Error != ErrorCodeTruncated {
			t.Errorf("%q: %v", test.input, tracer.result.Error)
		}
	}
}

// TestCycles keeps the next request unparsed until the answer is complete.
func TestCycles(t *testing.T) {
	tracer := newTracer(DefaultLimits)
	if state := tracer.give("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n", 0); state != ReaderStatePaused {
		t.Fatal(state)
	}
	heard := len(tracer.lines)
	if state := tracer.give("Host: h\r\n\r\n", 0); state != ReaderStatePaused || len(tracer.lines) != heard {
		t.Errorf("%v, %v: parsed while paused", state, tracer.lines)
	}
	var result Reception
	if errno := tracer.conn.Receive(nil, ReceiveFlagsNextCycle, &tracer.tables, &result); errno != ErrnoState {
		t.Errorf("the next cycle began without an answer: %v", errno)
	}
	tracer.answer()
	if state := tracer.give("", 0); state != ReaderStatePaused || tracer.lines[len(tracer.lines)-1] != "ready 54" {
		t.Errorf("%v, %v", state, tracer.lines)
	}
}

// TestNothingIsAllocated reads and answers requests of every kind.
func TestNothingIsAllocated(t *testing.T) {
	input := []byte("POST /x HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n")
	tracer := newTracer(DefaultLimits)
	out := &Output{Bytes: make([]byte, 512)}
	var framing Framing
	head := Head{Status: 200, Length: 5, Flags: HeadFlagsComplete}
	flags := ReceiveFlags(0)
	allocations := testing.AllocsPerRun(100, func() {
		for rest := input; ; flags = 0 {
			if errno := tracer.conn.Receive(rest, flags, &tracer.tables, &tracer.result); errno != ErrnoSuccess {
				t.Fatal(errno)
			}
			rest = rest[tracer.result.Consumed:]
			if tracer.result.State == ReaderStatePaused {
				break
			}
		}
		tracer.conn.FrameHead(&head, out, &framing)
		flags = ReceiveFlagsNextCycle
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
