package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// tenant is a tenant of a configuration file with one route; more are other lines of the route.
func tenant(name, handler string, hosts []string, more ...string) string {
	return fmt.Sprintf("\n[[tenant]]\nname = %q\nhosts = ['%s']\n[[tenant.route]]\nhandler = %q\n%s\n",
		name, strings.Join(hosts, "', '"), handler, strings.Join(more, "\n"))
}

// askHost asks for a host on a connection of its own.
func (s *server) askHost(t *testing.T, host string, status int, content string) *http.Response {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	c.send(t, fmt.Sprintf("GET / HTTP/1.1\nHost: %s\nConnection: close\n\n", host))
	return c.want(t, status, content)
}

// Tenants answer for their hosts. A handler that cannot be loaded is its tenant's trouble alone, is told once, and is taken
// when it has been mended.
func TestTenants(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		w := newWorkshop(t)
		w.put(t, "broken.wasm", []byte("no module"))
		w.put(t, "sluice.toml", []byte("[server]\ntenant_idle = '200ms'\n"+route(t, "handlers/flood")+
			tenant("c", module(t, "examples/abi/hello-c"), []string{"c.example", "*.c.example"})+
			tenant("rust", module(t, "examples/abi/hello-rust"), []string{"Rust.example", "x.c.example"})+
			tenant("broken", w.path("broken.wasm"), []string{"broken.example"})))
		s := start(t, core, "--config", w.path("sluice.toml"), "--verbose")
		for range 2 {
			s.askHost(t, "c.example", http.StatusOK, fromC)
			s.askHost(t, "www.C.example:8080", http.StatusOK, fromC)
			s.askHost(t, "rust.example", http.StatusOK, fromRust)
			s.askHost(t, "x.c.example", http.StatusOK, fromRust)
			response := s.askHost(t, "broken.example", http.StatusServiceUnavailable, "503 Service Unavailable\n")
			if after := response.Header.Get("Retry-After"); after != "1" && after != "2" {
				t.Errorf("Retry-After is %q", after)
			}
		}
		if told := strings.Count(s.stderr.String(), "handler cannot be loaded"); told != 1 {
			t.Errorf("the log tells %d times of a handler that cannot be loaded, want once", told)
		}
		s.awaitLog(t, "handler unloaded", "route=c:/")
		s.askHost(t, "c.example", http.StatusOK, fromC)
		w.install(t, "broken.wasm", "examples/abi/hello-c")
		s.await(t, "the mended handler is tried again", func() bool {
			c := s.dial(t)
			defer c.Close()
			c.send(t, "GET / HTTP/1.1\nHost: broken.example\nConnection: close\n\n")
			return c.receive(t, http.MethodGet).StatusCode == http.StatusOK
		})
	})
}

// A reload takes handlers of tenants that are at work along, and refuses those that are broken.
func TestReloadTenants(t *testing.T) {
	w := newWorkshop(t)
	w.install(t, "a.wasm", "examples/abi/hello-c")
	w.install(t, "b.wasm", "examples/abi/hello-c")
	w.put(t, "sluice.toml", []byte(tenant("a", "a.wasm", []string{"a.example"})+tenant("b", "b.wasm", []string{"b.example"})))
	s := start(t, "native", "--config", w.path("sluice.toml"))
	s.askHost(t, "a.example", http.StatusOK, fromC)
	s.askHost(t, "other.example", http.StatusNotFound, "404 Not Found\n")

	w.install(t, "a.wasm", "examples/abi/hello-rust")
	w.install(t, "b.wasm", "examples/abi/hello-rust")
	s.reload(t, reloaded, 1)
	s.awaitLog(t, reloaded, "changed=[a:/]")
	s.askHost(t, "a.example", http.StatusOK, fromRust)
	s.askHost(t, "b.example", http.StatusOK, fromRust)

	w.put(t, "a.wasm", []byte("no module"))
	w.install(t, "b.wasm", "examples/abi/hello-c")
	s.reload(t, refused, 1)
	s.awaitLog(t, refused, "handler ", "a.wasm: ")
	s.askHost(t, "a.example", http.StatusOK, fromRust)
	s.askHost(t, "b.example", http.StatusOK, fromRust)
}

// Ten thousand tenants in a file take a moment to start.
func TestThousandsOfTenants(t *testing.T) {
	const count = 10_000
	var config strings.Builder
	handler := module(t, "examples/abi/hello-c")
	for i := range count {
		config.WriteString(tenant(fmt.Sprintf("t-%d", i), handler, []string{fmt.Sprintf("t-%d.example", i)}))
	}
	s := startConfig(t, "native", config.String())
	before := s.memory(t, "VmRSS")
	for _, i := range []int{0, count / 2, count - 1} {
		s.askHost(t, fmt.Sprintf("t-%d.example", i), http.StatusOK, fromC)
	}
	s.askHost(t, fmt.Sprintf("t-%d.example", count), http.StatusNotFound, "404 Not Found\n")
	if before > 300<<20 {
		t.Errorf("%d tenants take %d bytes", count, before)
	}
	t.Logf("%d KiB of memory with %d tenants", before>>10, count)
}
