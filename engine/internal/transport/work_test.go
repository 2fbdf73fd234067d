package transport_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// taskFunc is a task, and something bound to a connection.
type taskFunc func()

func (f taskFunc) Do()     { f() }
func (f taskFunc) Unbind() { f() }

// answerWith answers a request whole.
func answerWith(x exchange.Exchange, body string) error {
	var ev exchange.Event
	for {
		if err := x.Next(abi.SubscriptionsReady, 1, &ev); err != nil {
			return err
		}
		x.Send(200, exchange.Fields{}, []byte(body))
	}
}

// TestAfter sees that what is left until after the answer does not hold it up, and is done before the next exchange.
func TestAfter(t *testing.T) {
	release, done := make(chan struct{}), make(chan struct{}, 2)
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		select {
		case <-done:
		default:
			x.After(taskFunc(func() {
				<-release
				done <- struct{}{}
			}))
			return answerWith(x, "first")
		}
		return answerWith(x, "second")
	})
	const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

	c := dial(t, addr)
	_, _ = io.WriteString(c, get)
	head := make([]byte, 4096)
	n, err := c.Read(head) // while the task has not been released
	if err != nil || !strings.HasSuffix(string(head[:n]), "first") {
		t.Fatalf("%q, %v", head[:n], err)
	}
	close(release)
	_, _ = io.WriteString(c, get)
	if n, err = c.Read(head); err != nil || !strings.HasSuffix(string(head[:n]), "second") {
		t.Fatalf("%q, %v", head[:n], err)
	}

	pipelined := talk(t, addr, get+strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	if !strings.Contains(pipelined, "first") || !strings.HasSuffix(pipelined, "second") {
		t.Errorf("the task was not done between two pipelined exchanges: %q", pipelined)
	}
}

// TestAfterSlowReader sees that a peer that does not take its answer does not hold up what is left until after it.
func TestAfterSlowReader(t *testing.T) {
	done := make(chan struct{})
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		x.After(taskFunc(func() { close(done) }))
		return answerWith(x, strings.Repeat("x", 64<<20))
	})
	c := dial(t, addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case <-done:
	case <-time.After(wait):
		t.Error("the task was not done")
	}
}

func TestBindings(t *testing.T) {
	ended := make(chan string, 3)
	bind := func(x exchange.Exchange, name string) {
		x.Bindings().Set("counter", taskFunc(func() { ended <- name }))
	}
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		if x.Bindings().Get("counter") == nil {
			bind(x, "first")
			return answerWith(x, "new")
		}
		bind(x, "second")
		return answerWith(x, "known")
	})
	answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if !strings.Contains(answer, "new") || !strings.HasSuffix(answer, "known") {
		t.Errorf("%q", answer)
	}
	for _, want := range []string{"first", "second"} {
		select {
		case name := <-ended:
			if name != want {
				t.Errorf("%s was unbound, want %s", name, want)
			}
		case <-time.After(wait):
			t.Fatalf("%s was not unbound", want)
		}
	}
}

// TestCheck sees that a handler that computes for too long learns of it.
func TestCheck(t *testing.T) {
	checked := make(chan error, 1)
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1, &ev); err != nil {
			return err
		}
		end, err := time.Now().Add(wait), error(nil)
		for err == nil && time.Now().Before(end) {
			err = x.Check()
		}
		checked <- err
		return err
	})
	if answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("%q", answer)
	}
	if err := <-checked; !errors.Is(err, exchange.ErrWallTime) {
		t.Errorf("%v, want %v", err, exchange.ErrWallTime)
	}
}

// TestWaitOfAStream sees that a stream may wait for longer than a handler may take to begin its answer.
func TestWaitOfAStream(t *testing.T) {
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1, &ev); err != nil {
			return err
		}
		x.Stream()
		x.SendHead(200, exchange.Fields{})
		ready := make(chan struct{})
		time.AfterFunc(1500*time.Millisecond, func() { close(ready) })
		if err := x.Wait(ready); err != nil {
			return err
		}
		x.SendData([]byte("waited"))
		x.SendEnd()
		return x.Next(abi.SubscriptionsReady, 1, &ev)
	})
	answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, "waited") {
		t.Errorf("%q", answer)
	}
}

// TestWait sees that waiting for something else than the peer ends when it comes, and when the time is over.
func TestWait(t *testing.T) {
	ready := make(chan struct{}, 1)
	ready <- struct{}{}
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		if err := x.Wait(ready); err != nil {
			return err
		}
		return answerWith(x, "waited")
	})
	const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	if answer := talk(t, addr, get); !strings.HasSuffix(answer, "waited") {
		t.Errorf("%q", answer)
	}
	if answer := talk(t, addr, get); !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("%q", answer)
	}
}

// TestWaitWrites sees that what was sent goes out while its handler waits for something else.
func TestWaitWrites(t *testing.T) {
	arrived := make(chan struct{})
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1, &ev); err != nil {
			return err
		}
		x.SendHead(200, exchange.Fields{})
		x.SendData([]byte("early"))
		if err := x.Wait(arrived); err != nil {
			return err
		}
		x.SendEnd()
		return nil
	})
	w := ask(t, addr, getClose)
	for got := ""; !strings.HasSuffix(got, "early\r\n"); {
		line, err := w.ReadString('\n')
		if got += line; err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	close(arrived)
	w.want(t, "0\r\n\r\n")
}
