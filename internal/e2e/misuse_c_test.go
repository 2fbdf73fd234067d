package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// What handlers in C, Zig and AssemblyScript must not do costs their own answers alone, and is told in the manner of the
// language: the log says which handler it was, what it did, and where its language knows the place.
func TestMisuseOfSmallLanguages(t *testing.T) {
	type misuse struct {
		path    string
		status  int
		content string
		cut     bool     // the answer ends before its end
		told    []string // words of a line of the log
	}
	const block, limit = "503 Service Unavailable\n", "limit cpu"
	for handler, cases := range map[string][]misuse{
		"misuse-c": {
			{"/write-after-end", 200, "complete\n", false,
				[]string{`misuse/handler.c:8: sluice_write(response, \"more\", 4): state: `}},
			{"/wrong-length", 200, "short", true, []string{"misuse/handler.c:", "returned before its answer was complete: invalid: "}},
			{"/double-head", 200, "first\nstate: too late or too early for this call; an answer has one head, and nothing follows its end",
				false, nil},
			{"/throw", 500, "500 Internal Server Error\n", false, []string{"misuse/handler.c:28: this does not hold: response == NULL"}},
			{"/block", 503, block, false, []string{limit}},
		},
		"misuse-zig": {
			{"/write-after-end", 200, "complete\n", false, []string{"panicked: the handler returned error.State: "}},
			{"/wrong-length", 200, "short", true, []string{"panicked: the handler returned error.Invalid: "}},
			{"/double-head", 200, "first\nState", false, nil},
			{"/throw", 500, "500 Internal Server Error\n", false, []string{"panicked: handler.zig:39: thrown"}},
			{"/block", 503, block, false, []string{limit}},
		},
		"misuse-as": {
			{"/write-after-end", 200, "complete\n", false, []string{"called abort: write: state: "}},
			{"/wrong-length", 200, "short", true, []string{"called abort: end: invalid: "}},
			{"/double-head", 200, "first\n", true, []string{"called abort: begin: state: "}},
			{"/throw", 500, "500 Internal Server Error\n", false, []string{"called abort: thrown (sdk-as/misuse/handler.ts:40:"}},
			{"/block", 503, block, false, []string{limit}},
		},
	} {
		t.Run(handler, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := startConfig(t, core, route(t, "handlers/"+handler, `name = "misused"`))
				for _, test := range cases {
					s.ask(t, "/", http.StatusOK, "fine\n")
					c := s.dial(t)
					c.send(t, "GET "+test.path+" HTTP/1.1\nHost: localhost\nConnection: close\n\n")
					response := c.receive(t, http.MethodGet)
					content, err := io.ReadAll(response.Body)
					if response.StatusCode != test.status || string(content) != test.content || (err != nil) != test.cut {
						t.Errorf("%s: %d %q, cut: %v; want %d %q, cut: %t", test.path, response.StatusCode, content, err,
							test.status, test.content, test.cut)
					}
					if test.told != nil {
						s.awaitLog(t, append(test.told, "route=misused")...)
					}
				}
				s.ask(t, "/", http.StatusOK, "fine\n")
				if printed := s.stderr.String(); strings.Contains(printed, "internal error") {
					t.Errorf("the log blames the program:\n%s", printed)
				}
			})
		})
	}
}
