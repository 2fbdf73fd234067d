package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// room is a handler that has all its exchanges at once: what is posted goes to everybody who listens.
type room struct {
	sync.Mutex
	listeners map[exchange.Exchange]bool
	gone      error
}

func (r *room) Gone() error { return r.gone }

// seats has the posts wait for this many listeners.
func (r *room) seats(count int) {
	for {
		r.Lock()
		n := len(r.listeners)
		r.Unlock()
		if n == count {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *room) Serve(x exchange.Exchange) error {
	r.Lock()
	defer r.Unlock()
	x.Share(r)
	var ev exchange.Event
	for {
		err := x.Next(abi.SubscriptionsReady|abi.SubscriptionsDone, 64<<10, &ev)
		if err != nil {
			delete(r.listeners, x)
			return err
		}
		switch {
		case ev.Kind != abi.EventReady:
		case string(ev.Line.Method) == "GET":
			x.Stream()
			x.SendHead(200, exchange.Fields{})
			r.listeners[x] = true
		default:
			for listener := range r.listeners {
				if string(ev.Data) == "end" {
					listener.SendEnd()
				} else {
					listener.SendData(ev.Data)
				}
				listener.Wake()
			}
			x.Send(200, exchange.Fields{}, nil)
		}
	}
}

func listenTo(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c := dial(t, addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(answer.Body)
}

func say(t *testing.T, addr, what string) {
	t.Helper()
	answer := talk(t, addr, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(what), what))
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("%q", answer)
	}
}

// TestShared sees that exchanges of many connections can be used by the handler in the events of each of them.
func TestShared(t *testing.T) {
	const listeners, lines, speakers = 50, 40, 4
	r := &room{listeners: map[exchange.Exchange]bool{}}
	_, addr := start(t, calm, r.Serve)
	var all sync.WaitGroup
	for range listeners {
		c, body := listenTo(t, addr)
		all.Go(func() {
			defer c.Close()
			heard := map[string]int{}
			for range lines * speakers {
				line, err := body.ReadString('\n')
				if err != nil {
					t.Errorf("after %d lines: %v", len(heard), err)
					return
				}
				heard[line]++
			}
			for line, times := range heard {
				if times != 1 {
					t.Errorf("%q was heard %d times", line, times)
				}
			}
			if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
				t.Errorf("at the end: %q, %v", rest, err)
			}
		})
	}
	r.seats(listeners)
	var posts sync.WaitGroup
	for speaker := range speakers {
		posts.Go(func() {
			for line := range lines {
				say(t, addr, fmt.Sprintf("%d says %d\n", speaker, line))
			}
		})
	}
	posts.Wait()
	say(t, addr, "end")
	all.Wait()
	r.seats(0)
}

// TestSharedGone sees that all exchanges of a handler end that serves nobody any more.
func TestSharedGone(t *testing.T) {
	r := &room{listeners: map[exchange.Exchange]bool{}}
	_, addr := start(t, calm, r.Serve)
	c, body := listenTo(t, addr)
	defer c.Close()
	r.seats(1)
	r.Lock()
	r.gone = errors.New("gone")
	for x := range r.listeners {
		x.Wake()
	}
	r.Unlock()
	if _, err := io.ReadAll(body); err == nil {
		t.Error("the answer seems complete")
	}
	if answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
		t.Errorf("%q", answer)
	}
}

// TestSharedLeave sees that listeners that go are forgotten while others speak.
func TestSharedLeave(t *testing.T) {
	r := &room{listeners: map[exchange.Exchange]bool{}}
	_, addr := start(t, calm, r.Serve)
	var guests []net.Conn
	for range 20 {
		c, _ := listenTo(t, addr)
		guests = append(guests, c)
	}
	r.seats(len(guests))
	for _, c := range guests {
		c.Close()
		say(t, addr, "hello\n")
	}
	r.seats(0)
}
