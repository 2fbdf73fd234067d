package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// post asks for a path with a body and gives the answer's.
func (c *socket) post(t *testing.T, path, body string) string {
	t.Helper()
	_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	_ = c.SetDeadline(time.Now().Add(patience))
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", path, answer.StatusCode, err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// What one request has told a handler cannot be found by the next, wherever the handler keeps it.
func TestIsolation(t *testing.T) {
	const secret, disguised = "the first one's secret", "uid!ghsru!nod&r!rdbsdu" // each byte xor 1
	for _, test := range []struct {
		isolation string
		// What is found by the next request of the connection, and of another, and how many requests the instance has had.
		same, other bool
		served      string
	}{
		{"request", false, false, "1"},
		{"connection", true, false, "3"},
		{"shared", true, true, "4"},
	} {
		t.Run(test.isolation, func(t *testing.T) {
			s := startConfig(t, "wasm", route(t, "handlers/isolation", fmt.Sprintf("isolation = %q", test.isolation)))
			first, second := s.dial(t), s.dial(t)
			first.post(t, "/remember", secret)
			if found := first.post(t, "/recall", disguised) != "0"; found != test.same {
				t.Errorf("the same connection finds it: %v", found)
			}
			if found := second.post(t, "/recall", disguised) != "0"; found != test.other {
				t.Errorf("another connection finds it: %v", found)
			}
			if served := first.post(t, "/", ""); served != test.served {
				t.Errorf("the instance has served %s requests, want %s", served, test.served)
			}
		})
	}
}

// What takes too much is ended with the name of the limit, while others are served as if nothing had happened.
func TestGreed(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, "[limits]\ncpu = \"20ms\"\nmemory = \"4MiB\"\n"+
			route(t, "handlers/isolation", `name = "greedy"`, `path = "/greedy"`)+
			route(t, "handlers/isolation", `name = "spinning"`, `path = "/spin"`)+
			route(t, "handlers/isolation", `name = "recursive"`, `path = "/recurse"`)+
			route(t, "handlers/isolation", `name = "hungry"`, `path = "/devour"`)+
			route(t, "examples/abi/hello-c"))
		stop := make(chan struct{})
		var spinners sync.WaitGroup
		for range 8 {
			spinners.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if answer, err := http.Get(s.url + "spin"); err == nil {
							answer.Body.Close()
						}
					}
				}
			})
		}
		for range 50 {
			s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		}
		s.awaitLog(t, "the handler keeps failing and is paused", "route=spinning")
		close(stop)
		spinners.Wait()
		s.ask(t, "/recurse", http.StatusInternalServerError, "*")
		s.ask(t, "/devour", http.StatusServiceUnavailable, "*")
		s.ask(t, "/", http.StatusOK, "Hello from C!\n")
		s.awaitLog(t, "route=spinning", "status=503", "limit cpu", "of 20ms")
		s.awaitLog(t, "route=recursive", "status=500", "stack overflow")
		s.awaitLog(t, "route=hungry", "status=503", "more than the limit of 4194304")
	})
}

// A handler that keeps failing is answered for with 503 and Retry-After, and comes back.
func TestPause(t *testing.T) {
	s := startConfig(t, "wasm", route(t, "handlers/trap", `name = "trapping"`))
	c := s.dial(t)
	ask := func(path string) *http.Response {
		_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		_ = c.SetDeadline(time.Now().Add(patience))
		answer, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer
	}
	for range 10 {
		if got := ask("/trap").StatusCode; got != 500 {
			t.Fatalf("status %d", got)
		}
	}
	answer := ask("/")
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") != "1" {
		t.Errorf("status %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	s.await(t, "the handler is back", func() bool { return ask("/").StatusCode == 200 })
	s.awaitLog(t, "the handler is back", "route=trapping")
}

// More requests than a tenant may have at a time wait, and more than may wait are turned away.
func TestQueue(t *testing.T) {
	s := startConfig(t, "wasm", "[limits]\nconcurrent = 2\nqueue = 2\nhandler_wall = \"2s\"\n"+
		route(t, "handlers/silent", `path = "/silent"`)+route(t, "examples/abi/hello-c"))
	var busy []*socket
	for range 4 {
		c := s.dial(t)
		c.send(t, "GET /silent HTTP/1.1\nHost: a\n\n")
		busy = append(busy, c)
	}
	var answer *http.Response
	s.await(t, "the queue is full", func() bool {
		c := s.dial(t)
		defer c.Close()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond))
		var err error
		answer, err = http.ReadResponse(c.reader, nil)
		return err == nil && answer.StatusCode == http.StatusServiceUnavailable
	})
	if answer.Header.Get("Retry-After") != "1" {
		t.Errorf("beyond the queue: Retry-After %q", answer.Header.Get("Retry-After"))
	}
	for _, c := range busy {
		c.want(t, http.StatusServiceUnavailable, "*")
	}
	s.ask(t, "/", http.StatusOK, "Hello from C!\n")
}

// All who listen in a shared instance hear what anybody says.
func TestChat(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := startConfig(t, core, route(t, "examples/abi/chat-c", `isolation = "shared"`))
		const listeners, lines = 30, 20
		var all sync.WaitGroup
		for range listeners {
			answer, err := http.Get(s.url)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				defer answer.Body.Close()
				body := bufio.NewReader(answer.Body)
				for i := range lines {
					line, err := body.ReadString('\n')
					if want := fmt.Sprintf("line %d\n", i); err != nil || line != want {
						t.Errorf("heard %q, %v; want %q", line, err, want)
						return
					}
				}
			})
		}
		for i := range lines {
			answer, err := http.Post(s.url, "text/plain", strings.NewReader(fmt.Sprintf("line %d", i)))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNoContent {
				t.Fatalf("status %d", answer.StatusCode)
			}
		}
		all.Wait()
	})
}
