package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A thousand clients at once, each with a connection that it keeps, get what they ask for.
func TestThousandConnections(t *testing.T) {
	const count = 1000 // Go raises the limit of open files by itself, for this process as for the program
	eachCore(t, func(t *testing.T, core string) {
		// As many as that may ask at the same time; by default the queue is for fewer.
		s := startConfig(t, core, fmt.Sprintf("[limits]\nqueue = %d\n", count)+
			route(t, "examples/abi/hello-c")+route(t, "examples/abi/echo-c", `path = "/echo"`))
		connected, all := make(chan struct{}, count), make(chan struct{})
		failed := make(chan error, count)
		for i := range count {
			go func() { failed <- s.visit(i, connected, all) }()
		}
		for range count {
			select {
			case <-connected:
			case err := <-failed:
				t.Fatalf("before all were connected: %v", err)
			}
		}
		if open := s.files(); open > 0 && open < count {
			t.Errorf("the program has %d files open, want more than %d", open, count)
		}
		close(all)
		for range count {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		t.Logf("%d KiB of memory at most", s.memory(t, "VmHWM")>>10)
	})
}

// visit makes several requests on one connection: one, and when all others have made theirs too, the rest.
func (s *server) visit(number int, connected chan<- struct{}, all <-chan struct{}) error {
	c, err := s.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Hello from C!\n"); err != nil {
		return err
	}
	connected <- struct{}{}
	<-all
	for i := range 5 {
		text := strings.Repeat(fmt.Sprintf("client %d, request %d\n", number, i), 100)
		post := fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		if err := c.exchange(post, text); err != nil {
			return fmt.Errorf("client %d, request %d: %w", number, i, err)
		}
	}
	return nil
}

// exchange sends a request and compares the answer.
func (c *socket) exchange(request, want string) error {
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || string(got) != want) {
		err = fmt.Errorf("got %d %q, want 200 %q", response.StatusCode, got, want)
	}
	return err
}

// severalRoutes has echoes under /echo and /pull, a handler that takes bodies whole under every other path, and a flood
// under the host of that name.
func severalRoutes(t *testing.T) string {
	return route(t, "examples/abi/hello-c") + route(t, "examples/abi/echo-c", `path = "/echo"`) +
		route(t, "examples/abi/echo-blocking-c", `path = "/pull"`) + route(t, "handlers/flood", `host = "flood"`)
}

// Clients that leave in the middle of an upload are forgotten, and nothing is logged against the handler.
func TestAbortedUploads(t *testing.T) {
	ways := []func(c *socket) error{
		(*socket).Close,
		(*socket).CloseWrite,
		func(c *socket) error { _ = c.SetLinger(0); return c.Close() }, // a reset
	}
	few, many := strings.Repeat("x", 50_000), strings.Repeat("x", 100_000) // less and more than what the echo collects
	heads := []string{
		"Content-Length: 1000000\r\n\r\n" + few,
		"Content-Length: 1000000\r\n\r\n" + many,
		"Transfer-Encoding: chunked\r\n\r\n" + chunk(few) + "fff\r\nxyz",
		"Transfer-Encoding: chunked\r\n\r\n" + chunk(many) + "fff\r\nxyz",
	}
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, severalRoutes(t))
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		before := s.files()
		for _, leave := range ways {
			var uploads []*socket
			for _, head := range heads {
				for _, path := range []string{"/echo", "/pull", "/whole"} {
					for range 5 {
						uploads = append(uploads, s.beginUpload(t, path, head))
					}
				}
			}
			s.ask(t, "/", http.StatusOK, "Hello from C!\n")
			for _, c := range uploads {
				if err := leave(c); err != nil {
					t.Error(err)
				}
			}
			s.ask(t, "/", http.StatusOK, "Hello from C!\n")
			s.awaitFiles(t, before)
		}
		if s.stderr.contains("handler failed") {
			t.Errorf("the log blames handlers for what clients did:\n%s", s.stderr.String())
		}
	})
}

// beginUpload sends the beginning of a request.
func (s *server) beginUpload(t *testing.T, path, rest string) *socket {
	t.Helper()
	c := s.dial(t)
	if _, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, rest); err != nil {
		t.Fatal(err)
	}
	return c
}

// Clients that do not read what they asked for hold up only themselves, and take only a little memory. When they go on,
// they get the rest.
func TestClientsThatStopReading(t *testing.T) {
	const size = 64 << 20 // far more than sockets hold
	flooded := flood(size)
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, severalRoutes(t))
		var stalled []stalledUpload
		var floods []*socket
		for i := range 5 {
			flood := s.dial(t)
			flood.send(t, fmt.Sprintf("GET /%d HTTP/1.1\nHost: flood\n\n", size))
			floods = append(floods, flood)
			stalled = append(stalled, s.stall(t, []string{"/echo", "/pull"}[i%2], size))
		}
		for i := range stalled {
			stalled[i].await(t, s, size)
			s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		}
		if most := s.memory(t, "VmHWM"); most > 200<<20 {
			t.Errorf("the program took %d bytes of memory", most)
		}
		for i := range 2 {
			stalled[i].resume(t, size)
			resumeFlood(t, floods[i], flooded)
		}
	})
}

// stalledUpload is a connection on which a body is sent, and the answer not read.
type stalledUpload struct {
	*socket
	sent *atomic.Int64
	err  chan error
}

func (s *server) stall(t *testing.T, path string, size int64) stalledUpload {
	t.Helper()
	u := stalledUpload{s.dial(t), new(atomic.Int64), make(chan error, 1)}
	u.send(t, fmt.Sprintf("POST %s HTTP/1.1\nHost: a\nContent-Length: %d\n\n", path, size))
	go func() {
		_, err := io.Copy(u.TCPConn, io.TeeReader(&source{size: size}, counter{u.sent}))
		u.err <- err
	}()
	return u
}

// counter counts bytes.
type counter struct{ count *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.count.Add(int64(len(p)))
	return len(p), nil
}

// await waits until the peer has taken nothing for a while. It must not take everything.
func (u stalledUpload) await(t *testing.T, s *server, size int64) {
	t.Helper()
	last, since := int64(-1), time.Now()
	s.await(t, "an upload stalls", func() bool {
		if now := u.sent.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})
	if last >= size {
		t.Errorf("all %d bytes were taken though the answer is not read", size)
	}
}

// resume reads the answer, which lets the upload go on.
func (u stalledUpload) resume(t *testing.T, size int64) {
	t.Helper()
	var back sink
	response := u.receive(t, http.MethodPost)
	if _, err := io.Copy(&back, response.Body); err != nil {
		t.Error(err)
	}
	if err := back.is(size); err != nil {
		t.Error(err)
	}
	if err := <-u.err; err != nil {
		t.Error(err)
	}
}

func resumeFlood(t *testing.T, c *socket, want string) {
	t.Helper()
	got, err := io.ReadAll(c.receive(t, http.MethodGet).Body)
	if err != nil || string(got) != want {
		t.Errorf("%d of %d bytes came, or others: %v", len(got), len(want), err)
	}
}

// A client that does not read for too long is cut off.
func TestWriteIdle(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, "[limits]\nwrite_idle = \"300ms\"\n"+severalRoutes(t))
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		before := s.files()
		if before == 0 {
			t.Skip("the operating system does not say how many files are open")
		}
		var answers []*http.Response
		for range 5 {
			c := s.dial(t)
			c.send(t, "GET /1000000000 HTTP/1.1\nHost: flood\n\n")
			answers = append(answers, c.receive(t, http.MethodGet))
		}
		s.awaitFiles(t, before)
		for _, answer := range answers {
			if n, err := io.Copy(io.Discard, answer.Body); err == nil {
				t.Errorf("the answer is complete after %d bytes", n)
			}
		}
	})
}
