package client_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/client"
)

// canned answers every head with the same few bytes. It allocates nothing.
func canned(socket *net.TCPConn) {
	buffer, answer := make([]byte, 4096), []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	for {
		if _, err := socket.Read(buffer); err != nil {
			return
		}
		if _, err := socket.Write(answer); err != nil {
			return
		}
	}
}

// roundTrip makes one exchange.
func roundTrip(t testing.TB, c *client.Conn, r *client.Request, ev *client.Event) {
	if err := c.Start(r); err != nil {
		t.Fatal(err)
	}
	for {
		if err := c.Next(ev); errors.Is(err, client.ErrEnd) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkExchange makes requests one after the other on a connection, with the native core.
func BenchmarkExchange(b *testing.B) {
	c := connect(b, script(b, canned), calm)
	r, ev := request("GET /", 0), new(client.Event)
	b.ReportAllocs()
	for b.Loop() {
		roundTrip(b, c.Conn, r, ev)
	}
}

// BenchmarkUpload writes a body in chunks of 32 KiB.
func BenchmarkUpload(b *testing.B) {
	c := connect(b, script(b, func(socket *net.TCPConn) { io.Copy(io.Discard, struct{ io.Reader }{socket}) }), calm)
	c.start(request("PUT /", client.Streamed))
	piece := make([]byte, 32<<10)
	b.SetBytes(int64(len(piece)))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Write(piece); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNothingIsAllocated makes exchanges on a connection that is warm.
func TestNothingIsAllocated(t *testing.T) {
	c := connect(t, script(t, canned), calm)
	r, ev := request("GET /", 0), new(client.Event)
	if allocations := testing.AllocsPerRun(2000, func() { roundTrip(t, c.Conn, r, ev) }); allocations != 0 {
		t.Errorf("%v allocations an exchange", allocations)
	}
}
