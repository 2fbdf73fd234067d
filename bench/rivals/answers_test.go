package rivals

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// TestAnswers starts every server and has Go's HTTP client look at each of its answers byte for byte. A server that cannot be
// had is skipped with the reason, or is an error where SLUICE_REQUIRE_RIVALS is 1.
func TestAnswers(t *testing.T) {
	site := Site{Root: repository(t), Program: filepath.Join(t.TempDir(), "server"), Cache: t.TempDir()}
	site.Build = filepath.Join(site.Root, "build")
	buildGo(t, ".", site.Program, "../server")
	buildGo(t, site.Root, filepath.Join(filepath.Dir(site.Program), "sluice"), "./host")
	for i := range Table {
		s, site := &Table[i], site
		t.Run(s.Name, func(t *testing.T) {
			site.Scratch = t.TempDir()
			address := startServer(t, s, &site)
			hosts.Store(address, s.Host)
			for _, e := range workloads.Endpoints {
				if s.Answers(e) {
					t.Run(string(e[1:]), func(t *testing.T) { checks[e](t, "http://"+address+string(e)) })
				}
			}
		})
	}
}

// hosts are the names that requests have to use, by addresses of servers; empty: any.
var hosts sync.Map

func buildGo(t *testing.T, dir, program, pkg string) {
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
}

func repository(t *testing.T) string {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func startServer(t *testing.T, s *Server, site *Site) (address string) {
	version, err := s.Version(t.Context(), site)
	if reason, missing := IsMissing(err); missing && os.Getenv("SLUICE_REQUIRE_RIVALS") != "1" {
		t.Skip(reason)
	}
	if err != nil {
		t.Fatal(err)
	}
	if version == "" {
		t.Error("it does not tell its version")
	}
	t.Log("version", version)
	process, err := s.Start(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.End)
	return process.Address
}

// checks says what is asked of each endpoint and what is right.
var checks = map[workloads.Endpoint]func(t *testing.T, url string){
	workloads.Hello: func(t *testing.T, url string) {
		wantBody(t, get(t, url), "text/plain; charset=utf-8", []byte("Hello, world!\n"))
	},
	workloads.JSON: checkJSON,
	workloads.Get64K: func(t *testing.T, url string) {
		wantBody(t, get(t, url), "application/octet-stream", content(64<<10))
	},
	workloads.Get100M: func(t *testing.T, url string) {
		wantBody(t, get(t, url), "application/octet-stream", content(100<<20))
	},
	workloads.Echo:    checkEcho,
	workloads.Compute: checkCompute,
}

func checkJSON(t *testing.T, url string) {
	for name, order := range map[string][]byte{"order.json": workloads.Order, "random": randomOrder(t)} {
		var o struct {
			ID    int
			Items []struct{ Quantity, Cents int }
		}
		if err := json.Unmarshal(order, &o); err != nil {
			t.Fatal(err)
		}
		quantity, cents := 0, 0
		for _, item := range o.Items {
			quantity += item.Quantity
			cents += item.Quantity * item.Cents
		}
		want := fmt.Appendf(nil, `{"id":%d,"items":%d,"quantity":%d,"cents":%d}`, o.ID, len(o.Items), quantity, cents)
		t.Run(name, func(t *testing.T) {
			wantBody(t, post(t, url, "application/json", bytes.NewReader(order)), "application/json", want)
		})
	}
	broken := post(t, url, "application/json", bytes.NewReader(workloads.Order[:len(workloads.Order)-1]))
	if broken.StatusCode < 400 {
		t.Errorf("JSON that is cut off was answered with status %d", broken.StatusCode)
	}
}

// randomOrder shows that orders are read, and no answer is known beforehand. It does not come in one read of a socket.
func randomOrder(t *testing.T) []byte {
	type item struct {
		SKU      string `json:"sku"`
		Name     string `json:"name"`
		Quantity int    `json:"quantity"`
		Cents    int    `json:"cents"`
	}
	items := make([]item, 5000)
	for i := range items {
		items[i] = item{fmt.Sprint("SKU-", i), "\"quantity\":1,\\", rand.IntN(100), rand.IntN(100_000)}
	}
	order, err := json.Marshal(map[string]any{"items": items, "cents": 1, "id": rand.IntN(1_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	return order
}

func checkEcho(t *testing.T, url string) {
	const octets = "application/octet-stream"
	body := content(5<<20 + 7)
	t.Run("length", func(t *testing.T) { wantBody(t, post(t, url, octets, bytes.NewReader(body)), octets, body) })
	t.Run("chunked", func(t *testing.T) {
		// A reader of a type that is unknown to the client has no length.
		wantBody(t, post(t, url, octets, io.MultiReader(bytes.NewReader(body))), octets, body)
	})
	t.Run("empty", func(t *testing.T) { wantBody(t, post(t, url, octets, http.NoBody), octets, nil) })
	t.Run("as it comes", func(t *testing.T) { checkStreaming(t, url, body[:64<<10]) })
}

// checkStreaming sends a second piece when it has got the first one back.
func checkStreaming(t *testing.T, url string, piece []byte) {
	reader, writer := io.Pipe()
	// The client's own limit waits for the body's next piece.
	late := time.AfterFunc(10*time.Second, func() { writer.CloseWithError(errors.New("the first piece did not come back")) })
	defer late.Stop()
	go func() { _, _ = writer.Write(piece) }()
	response := post(t, url, "application/octet-stream", reader)
	for range 2 {
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(response.Body, got); err != nil {
			t.Fatal(err)
		}
		wantSame(t, got, piece)
		go func() { _, _ = writer.Write(piece) }()
	}
	writer.CloseWithError(errors.New("the client has seen enough"))
}

func checkCompute(t *testing.T, url string) {
	sum := sha256.Sum256(content(1 << 20))
	wantBody(t, get(t, url), "application/json", []byte(`{"sha256":"`+hex.EncodeToString(sum[:])+`","sum":4950}`))
}

// content is so many bytes of the alphabet, again and again.
func content(length int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}

// client waits for anything only so long.
var client = http.Client{Timeout: time.Minute, Transport: &http.Transport{ResponseHeaderTimeout: 20 * time.Second}}

func get(t *testing.T, url string) *http.Response { return ask(t, http.MethodGet, url, "", nil) }

func post(t *testing.T, url, contentType string, body io.Reader) *http.Response {
	return ask(t, http.MethodPost, url, contentType, body)
}

func ask(t *testing.T, method, url, contentType string, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if host, ok := hosts.Load(request.URL.Host); ok {
		request.Host = host.(string)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// wantBody wants a good answer with a body that is told to be as long as it is, unless the request's length was unknown.
func wantBody(t *testing.T, response *http.Response, contentType string, want []byte) {
	t.Helper()
	if response.StatusCode != 200 {
		t.Errorf("status %d", response.StatusCode)
	}
	if got := response.Header.Get("Content-Type"); !strings.EqualFold(got, contentType) {
		t.Errorf("Content-Type %q, want %q", got, contentType)
	}
	sent := response.Request
	unknown := sent.Body != nil && sent.Body != http.NoBody && sent.ContentLength == 0
	if response.ContentLength != int64(len(want)) && !unknown {
		t.Errorf("Content-Length %d, want %d", response.ContentLength, len(want))
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, body, want)
}

func wantSame(t *testing.T, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d bytes, want %d: %.100q", len(got), len(want), got)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("byte %d is %q, want %q", i, got[i:min(i+40, len(got))], want[i:min(i+40, len(want))])
		}
	}
}
