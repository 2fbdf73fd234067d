package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// workshop is a folder with files that change while they are served.
type workshop string

func newWorkshop(t *testing.T) workshop { return workshop(t.TempDir()) }

func (w workshop) path(name string) string { return filepath.Join(string(w), name) }

// put replaces a file at once, as compilers and editors do.
func (w workshop) put(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(w.path(name+".new"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.path(name+".new"), w.path(name)); err != nil {
		t.Fatal(err)
	}
}

// install replaces a handler by one that was built.
func (w workshop) install(t *testing.T, name, built string) {
	t.Helper()
	wasm, err := os.ReadFile(module(t, built))
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, name, wasm)
}

// reload asks the program to reload and waits until the log has told so often of what has become of it.
func (s *server) reload(t *testing.T, told string, times int) {
	t.Helper()
	s.signal(t, syscall.SIGHUP)
	s.awaitTold(t, told, times)
}

func (s *server) awaitTold(t *testing.T, told string, times int) {
	t.Helper()
	s.await(t, fmt.Sprintf("the log tells %d times: %s", times, told), func() bool {
		return strings.Count(s.stderr.String(), told) >= times
	})
}

const (
	reloaded = "msg=reloaded"
	refused  = "reload refused; everything goes on as before"
)

const (
	fromC    = "Hello from C!\n"
	fromRust = "Hello from Rust!\n"
)

// SIGHUP has the handler read again. An upload under way goes on with the old one, and a file that is broken or gone changes
// nothing.
func TestReloadHandler(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		w := newWorkshop(t)
		w.install(t, "handler.wasm", "examples/abi/echo-c")
		s := start(t, core, w.path("handler.wasm"))
		upload := s.halfUpload(t)
		kept := s.dial(t)
		kept.send(t, "GET / HTTP/1.1\nHost: a\n\n")
		kept.want(t, http.StatusOK, "")

		w.install(t, "handler.wasm", "examples/abi/hello-rust")
		s.reload(t, reloaded, 1)
		s.awaitLog(t, reloaded, "changed=[/]", "took=", "running_on_old=")
		s.ask(t, "/", http.StatusOK, fromRust)
		kept.send(t, "GET / HTTP/1.1\nHost: a\n\n")
		kept.want(t, http.StatusOK, fromRust)
		upload.complete(t)

		w.put(t, "handler.wasm", []byte("\x00asm, but no more"))
		s.reload(t, refused, 1)
		s.ask(t, "/", http.StatusOK, fromRust)
		if err := os.Remove(w.path("handler.wasm")); err != nil {
			t.Fatal(err)
		}
		s.reload(t, refused, 2)
		s.awaitLog(t, refused, "SIGHUP", "cannot read", "no such file or directory")
		s.ask(t, "/", http.StatusOK, fromRust)
		w.install(t, "handler.wasm", "examples/abi/hello-c")
		s.reload(t, reloaded, 2)
		s.ask(t, "/", http.StatusOK, fromC)
	})
}

// SIGHUP has the configuration read again: routes and limits hold at once, and what would need a restart is told.
func TestReloadConfig(t *testing.T) {
	config := func(more string, routes ...string) []byte { return []byte(more + strings.Join(routes, "")) }
	c, rust := route(t, "examples/abi/hello-c", `path = "/c"`), route(t, "examples/abi/hello-rust", `path = "/rust"`)
	eachCore(t, func(t *testing.T, core string) {
		w := newWorkshop(t)
		w.put(t, "sluice.toml", config("", c))
		s := start(t, core, "--config", w.path("sluice.toml"))
		s.ask(t, "/c", http.StatusOK, fromC)
		s.ask(t, "/rust", http.StatusNotFound, "404 Not Found\n")

		w.put(t, "sluice.toml", config("[server]\nmax_connections = 7\n[limits]\nhead = 999\nbuffered = 3\n", c, rust))
		s.reload(t, reloaded, 1)
		s.awaitLog(t, "some changes need a restart and were left out", `keys="[max_connections limits.head]"`)
		s.ask(t, "/rust", http.StatusOK, fromRust)
		long := s.dial(t)
		long.send(t, "POST /c HTTP/1.1\nHost: a\nContent-Length: 4\n\nfour")
		long.want(t, http.StatusRequestEntityTooLarge, "*")

		w.put(t, "sluice.toml", config("[limits]\nhead = 'much'\n", rust))
		s.reload(t, refused, 1)
		s.awaitLog(t, refused, "sluice.toml:2:8: limits.head must be")
		w.put(t, "sluice.toml", config("", rust, route(t, "examples/abi/hello-c", `path = "/c"`, `limits.fields = 2000`)))
		s.reload(t, refused, 2)
		s.awaitLog(t, refused, "sluice.toml:9:17: limit fields of route")
		s.ask(t, "/c", http.StatusOK, fromC)

		w.put(t, "sluice.toml", config("", rust))
		s.reload(t, reloaded, 2)
		s.awaitLog(t, reloaded, "removed=[/c]")
		s.ask(t, "/c", http.StatusNotFound, "404 Not Found\n")
		s.ask(t, "/rust", http.StatusOK, fromRust)
	})
}

// With --watch changes need no signal. What is broken is taken when it has been mended, also a file that was not there.
func TestWatch(t *testing.T) {
	w := newWorkshop(t)
	w.install(t, "a.wasm", "examples/abi/hello-c")
	w.put(t, "sluice.toml", []byte("[[route]]\nhandler = 'a.wasm'\n"))
	s := start(t, "native", "--config", w.path("sluice.toml"), "--watch")
	s.ask(t, "/", http.StatusOK, fromC)

	w.install(t, "a.wasm", "examples/abi/hello-rust")
	s.awaitTold(t, reloaded, 1)
	s.ask(t, "/", http.StatusOK, fromRust)

	w.put(t, "sluice.toml", []byte("[[route]]\nhandler = 'a.wasm'\n[[route]]\npath = '/b'\nhandler = 'b.wasm'\n"))
	s.awaitLog(t, refused, "a file changed", "sluice.toml:5:11: cannot read", "b.wasm")
	s.ask(t, "/b", http.StatusOK, fromRust)
	w.install(t, "b.wasm", "examples/abi/hello-c")
	s.awaitTold(t, reloaded, 2)
	s.ask(t, "/b", http.StatusOK, fromC)
}

// Clients of all kinds ask while the handler is replaced again and again, and each gets a whole answer of one version.
func TestReloadUnderLoad(t *testing.T) {
	const swaps = 20
	w := newWorkshop(t)
	versions := []string{"examples/abi/hello-c", "examples/abi/hello-rust"}
	w.install(t, "handler.wasm", versions[0])
	s := start(t, "wasm", w.path("handler.wasm"))
	stop := make(chan struct{})
	var visitors sync.WaitGroup
	for range 4 {
		visitors.Go(func() {
			c, err := s.connect()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := c.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", fromC); err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q", fromRust)) {
					t.Error(err)
					return
				}
			}
		})
	}
	files := s.files()
	for i := range swaps {
		w.install(t, "handler.wasm", versions[(i+1)%2])
		s.reload(t, reloaded, i+1)
	}
	close(stop)
	visitors.Wait()
	s.awaitFiles(t, files)
	s.ask(t, "/", http.StatusOK, fromC)
}
