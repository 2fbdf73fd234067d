package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// echo is a handler that sends bodies back while they come.
type echo struct {
	name string
	// answerType is the media type of its answers to bodyType.
	answerType string
	// collects is the largest body that it collects and answers whole.
	collects int64
}

// echoes are two handlers in the event style and one in the blocking style.
var echoes = []echo{
	{"echo-c", bodyType, 64 << 10},
	{"echo-rust", bodyType, 0},
	{"echo-blocking-c", "application/octet-stream", 0},
}

// beginning begins a body with what is enough to have its answer begin.
func (e echo) beginning(text string) string { return strings.Repeat("x", int(e.collects)) + text }

// eachEcho runs a test with each echo and each core.
func eachEcho(t *testing.T, test func(t *testing.T, s *server, handler echo)) {
	for _, handler := range echoes {
		t.Run(handler.name, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				test(t, start(t, core, module(t, "examples/abi/"+handler.name)), handler)
			})
		})
	}
}

// Bodies come back as they were, from each client, with each framing.
func TestEcho(t *testing.T) {
	eachEcho(t, func(t *testing.T, s *server, handler echo) {
		for _, client := range clients {
			t.Run(client.name, func(t *testing.T) {
				var requests []request
				for _, framing := range []framing{length, chunked} {
					for _, size := range []int64{0, 1, 64 << 10, 64<<10 + 1, 1 << 20} {
						requests = append(requests, request{http.MethodPost, s.url, framing, size})
					}
				}
				for i, got := range client.do(t, requests...) {
					wantEcho(t, handler, requests[i], got)
					wantField(t, got.fields, "Content-Type", handler.answerType)
				}
			})
		}
	})
}

// wantEcho expects the whole body back, with its length or, when that was not known when the answer began, in chunks.
func wantEcho(t *testing.T, handler echo, request request, got answer) {
	t.Helper()
	if got.status != http.StatusOK || got.echoed != request.Size {
		t.Errorf("%v: got %d with %d bytes", request, got.status, got.echoed)
	}
	if request.Size > handler.collects {
		wantField(t, got.fields, "Transfer-Encoding", "chunked")
	} else {
		wantField(t, got.fields, "Content-Length", strconv.FormatInt(request.Size, 10))
	}
}

// With --echo every request is answered with its body, on every path and whatever its method.
func TestEchoFlag(t *testing.T) {
	const most = 10 << 20
	whole := func(size int) http.Header { return http.Header{"Content-Length": {strconv.Itoa(size)}} }
	streamed := http.Header{"Transfer-Encoding": {"chunked"}}
	for _, test := range []struct {
		name   string
		args   []string
		size   int64
		fields http.Header // that frame the answer
	}{
		{"GET", nil, 0, whole(0)},
		{"POST", []string{"-H", "Expect:", "--data-binary", "@-"}, 1000, whole(1000)},
		{"PUT", []string{"-H", "Expect:", "--data-binary", "@-", "-X", "PUT"}, 1000, whole(1000)},
		{"large POST", []string{"-H", "Expect:", "--data-binary", "@-"}, most, streamed},
		{"upload", []string{"-H", "Expect:", "-T", "-"}, 1000, whole(1000)},
		{"large upload", []string{"-H", "Expect:", "-T", "-"}, most, streamed},
		{"Expect", []string{"-H", "Expect: 100-continue", "--data-binary", "@-"}, 1000, whole(1000)},
		{"large Expect", []string{"-H", "Expect: 100-continue", "-T", "-"}, most, streamed},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, "--echo")
				for _, contentType := range []string{"", bodyType} {
					var back sink
					// Without 100 (Continue) curl would wait for longer than it may take.
					args := slices.Concat(test.args, []string{"--expect100-timeout", "5", "-H", "Content-Type: " + contentType})
					heads := curl(t, &source{size: test.size}, &back, append(args, s.url+"some/where?a=1")...)
					if err := back.is(test.size); err != nil {
						t.Error(err)
					}
					wantHeads(t, heads, strings.HasSuffix(test.name, "Expect"))
					got := heads[len(heads)-1].fields
					if got.Get("Content-Type") != contentType {
						t.Errorf("Content-Type is %q, want %q", got.Get("Content-Type"), contentType)
					}
					for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
						if !slices.Equal(got[name], test.fields[name]) {
							t.Errorf("%s is %q, want %q", name, got[name], test.fields[name])
						}
					}
				}
			})
		})
	}
}

// wantHeads expects the head of one answer, after 100 (Continue) when the client has waited for it.
func wantHeads(t *testing.T, heads []answer, continued bool) {
	t.Helper()
	var got []int
	for _, head := range heads {
		got = append(got, head.status)
	}
	want := []int{http.StatusOK}
	if continued {
		want = []int{http.StatusContinue, http.StatusOK}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got statuses %d, want %d", got, want)
	}
}

// A body that fits into no memory passes through a little of it.
func TestEchoGibibyte(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds for each handler")
	}
	const (
		size    = 1 << 30
		most    = 200 << 20 // of memory, at any time
		growing = 32 << 20  // from the peak with 1 MiB to the peak with 1 GiB
	)
	for _, test := range []struct {
		handler echo
		core    string
		client  client
		framing framing
	}{
		{echoes[0], "wasm", goClient, length},
		{echoes[1], "wasm", curlClient, chunked},
		{echoes[2], "wasm", goClient, chunked},
		{echoes[2], "native", goClient, length},
	} {
		t.Run(fmt.Sprintf("%s/%s/%s/%s", test.handler.name, test.core, test.client.name, test.framing), func(t *testing.T) {
			s := start(t, test.core, module(t, "examples/abi/"+test.handler.name))
			echo := func(size int64) (peak int64) {
				r := request{http.MethodPost, s.url, test.framing, size}
				wantEcho(t, test.handler, r, test.client.do(t, r)[0])
				return s.memory(t, "VmHWM")
			}
			before, begin := echo(1<<20), time.Now()
			after := echo(size)
			t.Logf("1 GiB in %v with at most %d KiB of memory; 1 MiB took %d", time.Since(begin), after>>10, before>>10)
			if after > most || after-before > growing {
				t.Errorf("the peak of memory rose from %d to %d bytes, want at most %d more and at most %d",
					before, after, growing, most)
			}
		})
	}
}

// Each piece comes back before the next is sent: once an answer has begun, nothing is collected on the way.
func TestEchoStreams(t *testing.T) {
	for _, test := range []struct {
		name  string
		field func(size int) string
		frame func(piece string) string
		end   string
	}{
		{"length", func(size int) string { return fmt.Sprint("Content-Length: ", size) }, func(piece string) string { return piece }, ""},
		{"chunked", func(int) string { return "Transfer-Encoding: chunked" }, chunk, "0\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachEcho(t, func(t *testing.T, s *server, handler echo) {
				pieces := []string{handler.beginning("first"), " and ", strings.Repeat("a longer piece ", 2000), "last"}
				size := len(strings.Join(pieces, ""))
				c := s.dial(t)
				c.send(t, "POST / HTTP/1.1\nHost: localhost\n"+test.field(size)+"\n\n"+test.frame(pieces[0]))
				response := c.receive(t, http.MethodPost)
				wantNext(t, response.Body, pieces[0])
				for _, piece := range pieces[1:] {
					c.send(t, test.frame(piece))
					wantNext(t, response.Body, piece)
				}
				c.send(t, test.end)
				if rest, err := io.ReadAll(response.Body); len(rest) > 0 || err != nil {
					t.Errorf("then came %q, %v", rest, err)
				}
				c.send(t, "POST / HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nagain")
				c.want(t, http.StatusOK, "again")
			})
		})
	}
}

// chunk frames a piece.
func chunk(piece string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece) }

// wantNext expects a text as the next bytes.
func wantNext(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// Whatever the peer makes of chunks, with extensions and trailers, it is the body that comes back.
func TestEchoChunks(t *testing.T) {
	eachEcho(t, func(t *testing.T, s *server, _ echo) {
		c := s.dial(t)
		sent := make(chan error, 1)
		const size = 300 << 10
		go func() { sent <- sendChunks(c, body(size)) }()
		response := c.receive(t, http.MethodPost)
		var back sink
		if _, err := io.Copy(&back, response.Body); err != nil {
			t.Error(err)
		}
		if err := back.is(size); err != nil {
			t.Error(err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if len(response.TransferEncoding) != 1 || response.TransferEncoding[0] != "chunked" {
			t.Errorf("the answer has the transfer encoding %q, want chunked", response.TransferEncoding)
		}
	})
}

// sendChunks posts a body in chunks of 1, 2, 3 ... bytes, each with an extension, and a trailer.
func sendChunks(c *socket, content []byte) error {
	w := bufio.NewWriterSize(c, 1000)
	fmt.Fprint(w, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
	for size := 1; len(content) > 0; size++ {
		piece := content[:min(size, len(content))]
		content = content[len(piece):]
		fmt.Fprintf(w, "%06X;name=value;quoted=\"a;b\"\r\n%s\r\n", len(piece), piece)
	}
	fmt.Fprint(w, "000\r\nX-Sum: 1\r\n\r\n")
	return w.Flush()
}
