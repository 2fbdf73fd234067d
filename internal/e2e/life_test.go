package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// heard is what life.mjs tells of an answer.
type heard struct {
	Hints     [][2]any
	Continued bool
	Status    int
	Upgrade   string
	Text      string
	Trailers  map[string]string
	Aborted   bool
	Error     string
}

// Node's client hears hints, trailers and other protocols from a handler in its sandbox.
func TestLifeWithNode(t *testing.T) {
	needNode(t)
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core, module(t, "handlers/life"))
		node := exec.CommandContext(t.Context(), "node", "life.mjs", s.url)
		var stderr bytes.Buffer
		node.Stderr = &stderr
		output, err := node.Output()
		if err != nil {
			t.Fatalf("node: %v\n%s", err, stderr.String())
		}
		var got map[string]heard
		if err := json.Unmarshal(output, &got); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		for name, want := range map[string]heard{
			"hints":    {Hints: [][2]any{{103.0, "</style.css>; rel=preload"}}, Status: 200, Text: "hinted\n"},
			"trailers": {Status: 200, Text: "body in chunks Sent=yesdone\n", Trailers: map[string]string{"sum": "42"}},
			"upgrade":  {Status: 101, Upgrade: "echo", Text: "raw bytes\nbye\n"},
			"tunnel":   {Status: 200, Text: "through the tunnel\nbye\n"},
			"hold":     {Hints: [][2]any{{103.0, ""}, {100.0, ""}}, Continued: true, Status: 200, Text: "taken\n"},
			"refuse":   {Status: 403, Text: "no\n"},
			"discard":  {Status: 200, Text: "taken\n"},
			"pause":    {Status: 200, Text: "paused taken\n"},
			"stream":   {Status: 200, Text: "piece\npiece\npiece\n"},
			"cut":      {Error: "ECONNRESET"},
			"states":   {Status: 200, Text: "1032"},
		} {
			compareHeard(t, name, got[name], want)
		}
	})
}

func compareHeard(t *testing.T, name string, got, want heard) {
	t.Helper()
	if want.Trailers == nil && len(got.Trailers) == 0 {
		got.Trailers = nil
	}
	if len(got.Hints) == 0 {
		got.Hints = nil
	}
	gotText, _ := json.Marshal(got)
	if wantText, _ := json.Marshal(want); !bytes.Equal(gotText, wantText) {
		t.Errorf("%s\n got %s\nwant %s", name, gotText, wantText)
	}
}

// Go's client hears hints and trailers, and is asked for the body it holds back.
func TestLifeWithGo(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core, module(t, "handlers/life"))
		var hints []int
		trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints = append(hints, code); return nil },
		})
		client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience}}
		defer client.CloseIdleConnections()

		request, _ := http.NewRequestWithContext(trace, http.MethodPut, s.url+"trailers", io.NopCloser(strings.NewReader("body ")))
		request.Trailer = http.Header{"Sent": {"yes"}}
		request.Header.Set("Expect", "100-continue")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "body Sent=yesdone\n" || response.Trailer.Get("Sum") != "42" {
			t.Errorf("got %q, %v, trailers %v", body, err, response.Trailer)
		}
		if len(hints) != 1 || hints[0] != 100 {
			t.Errorf("heard %v ahead of the answer, want 100", hints)
		}
	})
}

// curl takes the server for a proxy and goes through it.
func TestTunnelWithCurl(t *testing.T) {
	needCurl(t)
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core, module(t, "handlers/life"))
		// What the tunnel sends back is curl's own request, which is no answer.
		output, err := exec.CommandContext(t.Context(), "curl", "-sv", "--max-time", "20", "--proxytunnel", "--proxy", s.url,
			"http://example.com:80/through").CombinedOutput()
		if err == nil || !strings.Contains(string(output), "CONNECT tunnel established, response 200") &&
			!strings.Contains(string(output), "Proxy replied 200 to CONNECT request") {
			t.Errorf("curl: %v\n%s", err, output)
		}
		hello := start(t, core, module(t, "examples/abi/hello-c"))
		output, _ = exec.CommandContext(t.Context(), "curl", "-sv", "--max-time", "20", "--proxytunnel", "--proxy", hello.url,
			"http://example.com:80/").CombinedOutput()
		if !strings.Contains(string(output), "HTTP/1.1 501 Not Implemented") {
			t.Errorf("curl:\n%s", output)
		}
	})
}

// A tunnel through which nothing goes is not taken for an idle connection of HTTP.
func TestTunnelOutlivesTimes(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, "[limits]\nkeep_alive_idle = \"300ms\"\nbody_idle = \"300ms\"\nhandler_wall = \"300ms\"\n"+
			route(t, "handlers/life"))
		c := s.dial(t)
		c.send(t, "GET /upgrade HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: echo\n\n")
		if response := c.receive(t, http.MethodGet); response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(response.Status)
		}
		time.Sleep(time.Second)
		c.send(t, "still there")
		wantNext(t, c.reader, "still there")
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		wantNext(t, c.reader, "bye\n")
		c.wantClosed(t)
	})
}
