package e2e

import (
	"io"
	"net/http"
	"testing"
)

// What a handler in Rust must not do comes back to it as an error that says what to do instead. The handler prints it and
// goes on, and the answer is as if nothing had happened.
func TestMisuseInRust(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/misuse-rust", `name = "misused"`))
		c := s.dial(t)
		for _, test := range []struct{ path, content, told string }{
			{"/write-after-end", "complete\n", "refused: send_data: the answer is complete"},
			{"/wrong-length", "five\n", "refused: send_data: more bytes than Content-Length announced"},
			{"/double-head", "the first head counts\n", "refused: send_head: a head was sent already"},
			{"/", "ok\n", ""},
		} {
			c.send(t, "GET "+test.path+" HTTP/1.1\nHost: localhost\n\n")
			c.want(t, http.StatusOK, test.content)
			s.awaitLog(t, "route=misused", test.told)
		}
		if s.stderr.contains("handler failed") {
			t.Errorf("the log blames the handler for what it was told:\n%s", s.stderr.String())
		}
	})
}

// An error that the handler gives back is printed and answered 500, for all its requests the same.
func TestErrorInRust(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/misuse-rust", `name = "misused"`))
		for range 2 {
			s.ask(t, "/bad-field", http.StatusInternalServerError, "500 Internal Server Error\n")
		}
		s.awaitLog(t, "route=misused", "the handler failed: send: the status is not one of 200 to 999, or a field is not valid")
	})
}

// An answer that ends short of its length is cut, and the handler hears why.
func TestShortAnswerInRust(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/misuse-rust", `name = "misused"`))
		if response, err := http.Get(s.url + "short-length"); err == nil {
			defer response.Body.Close()
			if content, err := io.ReadAll(response.Body); err == nil {
				t.Errorf("the answer is complete, with %q", content)
			}
		}
		s.awaitLog(t, "route=misused", "refused: send_end: fewer bytes were sent than Content-Length announced")
		s.ask(t, "/", http.StatusOK, "ok\n")
	})
}

// A panic tells the log what and where, and costs its request alone.
func TestPanicInRust(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/misuse-rust", `name = "misused"`))
		s.ask(t, "/throw", http.StatusInternalServerError, "500 Internal Server Error\n")
		s.awaitLog(t, "route=misused", "stream=stderr", "panicked at src/lib.rs:", "thrown for /throw")
		s.awaitLog(t, "handler failed", "route=misused", "status=500", "unreachable")
		s.ask(t, "/", http.StatusOK, "ok\n")
	})
}

// A loop without an end is ended.
func TestEndlessLoopInRust(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "handlers/misuse-rust", `name = "misused"`))
		s.ask(t, "/block", http.StatusServiceUnavailable, "503 Service Unavailable\n")
		s.awaitLog(t, "handler failed", "route=misused", "status=503", "CPU")
		s.ask(t, "/", http.StatusOK, "ok\n")
	})
}
