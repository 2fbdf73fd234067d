package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A handler that traps costs its request, and nobody else's.
func TestTrap(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/trap", `name = "trapping"`))
		c := s.dial(t)
		for range 3 {
			c.send(t, "GET / HTTP/1.1\nHost: localhost\n\n")
			c.want(t, http.StatusOK, "hello\n")
			c.send(t, "GET /trap HTTP/1.1\nHost: localhost\n\n")
			c.want(t, http.StatusInternalServerError, "500 Internal Server Error\n")
		}
		s.ask(t, "/trap", http.StatusInternalServerError, "*")
		s.ask(t, "/", http.StatusOK, "hello\n")
		s.awaitLog(t, "route=trapping", "status=500", "trap", "unreachable")
	})
}

// A handler that never answers is answered for when its time is over, and holds up nobody else.
func TestWallTime(t *testing.T) {
	const wall = 500 * time.Millisecond
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, fmt.Sprintf("[limits]\nhandler_wall = %q\n", wall)+
			route(t, "handlers/silent", `name = "quiet"`, `path = "/silent"`)+
			route(t, "examples/abi/hello-c"))
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		c, others := s.dial(t), make([]*socket, 10)
		begin := time.Now()
		c.send(t, "GET /silent HTTP/1.1\nHost: localhost\n\n")
		for i := range others {
			others[i] = s.dial(t)
			others[i].send(t, "GET /silent HTTP/1.1\nHost: localhost\nConnection: close\n\n")
		}
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		c.want(t, http.StatusServiceUnavailable, "503 Service Unavailable\n")
		// Times are kept to a tenth of a second, and a busy machine may be late.
		if took := time.Since(begin); took < wall-150*time.Millisecond || took > wall+10*time.Second {
			t.Errorf("the answer came after %v, want it after %v", took, wall)
		}
		for _, other := range others {
			other.want(t, http.StatusServiceUnavailable, "*")
			other.wantClosed(t)
		}
		c.send(t, "GET / HTTP/1.1\nHost: localhost\n\n")
		c.want(t, http.StatusOK, "Hello from C!\n")
		s.awaitLog(t, "route=quiet", "status=503", "wall time of 500ms")
	})
}

// What breaks the protocol is refused with a reason, and the connection closed, because nobody knows where the next
// request begins.
func TestMalformed(t *testing.T) {
	refused := []struct {
		name, request string
		status        int
	}{
		{"no HTTP", "hello?\n\n", 400},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
		{"no target", "GET HTTP/1.1\nHost: a\n\n", 400},
		{"two spaces", "GET  / HTTP/1.1\nHost: a\n\n", 400},
		{"method is no token", "G@T / HTTP/1.1\nHost: a\n\n", 400},
		{"version of three parts", "GET / HTTP/1.1.1\nHost: a\n\n", 400},
		{"version 2.0", "GET / HTTP/2.0\nHost: a\n\n", 505},
		{"no Host", "GET / HTTP/1.1\n\n", 400},
		{"two Hosts", "GET / HTTP/1.1\nHost: a\nHost: a\n\n", 400},
		{"Host is no host", "GET / HTTP/1.1\nHost: a b\n\n", 400},
		{"space before the colon", "GET / HTTP/1.1\nHost: a\nX : y\n\n", 400},
		{"folded field", "GET / HTTP/1.1\nHost: a\nX: y\n z\n\n", 400},
		{"no colon", "GET / HTTP/1.1\nHost: a\nX\n\n", 400},
		{"NUL in a value", "GET / HTTP/1.1\nHost: a\nX: \x00\n\n", 400},
		{"CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400},
		{"negative length", "POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n", 400},
		{"length is no number", "POST / HTTP/1.1\nHost: a\nContent-Length: 0x10\n\n", 400},
		{"huge length", "POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999\n\n", 400},
		{"two lengths", "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\n12", 400},
		{"length and chunks", "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", 400},
		{"chunked is not last", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, gzip\n\n", 400},
		{"chunk size is no number", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\nxyz\n", 400},
		{"huge chunk", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n11112222333344445\n", 400},
		{"chunk without its end", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1\nabc", 400},
		{"too long a target", "GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\nHost: a\n\n", 414},
		{"too large a head", "GET / HTTP/1.1\nHost: a\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\n", 40) + "\n", 431},
		{"too many fields", "GET / HTTP/1.1\nHost: a\n" + strings.Repeat("X: y\n", 130) + "\n", 431},
		{"far too large a head", "GET / HTTP/1.1\nHost: a\nX: " + strings.Repeat("y", 1<<20) + "\n\n", 431},
	}
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core, module(t, "examples/abi/hello-c"))
		for _, test := range refused {
			t.Run(test.name, func(t *testing.T) {
				c := s.dial(t)
				// A request before it is answered as ever.
				go fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"+crlf(test.request)) // refused before its end
				c.want(t, http.StatusOK, "Hello from C!\n")
				if !c.want(t, test.status, "*").Close {
					t.Error("the answer lacks Connection: close")
				}
				c.wantClosed(t)
			})
		}
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
	})
}

// A body that breaks the protocol when its answer has begun ends the connection so that the answer is not taken for
// complete.
func TestMalformedBody(t *testing.T) {
	eachEcho(t, func(t *testing.T, s *server, handler echo) {
		hello := handler.beginning("hello")
		c := s.dial(t)
		c.send(t, "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"+chunk(hello))
		response := c.receive(t, http.MethodPost)
		wantNext(t, response.Body, hello)
		c.send(t, "no size\nhello\n")
		if rest, err := io.ReadAll(response.Body); err == nil {
			t.Errorf("the answer is complete, with %q more", rest)
		}
		c.wantClosed(t)

		old := s.dial(t)
		old.send(t, fmt.Sprintf("POST / HTTP/1.0\nContent-Length: %d\n\n%s", len(hello)+5, hello))
		response = old.receive(t, http.MethodPost)
		wantNext(t, response.Body, hello)
		if err := old.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(response.Body); err == nil {
			t.Errorf("the answer to HTTP/1.0 is complete, with %q more", rest)
		}
	})
}

// A body that breaks the protocol while it is still collected is refused as any other request.
func TestMalformedCollectedBody(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core, "--echo")
		for _, test := range []struct{ name, begin, end string }{
			{"chunk size", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n", "no size\nhello\n"},
			{"chunk end", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n", "5\nhello!"},
			{"trailer", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n", "Content-Length: 5\n\n"},
			{"cut", "POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nhello", ""},
			{"cut, HTTP/1.0", "POST / HTTP/1.0\nContent-Length: 10\n\nhello", ""},
		} {
			t.Run(test.name, func(t *testing.T) {
				c := s.dial(t)
				c.send(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nok")
				c.want(t, http.StatusOK, "ok")
				c.send(t, test.begin)
				time.Sleep(50 * time.Millisecond) // until the handler has the first piece
				c.send(t, test.end)
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if !c.want(t, http.StatusBadRequest, "*").Close {
					t.Error("the answer lacks Connection: close")
				}
				c.wantClosed(t)
			})
		}
		if s.stderr.contains("handler failed") {
			t.Errorf("the log blames the handler for what clients did:\n%s", s.stderr.String())
		}
	})
}

// What no route wants is answered without a handler, and the connection goes on.
func TestRoutes(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core,
			route(t, "examples/abi/hello-c", `path = "/c"`, `methods = ["GET", "HEAD"]`)+
				route(t, "examples/abi/hello-rust", `path = "/c/rust"`)+
				route(t, "examples/abi/echo-c", `host = "echo.example"`))
		for _, test := range []struct {
			request string
			status  int
			allow   string
			content string
		}{
			{"GET /c HTTP/1.1\nHost: a\n\n", 200, "", "Hello from C!\n"},
			{"GET /c/d?e HTTP/1.1\nHost: a\n\n", 200, "", "Hello from C!\n"},
			{"GET /c/rust HTTP/1.1\nHost: a\n\n", 200, "", "Hello from Rust!\n"},
			{"GET /c/rusty HTTP/1.1\nHost: a\n\n", 200, "", "Hello from C!\n"},
			{"PUT /c HTTP/1.1\nHost: a\nContent-Length: 4\n\nbody", 405, "GET, HEAD",
				"405 Method Not Allowed\nallowed: GET, HEAD\n"},
			{"POST /c HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n4\nbody\n0\n\n", 405, "GET, HEAD", "*"},
			{"GET /cd HTTP/1.1\nHost: a\n\n", 404, "", "404 Not Found\n"},
			{"GET / HTTP/1.1\nHost: a\n\n", 404, "", "404 Not Found\n"},
			{"POST / HTTP/1.1\nHost: a\nContent-Length: 4\n\nbody", 404, "", "404 Not Found\n"},
			{"POST / HTTP/1.1\nHost: Echo.Example:80\nContent-Length: 4\n\nbody", 200, "", "body"},
			{"POST http://echo.example/c HTTP/1.1\nHost: a\nContent-Length: 4\n\nbody", 200, "", "body"},
		} {
			line, _, _ := strings.Cut(test.request, " HTTP")
			t.Run(line, func(t *testing.T) {
				c := s.dial(t)
				for range 2 {
					c.send(t, test.request)
					response := c.want(t, test.status, test.content)
					if got := response.Header.Get("Allow"); got != test.allow {
						t.Errorf("Allow is %q, want %q", got, test.allow)
					}
				}
			})
		}
	})
}

// A route keeps limits of its own, and others the server's. What was ended is told in sums, and each time with --verbose.
func TestRouteLimits(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "examples/abi/echo-c")+
			"[[route]]\npath = '/narrow'\nhandler = '"+module(t, "examples/abi/echo-c")+"'\n[route.limits]\n"+
			"start_line = 60\nhead = 200\nfields = 3\nchunk_line = 8\ntrailers = 30\ntrailer_fields = 1\nbody_idle = '500ms'\n", "--verbose")
		const chunked = "POST /narrow HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"
		for reason, request := range map[string]string{
			"start_line":          "GET /narrow/" + strings.Repeat("x", 60) + " HTTP/1.1\nHost: a\n\n",
			"head":                "GET /narrow HTTP/1.1\nHost: a\nX: " + strings.Repeat("x", 200) + "\n\n",
			"fields":              "GET /narrow HTTP/1.1\nHost: a\nA: b\nC: d\nE: f\n\n",
			"chunk_line_too_long": chunked + "5;extension\nhello\n0\n\n",
			"trailers_too_large":  chunked + "0\nX: " + strings.Repeat("x", 40) + "\n\n",
			"too_many_trailers":   chunked + "0\nA: b\nC: d\n\n",
			"body_idle":           "POST /narrow HTTP/1.1\nHost: a\nContent-Length: 5\n\nhe",
		} {
			status := map[string]int{"start_line": 414, "chunk_line_too_long": 400, "body_idle": 408}[reason]
			if status == 0 {
				status = 431
			}
			c := s.dial(t)
			c.send(t, request)
			c.want(t, status, "*")
			s.awaitLog(t, "work ended early", "reason="+reason)

			wide := s.dial(t)
			wide.send(t, strings.Replace(request, "/narrow", "/wide", 1))
			if reason != "body_idle" {
				wide.want(t, http.StatusOK, "*")
			}
		}
	})
}
