package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestIdleConnections keeps ten thousand connections open that have each been used, and counts what one costs.
func TestIdleConnections(t *testing.T) {
	const count, most = 10_000, 12 << 10 // bytes of memory for each
	t.Setenv("GOGC", "25")               // or the figure is that of what waits to be collected
	s := startConfig(t, "wasm", route(t, "examples/abi/hello-c")+route(t, "examples/abi/echo-c", `path = "/echo"`))
	if s.memory(t, "VmRSS") == 0 {
		t.Skip("the memory of a process is told by Linux alone")
	}
	s.ask(t, "/", http.StatusOK, "Hello from C!\n")
	before := s.memory(t, "VmRSS")

	sockets := make([]*socket, count)
	var failed sync.Map
	var group sync.WaitGroup
	for part := range 50 {
		group.Go(func() {
			for i := part; i < count; i += 50 {
				c, err := s.connect()
				if err == nil {
					sockets[i], err = c, c.useTwice()
				}
				if err != nil {
					failed.Store(i, err)
					return
				}
			}
		})
	}
	group.Wait()
	for _, c := range sockets {
		if c != nil {
			defer c.Close()
		}
	}
	failed.Range(func(i, err any) bool {
		t.Fatalf("connection %d: %v", i, err)
		return false
	})

	each := (s.memory(t, "VmRSS") - before) / count
	t.Logf("%d bytes for an idle connection", each)
	if each > most {
		t.Errorf("an idle connection costs %d bytes, want %d at the most", each, most)
	}
	last := sockets[count-1]
	_ = last.SetDeadline(time.Now().Add(patience))
	if err := last.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Hello from C!\n"); err != nil {
		t.Error(err)
	}
}

// useTwice makes a request, and one whose body comes later than its head.
func (c *socket) useTwice() error {
	if err := c.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Hello from C!\n"); err != nil {
		return err
	}
	body := strings.Repeat("body ", 200)
	if _, err := fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", len(body)); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	if _, err := io.WriteString(c, body); err != nil {
		return err
	}
	return c.exchange("", body)
}
