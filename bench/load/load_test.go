package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const hello = "Hello!\n"

var ask = Request{Head: []byte("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), Want: Answer{Status: 200, Body: []byte(hello)}}

// TestRun keeps connections to a server of the standard library busy, in all ways.
func TestRun(t *testing.T) {
	const long = 3<<20 + 7
	closing := ask
	closing.Head = []byte("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	echo := func(fields string) Request {
		return Request{Head: []byte("POST /echo HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"), Stream: long, Want: Answer{Status: 200, Stream: long}}
	}
	for name, plan := range map[string]Plan{
		"one":       {Requests: []Request{ask}, Connections: 1},
		"several":   {Requests: []Request{ask, ask}, Connections: 3},
		"pipelined": {Requests: []Request{ask}, Connections: 2, Pipeline: 16},
		"fresh":     {Requests: []Request{closing}, Connections: 2, Fresh: true},
		"echo":      {Requests: []Request{echo("Content-Length: 3145735\r\n")}, Connections: 2},
		"chunked":   {Requests: []Request{{Head: []byte("GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n"), Want: Answer{Status: 200, Stream: long}}}, Connections: 2},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Dial(t.Context(), serveHTTP(t), plan)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for range 2 {
				done, err := l.Run(t.Context(), 20*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if done.Requests < plan.Connections*max(1, plan.Pipeline) || done.Took < 20*time.Millisecond {
					t.Errorf("%d requests in %v", done.Requests, done.Took)
				}
			}
			if answered, err := l.Once(t.Context(), 1); answered != plan.Connections || err != nil {
				t.Errorf("%d of %d answered, %v", answered, plan.Connections, err)
			}
		})
	}
}

// TestRefuses lets servers answer what is not right.
func TestRefuses(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	text, long := Answer{Status: 200, Body: []byte("ab")}, Answer{Status: 200, Stream: 100_000}
	wrong := Pattern(100_000)
	wrong[99_998]++
	for name, test := range map[string]struct {
		want   Answer
		answer string
		says   string
	}{
		"right":            {text, head + "Content-Length: 2\r\n\r\nab", ""},
		"right, long":      {long, head + "Content-Length: 100000\r\n\r\n" + string(Pattern(100_000)), ""},
		"right, in chunks": {text, head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nT: x\r\n\r\n", ""},
		"status":           {text, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nab", "status 503 instead of 200"},
		"body":             {text, head + "Content-Length: 2\r\n\r\nac", `answered "ac" instead of "ab"`},
		"length":           {text, head + "Content-Length: 1\r\n\r\na", "1 bytes instead of 2"},
		"no length":        {text, head + "\r\nab", "neither Content-Length"},
		"bytes behind it":  {text, head + "Content-Length: 2\r\n\r\nabc", "1 bytes follow the answer"},
		"end":              {text, head + "Content-Length: 2\r\n\r\na", "unexpected EOF"},
		"endless head":     {text, head + "X: " + strings.Repeat("x", maxHead), "longer than"},
		"long body":        {long, head + "Content-Length: 100000\r\n\r\n" + string(wrong), "differs within"},
		"chunks too short": {text, head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "1 bytes instead of 2"},
		"chunks too long":  {text, head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "more than 2 bytes"},
		"chunk's length":   {text, head + "Transfer-Encoding: chunked\r\n\r\nxy\r\nab\r\n0\r\n\r\n", "no length of a chunk"},
		"chunk's end":      {text, head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "follows a chunk"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pieces := range []int{1, len(test.answer)} {
				if pieces > 1000 {
					continue
				}
				l, err := Dial(t.Context(), answerOnce(t, test.answer, pieces), Plan{Requests: []Request{{Head: ask.Head, Want: test.want}}, Connections: 2})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				_, err = l.Once(t.Context(), 2)
				if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
					t.Errorf("in %d pieces: %v, want %q", pieces, err, test.says)
				}
			}
		})
	}
}

// TestAlive counts connections that are still answered.
func TestAlive(t *testing.T) {
	answered := 0
	var mu sync.Mutex
	address := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 2 {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			mu.Lock()
			answered++
			hangUp := answered == 5 // the second request of one
			mu.Unlock()
			if hangUp {
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(hello), hello)
		}
	})
	l := New(address, Plan{Requests: []Request{ask}, Connections: 4})
	defer l.Close()
	if count, err := l.Once(t.Context(), 2); count != 4 || err != nil {
		t.Errorf("%d of 4 were answered, %v", count, err)
	}
	if count := l.Alive(t.Context(), 2); count != 3 {
		t.Errorf("%d are alive, want 3", count)
	}
	// The connections that have had two requests are closed now.
	if count, err := l.Once(t.Context(), 1); count != 0 || err == nil {
		t.Errorf("%d were answered after the end, %v", count, err)
	}
}

// TestStreamRefused has a server answer and go away while a body is sent.
func TestStreamRefused(t *testing.T) {
	l, err := Dial(t.Context(), answerOnce(t, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n", 1),
		Plan{Requests: []Request{{Head: ask.Head, Stream: 100 << 20, Want: Answer{Status: 200, Stream: 100 << 20}}}, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Once(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "status 413") {
		t.Error(err)
	}
}

// TestRunAt sees that a server stood still: those who would have asked meanwhile have waited, too.
func TestRunAt(t *testing.T) {
	const rate, stall = 1000, 200 * time.Millisecond
	plan := Plan{Requests: []Request{ask}, Connections: 2}
	quiet := pacedOver(t, serveHTTP(t), plan, rate)
	if quiet.Requests != rate/2 || quiet.P50 > stall/4 {
		t.Errorf("a quiet server: %+v", quiet)
	}
	stalled := pacedOver(t, serveStalling(t, stall), plan, rate)
	// The requests of 200 of 500 ms were late, by half of that on average. Both connections saw one late answer.
	if stalled.Requests != rate/2 || stalled.P99 < stall/2 || stalled.Max < stall*9/10 {
		t.Errorf("a server that stood still for %v: %+v", stall, stalled)
	}
}

func TestRunAtPipelined(t *testing.T) {
	l, err := Dial(t.Context(), serveHTTP(t), Plan{Requests: []Request{ask}, Connections: 1, Pipeline: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.RunAt(t.Context(), 10, time.Second); err == nil {
		t.Error("requests were pipelined and had a rate")
	}
}

func pacedOver(t *testing.T, address string, plan Plan, rate float64) Paced {
	t.Helper()
	l, err := Dial(t.Context(), address, plan)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	paced, err := l.RunAt(t.Context(), rate, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return paced
}

// serveHTTP is a server of the standard library.
func serveHTTP(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, hello) })
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) { w.Write(Pattern(3<<20 + 7)) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
		io.Copy(w, r.Body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// serveStalling answers at once, but for some time in which it answers nothing.
func serveStalling(t *testing.T, stall time.Duration) (address string) {
	var once sync.Once
	var still sync.RWMutex
	return listen(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			once.Do(func() {
				time.AfterFunc(100*time.Millisecond, func() {
					still.Lock()
					defer still.Unlock()
					time.Sleep(stall)
				})
			})
			still.RLock()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(hello), hello)
			still.RUnlock()
		}
	})
}

// answerOnce gives each connection one answer, whatever it asks, in so many pieces.
func answerOnce(t *testing.T, answer string, pieces int) (address string) {
	return listen(t, func(conn net.Conn) {
		// Read first: closing a connection with bytes unread would reset it.
		conn.Read(make([]byte, 4096))
		size := (len(answer) + pieces - 1) / pieces
		for rest := answer; rest != ""; rest = rest[min(size, len(rest)):] {
			io.WriteString(conn, rest[:min(size, len(rest))])
		}
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
	})
}

func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}
