package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// crowd is more connections than loops, so that several have the same.
func crowd() int { return 8 * runtime.GOMAXPROCS(0) }

// TestBusyHandlers has as many handlers work for ever as there are loops, and more: the connections that share their loops are
// served, at once where the work says that it takes long, and soon where it does not.
func TestBusyHandlers(t *testing.T) {
	for _, test := range []struct {
		name   string
		yields bool
	}{
		{"yielding", true},
		{"silent", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			began, release := make(chan struct{}), make(chan struct{})
			_, addr := start(t, calm, func(x exchange.Exchange) error {
				var ev exchange.Event
				if err := x.Next(abi.SubscriptionsReady, 1, &ev); err != nil {
					return err
				}
				if string(ev.Line.Target) == "/busy" {
					if test.yields {
						x.Yield()
					}
					began <- struct{}{}
					<-release
				}
				x.Send(200, exchange.Fields{}, []byte("answered"))
				return nil
			})
			idle, busy := dialMany(t, addr, crowd()), dialMany(t, addr, crowd())
			for _, socket := range busy {
				io.WriteString(socket, "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
			}
			for range busy {
				select {
				case <-began: // all of them, though each keeps its goroutine
				case <-time.After(wait):
					t.Fatal("a request was not given to its handler")
				}
			}
			for _, socket := range idle {
				io.WriteString(socket, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
				wantAnswer(t, socket, "answered")
			}
			close(release)
			for _, socket := range busy {
				wantAnswer(t, socket, "answered")
			}
		})
	}
}

func dialMany(t *testing.T, addr string, count int) (sockets []net.Conn) {
	t.Helper()
	for range count {
		sockets = append(sockets, dial(t, addr))
	}
	return sockets
}

func wantAnswer(t *testing.T, socket net.Conn, body string) {
	t.Helper()
	answer := make([]byte, 4096)
	n, err := socket.Read(answer)
	if err != nil || !strings.HasSuffix(string(answer[:n]), body) {
		t.Fatalf("%q, %v", answer[:n], err)
	}
}

// TestRest sees that connections between two requests have no goroutine, and that they are served again.
func TestRest(t *testing.T) {
	server, addr := start(t, calm, echoWhole)
	before := runtime.NumGoroutine()
	sockets := dialMany(t, addr, 500)
	for range 3 {
		for _, socket := range sockets {
			io.WriteString(socket, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok")
		}
		for _, socket := range sockets {
			wantAnswer(t, socket, "ok")
		}
	}
	within(t, "connections that rest have goroutines", func() bool { return runtime.NumGoroutine() < before+20 })
	for _, socket := range sockets {
		socket.Close()
	}
	within(t, "connections whose peers have gone are open", func() bool { return server.Stats().Open == 0 })
}

// within waits until something holds.
func within(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(wait); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}

// TestRound sends many requests on many connections at the same time, whole and in pieces, with bodies that are written
// directly and such that are not, and sees that each gets its own answer.
func TestRound(t *testing.T) {
	_, addr := start(t, calm, echoPieces)
	var group sync.WaitGroup
	for number := range crowd() {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(number), 1))
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for range 50 {
				body := bytes.Repeat([]byte(fmt.Sprintf("%d,", number)), 1+random.IntN(1<<random.IntN(17)))
				var reader io.Reader = bytes.NewReader(body)
				if random.IntN(2) == 0 {
					reader = &inPieces{reader, random} // of no known length: chunked
				}
				response, err := client.Post("http://"+addr, "text/plain", reader)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("connection %d: %d bytes came back of %d, %v", number, len(got), len(body), err)
					return
				}
			}
		})
	}
	group.Wait()
}

// inPieces gives what it reads in pieces, with pauses.
type inPieces struct {
	io.Reader
	random *rand.Rand
}

func (r *inPieces) Read(b []byte) (int, error) {
	if r.random.IntN(8) == 0 {
		time.Sleep(time.Millisecond)
	}
	return r.Reader.Read(b[:min(len(b), 1+r.random.IntN(40<<10))])
}

// TestGoneWhileResting has peers go in all ways while their connections rest.
func TestGoneWhileResting(t *testing.T) {
	server, addr := start(t, calm, echoWhole)
	for i, socket := range dialMany(t, addr, 30) {
		io.WriteString(socket, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok")
		wantAnswer(t, socket, "ok")
		tcp := socket.(*net.TCPConn)
		switch i % 3 {
		case 0:
			tcp.CloseWrite()
			if rest, err := io.ReadAll(tcp); err != nil || len(rest) > 0 {
				t.Errorf("%q, %v after the end", rest, err)
			}
		case 1:
			tcp.SetLinger(0) // a reset
			tcp.Close()
		case 2:
			io.WriteString(tcp, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nla")
			tcp.CloseWrite() // and the end comes with the bytes
			io.ReadAll(tcp)
		}
	}
	within(t, "connections whose peers have gone are open", func() bool { return server.Stats().Open == 0 })
}

// TestFloodedLoops has peers pipeline without an end on all loops: others are served nevertheless.
func TestFloodedLoops(t *testing.T) {
	_, addr := start(t, calm, echoWhole)
	stop := make(chan struct{})
	var group sync.WaitGroup
	requests := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 1000))
	for _, socket := range dialMany(t, addr, crowd()) {
		group.Go(func() { io.Copy(io.Discard, socket) })
		group.Go(func() {
			defer socket.Close()
			for {
				select {
				case <-stop:
					return
				default:
					socket.Write(requests)
				}
			}
		})
	}
	for _, socket := range dialMany(t, addr, crowd()) {
		for range 5 {
			io.WriteString(socket, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok")
			wantAnswer(t, socket, "ok")
		}
	}
	close(stop)
	group.Wait()
}
