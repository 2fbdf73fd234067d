package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/sluicehttp/sluice/engine"
)

// ask makes a request and says what came: the status, and the version or the text in the body.
func ask(t testing.TB, addr, host, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %.8s", response.StatusCode, content)
}

func check(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// logged is a log without times that can be looked at meanwhile.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) contains(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestReload(t *testing.T) {
	var log logged
	config := Config{Log: log.logger(), Routes: []Route{
		{Name: "a", Path: "/a", Handler: plain(1)},
		{Name: "b", Path: "/b", Handler: plain(2)},
		{Name: "c", Path: "/c", Handler: plain(3)},
	}}
	e, addr := start(t, config)
	check(t, ask(t, addr, "a", "/a", "1234"), "200 00000001")
	config.Routes = []Route{
		{Name: "a", Path: "/a", Handler: plain(1), Limits: Limits{Buffered: 3}},
		{Name: "b", Path: "/x", Handler: plain(2)},
		{Name: "d", Path: "/d", Handler: plain(4)},
	}
	if err := e.Reload(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	check(t, ask(t, addr, "a", "/a", "1234"), "413 413 Cont")
	check(t, ask(t, addr, "a", "/a", "123"), "200 00000001")
	check(t, ask(t, addr, "a", "/b", ""), "404 404 Not ")
	check(t, ask(t, addr, "a", "/x", ""), "200 00000002")
	check(t, ask(t, addr, "a", "/c", ""), "404 404 Not ")
	check(t, ask(t, addr, "a", "/d", ""), "200 00000004")
	if !log.contains("changed=[d] removed=[c]") {
		t.Errorf("the log does not tell of it:\n%s", &log.text)
	}
	if stats := e.Stats(); stats.Reloaded != 1 || stats.Refused != 0 {
		t.Errorf("%+v", stats)
	}
}

// A configuration that cannot be leaves everything as it was.
func TestReloadRefused(t *testing.T) {
	e, addr := start(t, Config{Routes: []Route{{Name: "a", Handler: plain(1)}}})
	for i, test := range []struct {
		routes []Route
		want   string
	}{
		{nil, "no routes; give at least one, with a handler"},
		{[]Route{{Handler: plain(2)}, {Path: "/b", Handler: Module{Name: "b.wasm"}}},
			"handler b.wasm: the file is empty"},
		{[]Route{{Handler: plain(2), Limits: Limits{Head: 1 << 20}}}, `limit head of route "/" is 1048576; it can be 1 to 61440`},
	} {
		err := e.Reload(t.Context(), Config{Routes: test.routes})
		if err == nil || err.Error() != test.want {
			t.Errorf("\n got %v\nwant %s", err, test.want)
		}
		check(t, ask(t, addr, "a", "/b", ""), "200 00000001")
		if stats := e.Stats(); stats.Refused != uint64(i+1) || stats.Reloaded != 0 || stats.Modules != 1 {
			t.Errorf("%+v", stats)
		}
	}
}

// What needs a restart is told and left, what does not holds at once.
func TestReloadLeavesOut(t *testing.T) {
	route := Route{Name: "a", Handler: plain(1)}
	for _, test := range []struct {
		name   string
		config Config
		want   string // the keys that are told
	}{
		{"nothing", Config{Core: CoreNative}, ""},
		{"server", Config{Core: CoreWasm, CoreInstances: 9, CacheDir: "/nowhere", MaxConnections: 77},
			"[core core_instances cache_dir max_connections]"},
		{"limits of the core", Config{Core: CoreNative, Limits: Limits{StartLine: 100, Head: 200, Fields: 3, ChunkLine: 50,
			Trailers: 60, TrailerFields: 7, HeadTime: time.Minute}},
			"[limits.start_line limits.head limits.fields limits.chunk_line limits.trailers limits.trailer_fields limits.head_time]"},
		{"limits of routes", Config{Core: CoreNative, Routes: []Route{{Limits: Limits{ChunkLine: 100}}}},
			"[route.limits.chunk_line route.limits.trailers route.limits.trailer_fields]"},
		{"other limits", Config{Core: CoreNative, Limits: Limits{Buffered: 3, HandlerWall: time.Second, BodyIdle: time.Second,
			WriteIdle: time.Second, KeepAliveIdle: time.Second}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log logged
			e, addr := start(t, Config{Log: log.logger(), Routes: []Route{route}})
			config := test.config
			if config.Routes == nil {
				config.Routes = []Route{{}}
			}
			config.Routes[0].Name, config.Routes[0].Handler = "a", plain(2)
			if err := e.Reload(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			want := "200 00000002"
			if test.config.Limits.Buffered > 0 {
				want = "413 413 Cont"
			}
			check(t, ask(t, addr, "a", "/", "a body of more than three bytes"), want)
			if told := fmt.Sprintf("left out\" keys=%q", test.want); (test.want != "") != log.contains("left out") ||
				test.want != "" && !log.contains(told) && !log.contains(strings.ReplaceAll(told, `"[`, "[")) {
				t.Errorf("the log does not tell of %s:\n%s", test.want, &log.text)
			}
		})
	}
}

func TestNamesOfRoutes(t *testing.T) {
	for _, test := range []struct {
		routes []Route
		want   string
	}{
		{[]Route{{Path: "/b"}, {Name: "x"}, {Name: "x", Path: "/a"}}, `route 3: route 2 has the name "x" already; give each its own`},
		{[]Route{{Path: "/b"}, {Name: "/b"}}, `route 2: route 1 has the name "/b" already; give each its own`},
	} {
		if _, err := New(t.Context(), Config{Routes: test.routes}); err == nil || err.Error() != test.want {
			t.Errorf("\n got %v\nwant %s", err, test.want)
		}
	}
}

// Closing in the middle of changes is safe, and changes afterwards are refused.
func TestCloseDuringChanges(t *testing.T) {
	config := Config{Core: CoreNative, Log: quiet, Routes: []Route{{Name: "a", Handler: plain(0)}}}
	for range 10 {
		e, err := New(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		var changes sync.WaitGroup
		begun := make(chan struct{}, 2)
		change := func(do func(version int) error) {
			changes.Go(func() {
				for version := 1; ; version++ {
					err := do(version)
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
						return
					}
					if version == 3 {
						begun <- struct{}{}
					}
				}
			})
		}
		change(func(version int) error { return e.Replace(context.Background(), "a", plain(version)) })
		change(func(version int) error {
			return e.Reload(context.Background(), Config{Core: CoreNative, Routes: []Route{{Name: "a", Handler: streaming(version)}}})
		})
		<-begun
		<-begun
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
		changes.Wait()
		if stats := e.Stats(); stats.Modules != 0 || stats.Instances != 0 {
			t.Errorf("%d modules and %d instances are left", stats.Modules, stats.Instances)
		}
	}
}

// BenchmarkReplace loads a small handler and puts it in the place of another.
func BenchmarkReplace(b *testing.B) {
	e, _ := start(b, Config{Routes: []Route{{Name: "a", Handler: plain(0)}}})
	var modules []Module
	for version := range 64 {
		modules = append(modules, plain(version))
	}
	for i := 0; b.Loop(); i++ {
		if err := e.Replace(b.Context(), "a", modules[i%len(modules)]); err != nil {
			b.Fatal(err)
		}
	}
}
