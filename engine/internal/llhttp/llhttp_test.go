package llhttp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/llhttp"
)

// openParsers makes a parser for requests and one for responses, by the names of their kinds.
func openParsers(t *testing.T, build Build) map[string]*Parser {
	t.Helper()
	library, err := OpenBuild(t.Context(), build)
	if errors.Is(err, ErrNotInstalled) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	parsers := map[string]*Parser{}
	t.Cleanup(func() {
		for _, p := range parsers {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := library.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for name, kind := range map[string]Kind{"request": Request, "response": Response, "both": Both} {
		if parsers[name], err = library.NewParser(kind); err != nil {
			t.Fatal(err)
		}
	}
	return parsers
}

// missing ends a test for want of something: as skipped, or as failed where everything has to be there.
func missing(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func parse(t *testing.T, p *Parser, input []byte) Outcome {
	t.Helper()
	outcome, err := p.Parse(input)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// TestParse shows what an outcome looks like.
func TestParse(t *testing.T) {
	parsers := openParsers(t, SIMD)
	for _, test := range []struct{ kind, input, want string }{
		{"request", "", "{Messages:[] Error: Reason: Offset:0 Upgrade:false}"},
		{"request", "POST /a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n",
			"{Messages:[{Method:POST Target:/a Status:0 Reason: Major:1 Minor:1 Fields:[{Name:Host Value:b} " +
				"{Name:Transfer-Encoding Value:chunked}] Trailers:[{Name:X Value:y}] Body:abcd HeadComplete:true Complete:true " +
				"KeepAlive:true Upgrade:false}] Error: Reason: Offset:82 Upgrade:false}"},
		{"request", "GET / HTTP/1.0\r\n\r\nrest",
			"{Messages:[{Method:GET Target:/ Status:0 Reason: Major:1 Minor:0 Fields:[] Trailers:[] Body: HeadComplete:true " +
				"Complete:true KeepAlive:false Upgrade:false}] Error:CLOSED_CONNECTION Reason:Data after `Connection: close` " +
				"Offset:19 Upgrade:false}"},
		{"request", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nrest",
			"{Messages:[{Method:CONNECT Target:a:1 Status:0 Reason: Major:1 Minor:1 Fields:[{Name:Host Value:a:1}] Trailers:[] " +
				"Body: HeadComplete:true Complete:true KeepAlive:true Upgrade:true}] Error:PAUSED_UPGRADE " +
				"Reason:Pause on CONNECT/Upgrade Offset:35 Upgrade:true}"},
		{"both", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
			"{Messages:[{Method: Target: Status:404 Reason:Not Found Major:1 Minor:1 Fields:[{Name:Content-Length Value:2}] " +
				"Trailers:[] Body:no HeadComplete:true Complete:true KeepAlive:true Upgrade:false}] Error: Reason: Offset:47 " +
				"Upgrade:false}"},
	} {
		if got := fmt.Sprintf("%+v", parse(t, parsers[test.kind], []byte(test.input))); got != test.want {
			t.Errorf("%q\ngot  %s\nwant %s", test.input, got, test.want)
		}
	}
}

// TestErrorsStay says that llhttp reads nothing after an error, and anything after a reset.
func TestErrorsStay(t *testing.T) {
	p := openParsers(t, SIMD)["request"]
	refused := parse(t, p, []byte("GET\r\n"))
	if refused.Verdict() != Reject {
		t.Fatalf("%+v", refused)
	}
	for name, next := range map[string]func() (Outcome, error){
		"more": func() (Outcome, error) { return p.Execute([]byte("GET / HTTP/1.1\r\n\r\n")) },
		"end":  p.Finish,
	} {
		got, err := next()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(refused) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, refused)
		}
	}
	if got := parse(t, p, []byte("GET / HTTP/1.1\r\n\r\n")); got.Verdict() != Accept || len(got.Messages) != 1 {
		t.Errorf("after a reset: %+v", got)
	}
}

// TestLargeInput says that the buffer grows with the input, and with it the module's memory.
func TestLargeInput(t *testing.T) {
	p := openParsers(t, SIMD)["request"]
	for _, size := range []int{1, 10 << 10, 1 << 20, 5} {
		body := strings.Repeat("x", size)
		got := parse(t, p, fmt.Appendf(nil, "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", size, body))
		if got.Verdict() != Accept || len(got.Messages) != 1 || got.Messages[0].Body != body {
			t.Errorf("%d bytes of body: %s, %q", size, got.Verdict(), got.Error)
		}
	}
}

// TestCounter says that a counter hears all that a parser does, again and again.
func TestCounter(t *testing.T) {
	input := []byte("GET /a HTTP/1.1\r\nHost: b\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
	for _, build := range Builds {
		counter, err := OpenCounter(t.Context(), build, Request, input)
		if errors.Is(err, ErrNotInstalled) {
			missing(t, err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer counter.Close()
		for range 3 {
			if err := counter.Execute(); err != nil {
				t.Fatal(err)
			}
		}
		// Each time two targets, two names, two values, and a body.
		if counts := counter.Counts(); counts.Spans != 3*7 || counts.Messages != 3*2 {
			t.Errorf("%s: %d spans, %d messages", build.Name(), counts.Spans, counts.Messages)
		}
		if allocations := testing.AllocsPerRun(100, func() { _ = counter.Execute() }); allocations != 0 {
			t.Errorf("%s: %v allocations in an execution", build.Name(), allocations)
		}
	}
}

// TestCounterTellsErrors says that a benchmark of it cannot measure refusals.
func TestCounterTellsErrors(t *testing.T) {
	counter, err := OpenCounter(t.Context(), SIMD, Request, []byte("GET\r\n"))
	if errors.Is(err, ErrNotInstalled) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	if err := counter.Execute(); err == nil {
		t.Error("no error")
	}
}

func TestUnwrap(t *testing.T) {
	const script = "'use strict'\n\nconst { Buffer } = require('node:buffer')\n\nconst wasmBase64 = '%s'\n\nlet wasmBuffer\n"
	got, err := Unwrap(fmt.Appendf(nil, script, "AGFzbQ=="))
	if err != nil || !bytes.Equal(got, []byte("\x00asm")) {
		t.Errorf("%q, %v", got, err)
	}
	for _, broken := range []string{"", "module.exports = 'AGFzbQ=='", fmt.Sprintf(script, "A"), fmt.Sprintf(script, "")} {
		if got, err := Unwrap([]byte(broken)); err == nil {
			t.Errorf("%q from %q", got, broken)
		}
	}
}

// TestNotInstalled moves to a project without npm packages.
func TestNotInstalled(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "go.mod", "module x\n")
	write(t, "engine/internal/llhttp/package.json", `{"dependencies": {"undici": "2.0.0"}}`)
	if _, err := Open(t.Context()); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("nothing is there: %v", err)
	}
	write(t, "engine/internal/llhttp/node_modules/undici/package.json", `{"version": "1.0.0"}`)
	_, err := Open(t.Context())
	if want := ErrNotInstalled.Error() + ": undici 1.0.0 is there, 2.0.0 is wanted"; err == nil || err.Error() != want {
		t.Errorf("another version is there: %v", err)
	}
	write(t, "engine/internal/llhttp/node_modules/undici/package.json", `{"version": "2.0.0"}`)
	if _, err := Open(t.Context()); err == nil || errors.Is(err, ErrNotInstalled) {
		t.Errorf("the module is missing: %v", err)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		if err := os.MkdirAll(name[:at], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
