package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"strings"
	"testing"
)

// Requests that come at once are answered in their order, whatever becomes of each.
func TestPipelining(t *testing.T) {
	const count = 16
	for _, test := range []struct {
		name, handler string
		request       func(i int) string
		status        func(i int) int
		content       func(i int) string
	}{
		{
			name: "streamed answers", handler: "examples/abi/echo-rust",
			request: func(i int) string {
				return fmt.Sprintf("POST / HTTP/1.1\nHost: localhost\nContent-Length: 10\n\nrequest %02d", i)
			},
			content: func(i int) string { return fmt.Sprintf("request %02d", i) },
		},
		{
			name: "collected and streamed answers", handler: "examples/abi/echo-c",
			request: func(i int) string {
				return fmt.Sprintf("POST / HTTP/1.1\nHost: localhost\nContent-Length: %d\n\n%s", len(longer(i)), longer(i))
			},
			content: longer,
		},
		{
			name: "pulled bodies in chunks", handler: "examples/abi/echo-blocking-c",
			request: func(i int) string {
				return fmt.Sprintf("POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n8\nrequest \n2\n%02d\n0\n\n", i)
			},
			content: func(i int) string { return fmt.Sprintf("request %02d", i) },
		},
		{
			name: "answers of all sizes", handler: "handlers/flood",
			request: func(i int) string { return fmt.Sprintf("GET /%d HTTP/1.1\nHost: localhost\n\n", i*i*i*100) },
			content: func(i int) string { return flood(i * i * i * 100) },
		},
		{
			name: "traps between answers", handler: "handlers/trap",
			request: func(i int) string {
				return fmt.Sprintf("GET %s HTTP/1.1\nHost: localhost\n\n", []string{"/", "/trap"}[i%2])
			},
			status:  func(i int) int { return []int{http.StatusOK, http.StatusInternalServerError}[i%2] },
			content: func(i int) string { return []string{"hello\n", "500 Internal Server Error\n"}[i%2] },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				c := start(t, core, module(t, test.handler)).dial(t)
				var requests strings.Builder
				for i := range count {
					requests.WriteString(test.request(i))
				}
				c.send(t, requests.String())
				for i := range count {
					status := http.StatusOK
					if test.status != nil {
						status = test.status(i)
					}
					c.want(t, status, test.content(i))
				}
				wantQuiet(t, c)
			})
		})
	}
}

// longer is a body, for every fifth request one that is more than what the echo collects.
func longer(i int) string {
	return strings.Repeat(fmt.Sprintf("request %02d, ", i), []int{1, 10, 100, 1000, 6000}[i%5])
}

// flood is what the handler of that name answers.
func flood(size int) string {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i % 251)
	}
	return string(content)
}

// wantQuiet expects that there is nothing more on a connection but the answer to a further request.
func wantQuiet(t *testing.T, c *socket) {
	t.Helper()
	c.send(t, "BREW / HTTP/1.1\n\n") // without Host it is refused by the core
	c.want(t, http.StatusBadRequest, "*")
	c.wantClosed(t)
}

// A client that can use a connection again gets to do so.
func TestKeepAlive(t *testing.T) {
	for _, test := range []struct {
		handler string
		request request
	}{
		{"hello-c", get("")},
		{"hello-c", request{http.MethodHead, "", none, 0}},
		{"echo-c", request{http.MethodPost, "", length, 1000}},
		{"echo-c", request{http.MethodPost, "", chunked, 100_000}},
		{"echo-rust", request{http.MethodPost, "", length, 1000}},
		{"echo-rust", request{http.MethodPost, "", chunked, 100_000}},
		{"echo-blocking-c", request{http.MethodPost, "", chunked, 100_000}},
	} {
		t.Run(fmt.Sprintf("%s/%s/%s", test.handler, test.request.Method, test.request.Framing), func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, module(t, "examples/abi/"+test.handler))
				if opened := connectionsFor(t, s, test.request, 20); opened != 1 {
					t.Errorf("20 requests took %d connections", opened)
				}
			})
		})
	}
}

// connectionsFor makes a request again and again and counts the connections that Go's client opens for it.
func connectionsFor(t *testing.T, s *server, r request, times int) (opened int) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			opened++
		}
	}})
	r.URL = s.url
	for range times {
		if _, err := r.do(ctx, &http.Client{Transport: transport}); err != nil {
			t.Fatal(err)
		}
	}
	return opened
}

// Curl keeps connections too, and with HTTP/1.0 only when it asks for it and the length is known beforehand.
func TestCurlConnections(t *testing.T) {
	for _, test := range []struct {
		name, handler string
		args          []string
		want          string // number of connections that each of three transfers has opened
	}{
		{"HTTP/1.1", "hello-c", nil, "1 0 0 "},
		{"HTTP/1.1, close", "hello-c", []string{"-H", "Connection: close"}, "1 1 1 "},
		{"HTTP/1.0", "hello-c", []string{"--http1.0"}, "1 1 1 "},
		{"HTTP/1.0, keep-alive", "hello-c", []string{"--http1.0", "-H", "Connection: keep-alive"}, "1 0 0 "},
		{"HTTP/1.0, keep-alive, no length", "echo-rust",
			[]string{"--http1.0", "-H", "Connection: keep-alive", "-d", "body"}, "1 1 1 "},
		{"HTTP/1.0, keep-alive, collected", "echo-c",
			[]string{"--http1.0", "-H", "Connection: keep-alive", "-d", "body"}, "1 0 0 "},
		{"HEAD", "hello-c", []string{"-I"}, "1 0 0 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, module(t, "examples/abi/"+test.handler))
				args := append([]string{"-w", "%{num_connects} "}, test.args...)
				var got strings.Builder
				for range 3 {
					args = append(args, "-o", os.DevNull, s.url)
				}
				curl(t, nil, &got, args...)
				if got.String() != test.want {
					t.Errorf("the transfers have opened connections: %swant %s", got.String(), test.want)
				}
			})
		})
	}
}

// HTTP/1.0 knows no chunks and no interim answers: the end of the connection is the end of an answer without a length.
func TestHTTP10(t *testing.T) {
	eachEcho(t, func(t *testing.T, s *server, _ echo) {
		var back sink
		heads := curl(t, &source{size: 1 << 20}, &back, "--http1.0", "--data-binary", "@-", s.url)
		if len(heads) != 1 || heads[0].status != http.StatusOK {
			t.Errorf("got heads %v", heads)
		}
		if err := back.is(1 << 20); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"Transfer-Encoding", "Content-Length"} {
			if got := heads[0].fields.Values(name); len(got) > 0 {
				t.Errorf("%s is %q, want none", name, got)
			}
		}

		c := s.dial(t)
		c.send(t, "POST / HTTP/1.0\nContent-Length: 4\nExpect: 100-continue\n\nbody")
		c.want(t, http.StatusOK, "body")
		c.wantClosed(t)
	})
}

// An answer to HEAD has the head of one to GET, and nothing else.
func TestHead(t *testing.T) {
	for _, handler := range []string{"hello-c", "hello-go", "welcome"} {
		t.Run(handler, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, module(t, "examples/abi/"+handler))
				var shown bytes.Buffer
				head := curl(t, nil, &shown, "-I", s.url)[0]
				// The page of `welcome` shows the method.
				full := curl(t, nil, io.Discard, "-X", "POST", s.url)[0]
				if head.status != http.StatusOK || !bytes.HasSuffix(shown.Bytes(), []byte("\r\n\r\n")) {
					t.Errorf("got %d, and not a head alone: %q", head.status, shown.String())
				}
				for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control"} {
					if got, want := head.fields.Values(name), full.fields.Values(name); !slices.Equal(got, want) {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}

				c := s.dial(t)
				for range 3 {
					c.send(t, "HEAD / HTTP/1.1\nHost: localhost\n\n")
					if got := c.receive(t, http.MethodHead); got.ContentLength <= 0 {
						t.Errorf("Content-Length is %d", got.ContentLength)
					}
				}
				wantQuiet(t, c)
			})
		})
	}
}

// A client that waits for 100 (Continue) before it sends a large body gets it at once, and its body is taken.
func TestExpectContinue(t *testing.T) {
	for _, handler := range []struct {
		name string
		size int64
	}{
		{"welcome", 512 << 10}, // takes the body whole
		{"echo-c", 1 << 10},    // takes the body whole
		{"echo-c", 8 << 20},
		{"echo-rust", 1 << 10},
		{"echo-rust", 8 << 20},
		{"echo-blocking-c", 8 << 20},
	} {
		t.Run(fmt.Sprint(handler.name, " ", handler.size), func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, module(t, "examples/abi/"+handler.name))
				var back sink
				// Without 100 (Continue) curl would wait for longer than it may take.
				heads := curl(t, &source{size: handler.size}, &back, "--expect100-timeout", "5",
					"-H", "Expect: 100-continue", "--data-binary", "@-", s.url)
				wantHeads(t, heads, true)
				if err := back.is(handler.size); err != nil && handler.name != "welcome" {
					t.Error(err)
				}
			})
		})
	}
}

// A client that waits for 100 (Continue) and whose request is refused need not send the body: it is told at once, and that
// the connection ends.
func TestExpectRefused(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "examples/abi/hello-c", `path = "/c"`, `methods = ["GET"]`))
		for target, status := range map[string]int{"/c": http.StatusMethodNotAllowed, "/": http.StatusNotFound} {
			c := s.dial(t)
			c.send(t, "POST "+target+" HTTP/1.1\nHost: a\nContent-Length: 1000000\nExpect: 100-continue\n\n")
			if !c.want(t, status, "*").Close {
				t.Errorf("%s: the answer lacks Connection: close", target)
			}
			c.wantClosed(t)
		}
	})
}
