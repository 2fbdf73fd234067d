package transport_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// hello answers every request with the same few bytes.
func hello(x exchange.Exchange) error {
	ev := helloEvents.Get().(*exchange.Event)
	defer helloEvents.Put(ev)
	for {
		if err := x.Next(abi.SubscriptionsReady, 1<<20, ev); err == exchange.ErrEnd {
			return nil
		} else if err != nil {
			return err
		}
		x.Send(200, exchange.Fields{}, helloBody)
	}
}

var (
	helloEvents = sync.Pool{New: func() any { return new(exchange.Event) }}

	helloBody    = []byte("hello")
	helloRequest = []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
)

// BenchmarkExchange sends requests one after the other on a connection, with the native core and a handler in Go, so that
// what is measured is the transport. Allocations are those of both ends.
func BenchmarkExchange(b *testing.B) {
	_, addr := start(b, calm, hello)
	socket := dial(b, addr)
	socket.SetDeadline(time.Time{})
	answer := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		roundTrip(b, socket, answer)
	}
}

func roundTrip(t testing.TB, socket net.Conn, answer []byte) {
	if _, err := socket.Write(helloRequest); err != nil {
		t.Fatal(err)
	}
	if n, err := socket.Read(answer); err != nil || n < len(helloBody) || string(answer[n-len(helloBody):n]) != string(helloBody) {
		t.Fatalf("%q, %v", answer[:n], err)
	}
}

// TestNothingIsAllocated serves requests on a connection that is warm.
func TestNothingIsAllocated(t *testing.T) {
	_, addr := start(t, calm, hello)
	socket := dial(t, addr)
	answer := make([]byte, 4096)
	allocations := testing.AllocsPerRun(2000, func() { roundTrip(t, socket, answer) })
	// AllocsPerRun counts what the reaper and the pools do now and then as well, but drops the fraction.
	if allocations != 0 {
		t.Errorf("%v allocations a request", allocations)
	}
}
