package e2e

import (
	"io"
	"net/http"
	"testing"
)

// The engine of JavaScript is most of a megabyte of code: a machine that does much else takes its time to compile it.
const patientCompiler = "[server]\ncompile_time = \"1m\"\n"

// What a handler in JavaScript does wrong is answered for, and the log says what it was in the manner of JavaScript, and where:
// sdk-js/test/misuse has the lines. The next request is answered as if nothing had happened.
func TestMisuseJS(t *testing.T) {
	const broken = "Internal Server Error\n"
	cases := []struct {
		path   string
		status int
		body   string
		log    []string
	}{
		{"/throw", 500, broken, []string{"Uncaught (GET /throw): ReferenceError: missing is not defined", "handler.js:9:"}},
		{"/reject", 500, broken, []string{"RangeError: later", "handler.js:33:"}},
		{"/block", 503, "503 Service Unavailable\n", []string{"CPU"}},
		{"/write-after-end", 500, broken, []string{"TypeError", "handler.js:38:"}},
		{"/settimeout", 500, broken, []string{"setTimeout is not supported yet", "handler.js:21:"}},
		{"/nothing", 500, broken, []string{"has to return a Response or a promise of one, not undefined"}},
		{"/header", 500, broken, []string{"TypeError: the value of the header x-name holds U+000A", "handler.js:25:"}},
	}
	s := startConfig(t, "native", patientCompiler+route(t, "handlers/misuse-js"))
	for _, c := range cases {
		s.ask(t, c.path, c.status, c.body)
		s.awaitLog(t, c.log[0])
		for _, more := range c.log[1:] {
			s.awaitLog(t, more)
		}
		s.ask(t, "/", http.StatusOK, "hello\n")
	}
	wantCut(t, s, "/wrong-length", "sendData: the body is longer than Content-Length announced (too_big)")
}

// A response that is kept can be sent by the first request of an instance alone.
func TestMisuseJSDoubleHead(t *testing.T) {
	s := startConfig(t, "native", patientCompiler+route(t, "handlers/misuse-js", `isolation = "shared"`))
	s.ask(t, "/double-head", http.StatusOK, "A response can be sent once.\n")
	s.ask(t, "/double-head", http.StatusInternalServerError, "Internal Server Error\n")
	s.awaitLog(t, "TypeError: the body of the response was read already")
}

// The same for a handler of events, which meets the calls of the interface.
func TestMisuseJSEvents(t *testing.T) {
	s := startConfig(t, "native", patientCompiler+route(t, "handlers/misuse-events-js"))
	s.ask(t, "/write-after-end", http.StatusOK, "complete\n")
	s.awaitLog(t, "SluiceError: sendData: the answer has ended already")
	s.awaitLog(t, "events.js:11:")
	s.ask(t, "/late-listener", http.StatusInternalServerError, "Internal Server Error\n")
	s.awaitLog(t, "DATA_READY is not delivered: listen to it")
	s.awaitLog(t, "events.js:26:")
	wantCut(t, s, "/double-head", "SluiceError: sendHead: a head was sent already")
	s.awaitLog(t, "events.js:15:")
	wantCut(t, s, "/wrong-length", "the body is longer than Content-Length announced (too_big)")
	s.awaitLog(t, "events.js:19:")
	wantCut(t, s, "/too-short", "the body is shorter than Content-Length announced")
	s.awaitLog(t, "events.js:23:")
	s.ask(t, "/", http.StatusOK, "hello\n")
}

// wantCut wants no answer that is complete: none at all, or one that breaks off.
func wantCut(t *testing.T, s *server, path, log string) {
	t.Helper()
	c := s.dial(t)
	c.send(t, "GET "+path+" HTTP/1.1\nHost: localhost\n\n")
	if response, err := http.ReadResponse(c.reader, nil); err == nil {
		defer response.Body.Close()
		if got, err := io.ReadAll(response.Body); err == nil {
			t.Errorf("GET %s: got the whole answer %d %q, want it cut", path, response.StatusCode, got)
		}
	}
	s.awaitLog(t, log)
}
