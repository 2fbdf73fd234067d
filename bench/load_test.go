package main

import (
	"net"
	"slices"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	address := serveTest(t, serveRaw)
	if length, err := checkAnswer(t.Context(), address, hello); err != nil || length != len(rawAnswer) {
		t.Fatalf("the answer has %d bytes, %v; want %d", length, err, len(rawAnswer))
	}
	if _, err := checkAnswer(t.Context(), address, "Goodbye!\n"); err == nil {
		t.Error("the wrong body was accepted")
	}
	l, err := dialLoad(t.Context(), address, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for range 2 {
		r, err := l.run(t.Context(), 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.latencies) < 3 || r.took < 20*time.Millisecond {
			t.Errorf("%d requests in %v", len(r.latencies), r.took)
		}
		if !slices.IsSorted(r.latencies) {
			t.Error("latencies are not sorted")
		}
	}
}

// TestLoadRefuses lets servers answer what has no place in a measurement.
func TestLoadRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"status":          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
		"bytes behind it": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
		"end":             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
		"endless head":    "HTTP/1.1 200 OK\r\nX: " + string(make([]byte, maxAnswer)),
	} {
		t.Run(name, func(t *testing.T) {
			l, err := dialLoad(t.Context(), serveTest(t, answerOnce(answer)), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			if _, err := l.run(t.Context(), time.Second); err == nil {
				t.Error("the answer was accepted")
			}
		})
	}
}

// serveTest runs a server until the test ends.
func serveTest(t *testing.T, serve func(net.Listener) error) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go serve(listener)
	return listener.Addr().String()
}

// answerOnce gives each connection one answer, whatever it asks.
func answerOnce(answer string) func(net.Listener) error {
	return func(listener net.Listener) error {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return err
			}
			// Read first: closing a connection with bytes unread would reset it.
			conn.Read(make([]byte, maxAnswer))
			conn.Write([]byte(answer))
			conn.Close()
		}
	}
}
