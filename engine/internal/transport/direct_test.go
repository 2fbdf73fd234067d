package transport_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// roomy gives its exchange room for pieces of body, and counts how much was put there.
type roomy struct {
	exchange.Exchange
	room   []byte
	direct *atomic.Int64
}

func (x *roomy) Next(want abi.Subscriptions, _ int, ev *exchange.Event) error {
	clear(x.room)
	ev.Room = x.room
	err := x.Exchange.Next(want, len(x.room), ev)
	if err == nil && ev.Room != nil {
		return errors.New("the room is not forgotten")
	}
	if err == nil && len(ev.Data) > 0 && &ev.Data[0] == &x.room[0] {
		x.direct.Add(int64(len(ev.Data)))
	}
	return err
}

// TestDirect sends bodies to a handler that has room for them, with another request behind each, in one write and in two.
func TestDirect(t *testing.T) {
	var direct atomic.Int64
	server, polled := start(t, calm, func(x exchange.Exchange) error {
		return echoPieces(&roomy{x, make([]byte, 100<<10), &direct})
	})
	plain := serve(t, server, plainListener{listen(t)})
	const next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, size := range []int{1, 12 << 10, 100 << 10, 1 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		chunked := fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", size, body)
		for _, test := range []struct {
			name, addr, framing string
			content             []byte
			reaches             bool // the room
		}{
			{"polled", polled, fmt.Sprintf("Content-Length: %d", size), body, size > 12<<10},
			{"plain", plain, fmt.Sprintf("Content-Length: %d", size), body, size > 12<<10},
			{"chunked", polled, "Transfer-Encoding: chunked", chunked, false},
		} {
			for _, pause := range []time.Duration{0, 20 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s %d %v", test.name, size, pause), func(t *testing.T) {
					direct.Store(0)
					c := dial(t, test.addr)
					go func() {
						head := "PUT / HTTP/1.1\r\nHost: h\r\n" + test.framing + "\r\n\r\n"
						half := len(test.content) / 2
						_, _ = io.WriteString(c, head+string(test.content[:half]))
						time.Sleep(pause)
						_, _ = io.WriteString(c, string(test.content[half:])+next)
					}()
					answers := bufio.NewReader(c)
					for _, want := range [][]byte{body, nil} {
						got := readAnswer(t, answers)
						if !bytes.Equal(got, want) {
							t.Fatalf("%d bytes came back, want the %d that were sent", len(got), len(want))
						}
					}
					if pause > 0 && (direct.Load() > 0) != test.reaches {
						t.Errorf("%d bytes were put where there is room", direct.Load())
					}
				})
			}
		}
	}
}

func readAnswer(t *testing.T, answers *bufio.Reader) []byte {
	t.Helper()
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestDirectFails ends a body too early, or stops sending it, while the handler waits for it in room of its own.
func TestDirectFails(t *testing.T) {
	ended := make(chan error, 1)
	var direct atomic.Int64
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		err := echoPieces(&roomy{x, make([]byte, 64<<10), &direct})
		ended <- err
		return err
	})
	for _, test := range []struct {
		name  string
		after func(*net.TCPConn)
	}{
		{"closed", func(c *net.TCPConn) { c.CloseWrite() }},
		{"reset", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }},
		{"silent", func(*net.TCPConn) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			direct.Store(0)
			c := dial(t, addr).(*net.TCPConn)
			_, _ = io.WriteString(c, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
			for range 3 {
				time.Sleep(20 * time.Millisecond)
				_, _ = c.Write(make([]byte, 10_000))
			}
			for deadline := time.Now().Add(wait); direct.Load() < 10_000 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			test.after(c)
			select {
			case err := <-ended:
				if !errors.Is(err, exchange.ErrClosed) {
					t.Errorf("the handler's work ended with %v", err)
				}
			case <-time.After(wait):
				t.Error("the handler still waits")
			}
		})
	}
}
