package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGTERM in the middle of transfers: they are completed, nothing new is begun, and the program ends well.
func TestDrain(t *testing.T) {
	const read, size = 100_000, 64 << 20 // more than sockets hold, so that the download waits for being read
	flooded := flood(size)
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, severalRoutes(t), "--grace", "60s")
		idle := s.dial(t)
		idle.send(t, "GET / HTTP/1.1\nHost: a\n\n")
		idle.want(t, http.StatusOK, "Hello from C!\n")
		upload := s.halfUpload(t)
		download := s.dial(t)
		download.send(t, fmt.Sprintf("GET /%d HTTP/1.1\nHost: flood\n\n", size))
		response := download.receive(t, http.MethodGet)
		wantNext(t, response.Body, flooded[:read])

		s.signal(t, syscall.SIGTERM)
		s.await(t, "the program drains", func() bool { return s.stdout.contains("Draining: ") })
		idle.wantClosed(t)
		// What waits in the operating system's queue is still accepted, and nothing after it.
		s.await(t, "new connections are refused", func() bool {
			c, err := s.connect()
			if err == nil {
				c.Close()
			}
			return err != nil
		})

		upload.finish(t)
		if s.hasEnded() {
			t.Error("the program has ended before the download")
		}
		if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != flooded[read:] {
			t.Errorf("of the download came %d bytes of %d, or others, after the signal: %v", len(rest), size-read, err)
		}
		download.wantClosed(t)
		select {
		case <-s.ended:
		case <-time.After(patience):
			t.Error("the program goes on after the last transfer")
		}
		// What its end must be like is looked at when the test ends.
	})
}

// halfUpload is an upload of which one half was sent and has come back.
type halfUpload struct {
	*socket
	response *http.Response
}

// The first half is more than what the echo collects.
var firstHalf, secondHalf = strings.Repeat("the one half, ", 5000), "the other half"

func (s *server) halfUpload(t *testing.T) halfUpload {
	t.Helper()
	c := s.dial(t)
	c.send(t, fmt.Sprintf("POST /echo HTTP/1.1\nHost: a\nContent-Length: %d\n\n%s", len(firstHalf+secondHalf), firstHalf))
	u := halfUpload{c, c.receive(t, http.MethodPost)}
	wantNext(t, u.response.Body, firstHalf)
	return u
}

// finish sends the other half. The connection ends with it.
func (u halfUpload) finish(t *testing.T) {
	t.Helper()
	u.complete(t)
	u.wantClosed(t)
}

// complete sends the other half.
func (u halfUpload) complete(t *testing.T) {
	t.Helper()
	u.send(t, secondHalf)
	if rest, err := io.ReadAll(u.response.Body); err != nil || string(rest) != secondHalf {
		t.Errorf("of the upload came back %q, %v, want %q", rest, err, secondHalf)
	}
}
