package command

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// mine is a suite of which one case passes and one fails on the echo.
const mine = `# mine

What I want of an echo.

## It comes back

` + "```send\nPOST / HTTP/1.1\nHost: test\nContent-Length: *\n\nhello\n```\n\n```receive\n200\n\nhello\n```\n" + `
## It comes back louder

` + "```send\nPOST / HTTP/1.1\nHost: test\nContent-Length: *\n\nhello\n```\n\n```receive\n200\n\nHELLO\n```\n"

const louder = `FAIL  mine/It comes back louder
      ./mine.md:31: the answer is not as it is due
            200

          - HELLO
          + hello
            (byte 0 is h instead of H; 5 bytes came, 5 were due)
        the log is empty
        the handler, which subscribes to HEADER_READY, DATA_READY, READY, heard and did:
          HEADER_READY 2 fields
          DATA_READY 5 bytes
          READY
            send 200 0 fields 5 bytes → success
`

func writeTested(t *testing.T) {
	t.Helper()
	writeConfig(t, "")
	for name, content := range map[string]string{
		"welcome.wasm": string(welcomeWasm), "echo.wasm": string(echoWasm), "text.wasm": "hello", "mine.md": mine, "broken.md": "## a\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTest(t *testing.T) {
	writeTested(t)
	for _, test := range []struct {
		args           string
		status         int
		stdout, stderr string // some of it; all of it for stderr
	}{
		{"test welcome.wasm", 0, "ok    http/GET\nok    http/HEAD has no body\n", ""},
		{"test echo.wasm", 0, "echo.wasm: 21 passed, 0 failed (", ""},
		{"test echo.wasm --core native --isolation connection --run GET|HEAD", 0, "echo.wasm: 2 passed, 0 failed (", ""},
		{"test welcome.wasm -v --run http/GET", 0, "ok    http/GET  (", ""},
		{"test echo.wasm -v --run http/GET", 0, "      HEADER_READY 1 field\n      READY\n        send 200 0 fields 0 bytes → success\n", ""},
		{"test echo.wasm --suite ./mine.md", 1, louder + "echo.wasm: 1 passed, 1 failed (", "echo.wasm failed 1 of 2 cases"},
		{"test echo.wasm --suite ./mine.md --suite http --run back$|GET", 0, "ok    mine/It comes back\nok    http/GET\n", ""},
		{"test echo.wasm --limit buffered=1MiB --limit cpu=1s --run GET", 0, "1 passed", ""},
		{"test --list", 0, "http: 21 cases\n    What every handler has to keep", ""},
		{"test --list --suite ./mine.md", 0, "./mine.md:5  mine/It comes back\n./mine.md:21  mine/It comes back louder\n", ""},

		{"test", 2, "", "test takes one handler: sluice test handler.wasm"},
		{"test a.wasm b.wasm", 2, "", "test takes one handler: sluice test handler.wasm"},
		{"test none.wasm", 2, "", "cannot read none.wasm: no such file or directory; name a handler, a .wasm file"},
		{"test text.wasm", 2, "", `handler text.wasm: it is not WebAssembly: it begins with "hello"`},
		{"test echo.wasm --suite none", 2, "",
			`there is no suite "none"; there are download, echo, form, hello, http, json-api, upload, and files such as ./my.transcript.md`},
		{"test echo.wasm --suite ./none.md", 2, "", "a suite cannot be read: open ./none.md: no such file or directory"},
		{"test echo.wasm --suite ./broken.md", 2, "", `./broken.md:1: the case "a" has no blocks`},
		{"test echo.wasm --run none", 2, "", `no case matches "none"; see 'sluice test --list'`},
		{"test echo.wasm --run (", 2, "",
			"invalid value for --run: error parsing regexp: missing closing ): `(`; a pattern is a regular expression of Go"},
		{"test echo.wasm --limit size=1", 2, "",
			`invalid value "size=1" for --limit: there is no limit "size"; see [limits] in 'sluice help config'`},
		{"test echo.wasm --limit cpu=1", 2, "",
			`invalid value "cpu=1" for --limit: cpu must be a positive duration with its unit, such as 500ms, 10s or 2m`},
		{"test echo.wasm --limit cpu=1ns", 2, "", "limit cpu is 1ns; it can be 1ms to 876000h0m0s"},
		{"test echo.wasm --env a", 2, "", `invalid value "a" for --env: must be name=value`},
		{"test echo.wasm --timeout 1ms", 2, "", "the timeout is 1ms; it can be no less than 1s"},
		{"test echo.wasm --isolation none", 2, "", `invalid value "none" for --isolation: must be request, connection or shared`},
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := Run(strings.Fields(test.args), strings.NewReader(""), &stdout, &stderr)
			want := test.stderr
			if want != "" {
				want = "sluice: " + want + "\n"
			}
			if status != test.status || !strings.Contains(stdout.String(), test.stdout) || stderr.String() != want {
				t.Errorf("\n got %d\n%s%swant %d\n%s%s", status, stdout.String(), stderr.String(), test.status, test.stdout, want)
			}
			for line := range strings.Lines(stdout.String()) {
				if strings.HasSuffix(line, " \n") {
					t.Errorf("space at the end of %q", line)
				}
			}
		})
	}
}

func TestTestJSON(t *testing.T) {
	writeTested(t)
	var stdout, stderr bytes.Buffer
	status := Run(strings.Fields("test echo.wasm --suite ./mine.md --json"), nil, &stdout, &stderr)
	var report struct {
		Module         string
		Passed, Failed int
		Cases          []struct {
			Suite, Case, Place, Failure string
			Passed                      bool
			Memory                      int64
			Log, Heard                  []string
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || status != exitFailed {
		t.Fatalf("got %d, %v\n%s%s", status, err, stdout.String(), stderr.String())
	}
	if report.Module != "echo.wasm" || report.Passed != 1 || report.Failed != 1 || len(report.Cases) != 2 {
		t.Fatalf("got %+v", report)
	}
	if c := report.Cases[0]; !c.Passed || c.Suite != "mine" || c.Case != "It comes back" || c.Place != "./mine.md:5" ||
		c.Failure != "" || c.Memory == 0 || c.Log == nil || len(c.Heard) != 4 || c.Heard[0] != "HEADER_READY 2 fields" {
		t.Errorf("got %+v", c)
	}
	if c := report.Cases[1]; c.Passed || !strings.HasPrefix(c.Failure, "./mine.md:31: the answer is not as it is due\n") {
		t.Errorf("got %+v", c)
	}
}

// The help of test names a variable for each of its flags, and how often a suite may be given.
func TestTestHelp(t *testing.T) {
	var help bytes.Buffer
	if status := Run([]string{"test", "--help"}, nil, &help, &help); status != 0 {
		t.Fatalf("status %d", status)
	}
	for _, variable := range []string{"SUITE", "RUN", "ISOLATION", "CORE", "LIMIT", "ARG", "ENV", "TIMEOUT", "VERBOSE", "LIST", "JSON"} {
		if !strings.Contains(help.String(), "[SLUICE_"+variable+"]") {
			t.Errorf("no variable SLUICE_%s in\n%s", variable, help.String())
		}
	}
}
