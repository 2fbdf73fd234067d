package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// client is a program or library that speaks HTTP.
type client struct {
	name string
	// do makes requests one after the other. It ends a test where the client is missing.
	do func(t *testing.T, requests ...request) []answer
}

var (
	goClient   = client{"go", doGo}
	curlClient = client{"curl", doCurl}
	nodeClient = client{"node", doNode}
)

var clients = []client{goClient, curlClient, nodeClient}

// request is what a client is to send.
type request struct {
	Method  string  `json:"method"`
	URL     string  `json:"url"`
	Framing framing `json:"framing"`
	// Size is the size of the body that the client makes up. It compares it with the answer's body.
	Size int64 `json:"size"`
}

func (r request) String() string {
	return fmt.Sprintf("%s %s, body %s %d", r.Method, r.URL, r.Framing, r.Size)
}

// framing says how a client tells where a body ends.
type framing string

const (
	none    framing = "none" // there is no body
	length  framing = "length"
	chunked framing = "chunked"
)

// bodyType is the media type of the bodies that clients send.
const bodyType = "application/x-test"

// answer is what a client has heard.
type answer struct {
	status int
	fields http.Header
	// text is the body, when the request had none.
	text string
	// echoed is how much of the request's body came back.
	echoed int64
}

func get(url string) request { return request{http.MethodGet, url, none, 0} }

func doGo(t *testing.T, requests ...request) (answers []answer) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, request := range requests {
		got, err := request.do(t.Context(), &http.Client{Transport: transport})
		if err != nil {
			t.Fatalf("%v: %v", request, err)
		}
		answers = append(answers, got)
	}
	return answers
}

// do makes the request with Go's client.
func (r request) do(ctx context.Context, client *http.Client) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, nil)
	if err != nil {
		return answer{}, err
	}
	switch {
	case r.Framing == chunked:
		request.Body, request.ContentLength = io.NopCloser(&source{size: r.Size}), -1
	case r.Size > 0:
		request.Body, request.ContentLength = io.NopCloser(&source{size: r.Size}), r.Size
	}
	if r.Framing != none {
		request.Header.Set("Content-Type", bodyType)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	got := answerOf(response)
	return got, got.take(r, func(content io.Writer) error {
		_, err := io.Copy(content, response.Body)
		return err
	})
}

func answerOf(response *http.Response) answer {
	if len(response.TransferEncoding) > 0 {
		response.Header["Transfer-Encoding"] = response.TransferEncoding // where the library has taken it from
	}
	return answer{status: response.StatusCode, fields: response.Header}
}

// take has the answer's body written to where it is compared or kept.
func (a *answer) take(r request, write func(content io.Writer) error) error {
	if r.Framing == none {
		var text strings.Builder
		err := write(&text)
		a.text = text.String()
		return err
	}
	var back sink
	if err := write(&back); err != nil {
		return err
	}
	a.echoed = back.at
	return back.err
}

func doCurl(t *testing.T, requests ...request) (answers []answer) {
	t.Helper()
	for _, request := range requests {
		var got answer
		err := got.take(request, func(content io.Writer) error {
			heads := curl(t, &source{size: request.Size}, content, request.curlArgs()...)
			got.status, got.fields = heads[len(heads)-1].status, heads[len(heads)-1].fields
			return nil
		})
		if err != nil {
			t.Fatalf("%v: %v", request, err)
		}
		answers = append(answers, got)
	}
	return answers
}

func (r request) curlArgs() []string {
	// Whether to wait for 100 (Continue) is the matter of TestExpectContinue.
	args := []string{"-X", r.Method, "-H", "Content-Type: " + bodyType, "-H", "Expect:", r.URL}
	switch r.Framing {
	case length:
		return append(args, "--data-binary", "@-")
	case chunked:
		return append(args, "-T", "-")
	}
	return []string{r.URL}
}

// curl runs curl and gives the heads of all answers, interim ones too.
func curl(t *testing.T, stdin io.Reader, stdout io.Writer, args ...string) []answer {
	t.Helper()
	needCurl(t)
	heads := filepath.Join(t.TempDir(), "heads")
	args = append([]string{"-q", "-sS", "--noproxy", "*", "--dump-header", heads}, args...)
	command(t, stdin, stdout, "curl", args...)
	text, err := os.ReadFile(heads)
	if err != nil {
		t.Fatal(err)
	}
	return parseHeads(t, text)
}

func parseHeads(t *testing.T, text []byte) (heads []answer) {
	t.Helper()
	// An answer to HEAD is a head alone.
	request := &http.Request{Method: http.MethodHead}
	for reader := bufio.NewReader(bytes.NewReader(text)); ; {
		if _, err := reader.Peek(1); err != nil {
			return heads
		}
		response, err := http.ReadResponse(reader, request)
		if err != nil {
			t.Fatalf("the heads %q: %v", text, err)
		}
		response.Body.Close()
		heads = append(heads, answerOf(response))
	}
}

func doNode(t *testing.T, requests ...request) (answers []answer) {
	t.Helper()
	needNode(t)
	const script = "fetch.mjs"
	if _, err := os.Stat(script); err != nil { // also has `go test` run the tests again when it changes
		t.Fatal(err)
	}
	wanted, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	command(t, nil, &stdout, "node", script, string(wanted))
	var heard []struct {
		Status int
		Fields [][2]string
		Text   string
		Echoed int64
	}
	if err := json.Unmarshal(stdout.Bytes(), &heard); err != nil {
		t.Fatalf("%s wrote %q: %v", script, stdout.String(), err)
	}
	for _, got := range heard {
		fields := http.Header{}
		for _, field := range got.Fields {
			fields.Add(field[0], field[1])
		}
		answers = append(answers, answer{got.Status, fields, got.Text, got.Echoed})
	}
	return answers
}

// command runs a client's program to its end.
func command(t *testing.T, stdin io.Reader, stdout io.Writer, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
}
