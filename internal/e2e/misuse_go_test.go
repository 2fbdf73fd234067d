package e2e

import (
	"net/http"
	"testing"
)

// What a handler in Go does wrong comes to it as an error that errors.Is knows (the handler checks that, and logs it), or to
// the log with the place in its source, and costs nobody but its own request.
func TestMisuseGo(t *testing.T) {
	s := startConfig(t, "wasm", "[server]\ncompile_time = \"45s\"\n"+route(t, "handlers/misuse-go", `name = "misused"`))

	s.ask(t, "/write-after-end", http.StatusOK, "complete\n")
	s.awaitLog(t, "route=misused", "write-after-end: sluice: send_data: state: ")

	c := s.dial(t)
	c.send(t, "GET /wrong-length HTTP/1.1\nHost: localhost\n\n")
	c.wantClosed(t) // nothing that could be taken for an answer
	s.awaitLog(t, "route=misused", "wrong-length: sluice: send_data: too_big: ", "Content-Length")
	s.awaitLog(t, "route=misused", "the handler failed: GET /wrong-length: ")

	s.ask(t, "/double-head", http.StatusOK, "the first holds\n")
	s.awaitLog(t, "route=misused", "double-head: sluice: send_head: state: ")

	s.ask(t, "/error", http.StatusInternalServerError, "500 Internal Server Error\n")
	s.awaitLog(t, "route=misused", "the handler failed: GET /error: the shelf is empty")

	s.ask(t, "/throw", http.StatusInternalServerError, "500 Internal Server Error\n")
	s.awaitLog(t, "route=misused", "misuse-go.wasm", "panic: assignment to entry in nil map")
	s.awaitLog(t, "route=misused", "sdk-go/misuse/main.go:")
	s.awaitLog(t, "handler failed", "route=misused", "status=500", "trap")

	s.ask(t, "/block", http.StatusServiceUnavailable, "503 Service Unavailable\n")
	s.awaitLog(t, "handler failed", "route=misused", "status=503", "limit cpu")

	s.ask(t, "/elsewhere", http.StatusNotFound, "not found\n")
}
