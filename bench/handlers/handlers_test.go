package handlers_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/bench/handlers"
	"github.com/sluicehttp/sluice/engine"
)

const patience = 30 * time.Second

// answer is what an endpoint is to give, byte for byte.
type answer struct {
	contentType string
	body        []byte
	// chunked says that the length may be missing.
	chunked bool
}

// endpoints are all there are, by name.
var endpoints = map[string]func(t *testing.T, base string){
	"hello":   func(t *testing.T, base string) { get(t, base+"/hello", answer{text, []byte("Hello, world!\n"), false}) },
	"64k":     func(t *testing.T, base string) { get(t, base+"/64k", answer{octets, content(64 << 10), false}) },
	"100m":    func(t *testing.T, base string) { get(t, base+"/100m", answer{octets, content(100 << 20), false}) },
	"json":    testJSON,
	"echo":    testEcho,
	"compute": testCompute,
}

const (
	text   = "text/plain; charset=utf-8"
	octets = "application/octet-stream"
	script = "application/json"
)

// Every handler answers as the benchmarks want it, whoever shares its instances.
func TestAnswers(t *testing.T) {
	hello, all := []string{"hello"}, []string{"hello", "64k", "100m", "json", "echo", "compute"}
	// oneAtATime are handlers whose instances cannot serve several sessions: one keeps a number, the other may wait.
	oneAtATime := map[string]bool{"download-c": true, "hello-go": true}
	cache := t.TempDir()
	for name, served := range map[string][]string{
		"serve": all, "serve-js": all, "hello-c": hello, "hello-rust": hello, "hello-go": hello, "hello-js": hello, "tenant-c": hello,
		"download-c": {"64k", "100m"}, "echo-c": {"echo"},
	} {
		for _, isolation := range []engine.Isolation{engine.IsolateRequests, engine.IsolateConnections, engine.ShareInstance} {
			if isolation == engine.ShareInstance && oneAtATime[name] {
				continue
			}
			t.Run(name+"/"+string(isolation), func(t *testing.T) {
				route := engine.Route{Handler: engine.Module{Name: name, Wasm: built(t, name)}, Isolation: isolation}
				base := start(t, engine.Config{
					Routes: []engine.Route{route}, CacheDir: cache, Limits: engine.Limits{CPU: 2 * time.Second},
				})
				for _, endpoint := range served {
					for range 2 {
						endpoints[endpoint](t, base)
					}
				}
			})
		}
	}
}

// The order is parsed, and not only looked at: one that is cut short is none.
func testJSON(t *testing.T, base string) {
	for _, items := range []int{0, 1, 7} {
		order, want := orderOf(items)
		post(t, base+"/json", order, 200, answer{script, []byte(want), false})
	}
	order, _ := orderOf(3)
	response := do(t, http.MethodPost, base+"/json", bytes.NewReader(order[:len(order)-1]))
	defer response.Body.Close()
	if response.StatusCode < 400 {
		t.Errorf("an order that is cut short: %s", response.Status)
	}
}

// orderOf makes an order of about a kilobyte, and what is to be answered.
func orderOf(items int) (order []byte, want string) {
	type item struct {
		SKU, Name       string
		Quantity, Cents int
	}
	list, quantity, cents := []item{}, 0, 0
	for i := range items {
		next := item{fmt.Sprintf("SKU-%04d", i), "Lamp, “brass” \\ 2", i + 1, 1000 * i}
		list, quantity, cents = append(list, next), quantity+next.Quantity, cents+next.Quantity*next.Cents
	}
	order, _ = json.Marshal(map[string]any{"id": 4711, "items": list, "customer": map[string]any{"name": strings.Repeat("x", 500)}})
	for _, name := range []string{"SKU", "Name", "Quantity", "Cents"} {
		order = bytes.ReplaceAll(order, []byte(`"`+name+`"`), []byte(`"`+strings.ToLower(name)+`"`))
	}
	return order, fmt.Sprintf(`{"id":4711,"items":%d,"quantity":%d,"cents":%d}`, items, quantity, cents)
}

func testEcho(t *testing.T, base string) {
	for _, size := range []int{0, 1, 64 << 10, 5<<20 + 1} {
		post(t, base+"/echo", content(size), 200, answer{octets, content(size), true})
	}
	// What comes back before all was sent: nothing is collected.
	reader, writer := io.Pipe()
	go func() { _, _ = writer.Write([]byte("first")) }()
	response := do(t, http.MethodPost, base+"/echo", reader)
	defer response.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("of a body that goes on came back %q, %v", first, err)
	}
	writer.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) != 0 {
		t.Errorf("behind its end came %q, %v", rest, err)
	}
}

func testCompute(t *testing.T, base string) {
	body := fmt.Sprintf(`{"sha256":"%x","sum":4950}`, sha256.Sum256(content(1<<20)))
	get(t, base+"/compute", answer{script, []byte(body), false})
}

func get(t *testing.T, url string, want answer) {
	t.Helper()
	expect(t, do(t, http.MethodGet, url, nil), 200, want)
}

func post(t *testing.T, url string, body []byte, status int, want answer) {
	t.Helper()
	expect(t, do(t, http.MethodPost, url, bytes.NewReader(body)), status, want)
}

func do(t *testing.T, method, url string, body io.Reader) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func expect(t *testing.T, response *http.Response, status int, want answer) {
	t.Helper()
	defer response.Body.Close()
	url := response.Request.URL
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	if response.StatusCode != status || response.Header.Get("Content-Type") != want.contentType || response.Header.Get("Date") == "" {
		t.Errorf("%s: %s with %v, want %d and %s", url, response.Status, response.Header, status, want.contentType)
	}
	if length := response.ContentLength; length != int64(len(want.body)) && (!want.chunked || length != -1) {
		t.Errorf("%s: Content-Length %d, want %d", url, length, len(want.body))
	}
	if !bytes.Equal(body, want.body) {
		t.Errorf("%s: %d bytes %.80q, want %d bytes %.80q", url, len(body), body, len(want.body), want.body)
	}
}

// content is what bodies are made of.
func content(size int) []byte {
	bytes := make([]byte, size)
	for i := range bytes {
		bytes[i] = 'a' + byte(i%26)
	}
	return bytes
}

// A handler that computes for ever is ended, and its connection told.
func TestSpin(t *testing.T) {
	base := start(t, engine.Config{Routes: []engine.Route{{Handler: engine.Module{Name: "spin-c", Wasm: built(t, "spin-c")}}}})
	response := do(t, http.MethodGet, base+"/", nil)
	defer response.Body.Close()
	if response.StatusCode != 503 {
		t.Errorf("%s, want 503", response.Status)
	}
}

// Modules of tenants differ in what they are to differ in, and in nothing else.
func TestTenant(t *testing.T) {
	const count = 3
	cache := t.TempDir()
	for _, name := range []string{"serve", "tenant-c"} {
		for _, test := range []struct {
			difference handlers.Difference
			data, code func(number int) string
		}{
			{handlers.InNothing, func(int) string { return "tenant 00000000" }, func(int) string { return "1592622666" }},
			{handlers.InData, numbered, func(int) string { return "1592622666" }},
			{handlers.InCode, numbered, func(number int) string { return strconv.Itoa(1<<30 + number) }},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, test.difference), func(t *testing.T) {
				var routes []engine.Route
				for number := 1; number <= count; number++ {
					wasm, err := handlers.Tenant(built(t, name), number, test.difference)
					if err != nil {
						t.Fatal(err)
					}
					routes = append(routes, engine.Route{Host: fmt.Sprintf("t%d.localhost", number), Handler: engine.Module{Name: name, Wasm: wasm}})
				}
				base := start(t, engine.Config{Routes: routes, CacheDir: cache})
				for number := 1; number <= count; number++ {
					want := fmt.Sprintf(`{"data":"%s","code":%s}`, test.data(number), test.code(number))
					if got := ask(t, base, fmt.Sprintf("t%d.localhost", number), "/tenant"); got != want {
						t.Errorf("tenant %d: %s, want %s", number, got, want)
					}
				}
			})
		}
	}
}

func numbered(number int) string { return fmt.Sprintf("tenant %08d", number) }

func TestTenantErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		number int
		want   string
	}{
		{"tenant-c", -1, "tenant -1; it can be 0 to 16777215"},
		{"tenant-c", handlers.MaxTenants, "tenant 16777216; it can be 0 to 16777215"},
		{"hello-c", 1, "the module holds the mark"},
	} {
		if _, err := handlers.Tenant(built(t, test.name), test.number, handlers.InCode); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as tenant %d: %v, want %q", test.name, test.number, err, test.want)
		}
	}
}

func ask(t *testing.T, base, host, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%s: %s %v", host, response.Status, err)
	}
	return string(body)
}

// start runs an engine, and gives the URL that it answers at.
func start(t *testing.T, config engine.Config) string {
	t.Helper()
	e, err := engine.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.Serve(listener) }()
	t.Cleanup(func() {
		if err := e.Close(t.Context()); err != nil && !errors.Is(err, t.Context().Err()) {
			t.Error(err)
		}
		<-served
	})
	return "http://" + listener.Addr().String()
}

// built reads a handler that build.sh has built.
func built(t *testing.T, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("../../build/bench", name+".wasm"))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		t.Skipf("%v: bench/handlers/build.sh makes it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}
