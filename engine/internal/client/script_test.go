package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/client"
	"github.com/sluicehttp/sluice/engine/internal/core"
)

// TestEnds tells a complete answer from one that was cut, however the connection ends, whole and byte by byte.
func TestEnds(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, answer string
		reset        bool
		want         string
	}{
		{"until the end", ok + "\r\nabc", false, "200 OK 1.1\nheader until-close\nbody abc\nready\nclosed" + ended},
		{"HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nabc", false, "200 OK 1.0\nheader until-close\nbody abc\nready\nclosed" + ended},
		{"no body until the end", ok + "\r\n", false, "200 OK 1.1\nheader until-close\nready\nclosed" + ended},
		{"until a reset", ok + "\r\nabc", true, "200 OK 1.1\nheader until-close\nbody abc\n(the connection was cut: *)"},
		{"a body by length cut", ok + "Content-Length: 4\r\n\r\nabc", false,
			"200 OK 1.1\nheader Content-Length=4\nbody abc\n(the connection was cut: truncated at byte 41)"},
		{"a body by length, reset", ok + "Content-Length: 4\r\n\r\nabc", true,
			"200 OK 1.1\nheader Content-Length=4\nbody abc\n(the connection was cut: *)"},
		{"chunks cut", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", false,
			"200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody abc\n(the connection was cut: truncated at byte 55)"},
		{"a chunk cut", ok + "Transfer-Encoding: chunked\r\n\r\n4\r\nabc", false,
			"200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody abc\n(the connection was cut: truncated at byte 53)"},
		{"trailers cut", ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", false,
			"200 OK 1.1\nheader chunked Transfer-Encoding=chunked\n(the connection was cut: truncated at byte 56)"},
		{"a head cut", ok + "Content-", false, "200 OK 1.1\n(the connection was cut: truncated at byte 25)"},
		{"a line cut", "HTTP/1.1 2", false, "(the connection was cut: truncated at byte 10)"},
		{"nothing", "", false, "(the connection was cut: truncated at byte 0)"},
		{"only an informational answer", "HTTP/1.1 102 x\r\n\r\n", false, "102 x 1.1\nheader informational\n(the connection was cut: truncated at byte 18)"},
		{"a whole answer, and the end", ok + "Content-Length: 3\r\n\r\nabc", false, "200 OK 1.1\nheader Content-Length=3\nbody abc\nready" + ended},
		{"a folded field", ok + "A: b\r\n  c\r\nContent-Length:\r\n 1\r\n\r\nx", false, "200 OK 1.1\nheader A=b c Content-Length=1\nbody x\nready" + ended},
		{"no answer", "hello\r\n\r\n", false, "(the server broke the protocol: version at byte 0)"},
		{"a broken head", ok + "A b\r\n\r\n", false, "200 OK 1.1\n(the server broke the protocol: field_name at byte 18)"},
		{"a broken chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", false,
			"200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody a\n(the server broke the protocol: chunk_end at byte 51)"},
		{"another coding", ok + "Transfer-Encoding: gzip\r\n\r\n", false, "200 OK 1.1\n(the server broke the protocol: transfer_encoding_unsupported at byte 42)"},
		{"an upgrade that was not asked for", "HTTP/1.1 101 x\r\n\r\n", false, "101 x 1.1\n(the server broke the protocol: upgrade_unasked at byte 16)"},
		{"a large head", ok + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 20) + "Content-Length: 0\r\n\r\n", false,
			"200 OK 1.1\nheader" + strings.Repeat(" A="+strings.Repeat("x", 1000), 20) + " Content-Length=0\nready" + ended},
		{"too large a head", ok + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 40), false, "200 OK 1.1\n(the server broke the protocol: head_too_large at byte 32768)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pieces := []int{len(test.answer) + 1, 1}
			if len(test.answer) > 1<<10 {
				pieces[1] = 999
			}
			for _, size := range pieces {
				heard := make(chan struct{})
				addr := script(t, func(socket *net.TCPConn) {
					readHead(socket)
					for rest := test.answer; rest != ""; rest = rest[min(size, len(rest)):] {
						io.WriteString(socket, rest[:min(size, len(rest))])
						time.Sleep(200 * time.Microsecond)
					}
					if test.reset {
						<-heard // a reset overtakes what is not read yet
						socket.SetLinger(0)
					}
				})
				c := connect(t, addr, calm)
				c.start(request("GET /", 0, "A", "b"))
				body := 0
				got := c.hearAnd(func(ev *client.Event) {
					if body += len(ev.Data); test.reset && len(ev.Data) > 0 && body == len("abc") {
						close(heard)
					}
				})
				if before, _, found := strings.Cut(test.want, "*"); found {
					if !strings.HasPrefix(got, before) {
						t.Errorf("in pieces of %d: got\n%s\nwant\n%s", size, got, test.want)
					}
					continue
				}
				compare(t, got, test.want)
			}
		})
	}
}

// TestUnasked has servers send what nobody asked for.
func TestUnasked(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	t.Run("before the first request", func(t *testing.T) {
		c := connect(t, script(t, func(socket *net.TCPConn) {
			io.WriteString(socket, answer)
			silence(socket)
		}), calm)
		c.awaitUnusable(client.ErrUnasked)
	})
	t.Run("right behind an answer", func(t *testing.T) {
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, answer+answer)
			silence(socket)
		}), calm)
		c.start(request("GET /", 0))
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=0\nready\n(the server sent what nobody asked for: 38 bytes behind an answer)")
		c.awaitUnusable(client.ErrUnasked)
	})
	t.Run("between two requests", func(t *testing.T) {
		heard := make(chan struct{})
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, answer)
			<-heard
			io.WriteString(socket, answer)
			silence(socket)
		}), calm)
		c.start(request("GET /", 0))
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=0\nready"+ended)
		close(heard)
		c.awaitUnusable(client.ErrUnasked)
	})
	t.Run("before the request is complete", func(t *testing.T) {
		heard := make(chan struct{})
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, answer)
			<-heard
			io.Copy(socket, strings.NewReader(strings.Repeat("x", 1<<20)))
			silence(socket)
		}), calm)
		c.start(request("PUT /", 10))
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=0\nready"+ended)
		close(heard)
		for began := time.Now(); ; time.Sleep(time.Millisecond) {
			if err := c.Write(nil); errors.Is(err, client.ErrUnasked) {
				return
			} else if err != nil || time.Since(began) > wait {
				t.Fatal(err)
			}
		}
	})
	t.Run("behind the last answer", func(t *testing.T) {
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, "HTTP/1.1 204 x\r\nConnection: close\r\n\r\n"+answer)
			silence(socket)
		}), calm)
		c.start(request("GET /", 0))
		compare(t, c.hear(), "204 x 1.1\nheader Connection=close\nready\nclosed"+ended)
		c.awaitUnusable(client.ErrClosed)
	})
	t.Run("the end", func(t *testing.T) {
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, answer)
		}), calm)
		c.start(request("GET /", 0))
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=0\nready"+ended)
		c.awaitUnusable(client.ErrClosed)
	})
}

// awaitUnusable waits until a connection turns out to be unusable, and why.
func (c conn) awaitUnusable(want error) {
	c.t.Helper()
	for began := time.Now(); c.Reusable(); time.Sleep(time.Millisecond) {
		if time.Since(began) > wait {
			c.t.Fatal("the connection stays reusable")
		}
	}
	if err := c.Start(request("GET /", 0)); !errors.Is(err, want) {
		c.t.Errorf("start: %v, want %v", err, want)
	}
}

// TestEarlyAnswer answers before the request is complete, and reads no further.
func TestEarlyAnswer(t *testing.T) {
	const answer = "HTTP/1.1 413 no\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
	ends := map[string]func(socket *net.TCPConn){
		"stays":  func(socket *net.TCPConn) { time.Sleep(100 * time.Millisecond) },
		"closes": func(*net.TCPConn) {},
		"half-closes": func(socket *net.TCPConn) {
			socket.CloseWrite()
			time.Sleep(100 * time.Millisecond)
		},
	}
	for name, end := range ends {
		for _, length := range []int64{1 << 40, client.Streamed} {
			t.Run(fmt.Sprint(name, length), func(t *testing.T) {
				c := connect(t, script(t, func(socket *net.TCPConn) {
					readHead(socket)
					time.Sleep(50 * time.Millisecond)
					io.WriteString(socket, answer)
					end(socket)
				}), calm)
				c.start(request("PUT /", length))
				err := c.writeAll(make([]byte, 64<<10), 1<<30)
				if !errors.Is(err, client.ErrAnswering) {
					t.Fatalf("write: %v", err)
				}
				compare(t, c.hear(), "413 no 1.1\nheader Connection=close Content-Length=2\nbody no\nready\nclosed"+ended)
				if c.Reusable() {
					t.Error("reusable")
				}
			})
		}
	}
	t.Run("and reads on", func(t *testing.T) {
		c := connect(t, script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, "HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n")
			io.CopyN(io.Discard, socket, 10)
			readHead(socket)
			io.WriteString(socket, "HTTP/1.1 204 x\r\n\r\n")
		}), calm)
		c.start(request("PUT /", 10))
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		compare(t, c.hear(), "404 no 1.1\nheader Content-Length=0\nready"+ended)
		if c.Reusable() {
			t.Error("reusable before the request is complete")
		}
		c.send("0123456789")
		c.start(request("GET /", 0))
		compare(t, c.hear(), "204 x 1.1\nheader\nready"+ended)
	})
}

// writeAll writes a piece again and again, until so many bytes are sent or an error comes.
func (c conn) writeAll(piece []byte, most int) error {
	for sent := 0; sent < most; sent += len(piece) {
		if err := c.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// TestBothWays sends a body that comes back while it is sent: much more than sockets hold, so that each side would wait for
// the other if the client did not hear.
func TestBothWays(t *testing.T) {
	const size = 24 << 20
	c := connect(t, script(t, func(socket *net.TCPConn) {
		socket.SetReadBuffer(64 << 10)
		socket.SetWriteBuffer(64 << 10)
		readHead(socket)
		fmt.Fprintf(socket, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		io.CopyBuffer(struct{ io.Writer }{socket}, io.LimitReader(socket, size), make([]byte, 32<<10))
	}), calm)
	c.start(request("PUT /", size))
	pattern := bytes.Repeat([]byte("0123456789abcdef"), 8<<10)
	piece := pattern[:len(pattern)/2]
	heard := 0
	take := func(ev *client.Event) {
		if !bytes.Equal(ev.Data, pattern[heard%16:][:len(ev.Data)]) {
			t.Fatalf("another body comes back, from byte %d", heard)
		}
		heard += len(ev.Data)
	}
	for sent := 0; sent < size; {
		err := c.Write(piece)
		switch {
		case err == nil:
			sent += len(piece)
		case errors.Is(err, client.ErrAnswering):
			ev := c.next()
			take(&ev)
		default:
			t.Fatal(err)
		}
	}
	for c.End() != nil {
		ev := c.next()
		take(&ev)
	}
	for {
		ev := c.next()
		if ev.Kind == abi.EventReady {
			break
		}
		take(&ev)
	}
	if heard != size {
		t.Errorf("%d bytes came back, want %d", heard, size)
	}
}

// TestTimes lets each of the server's times run out.
func TestTimes(t *testing.T) {
	const short = time.Second
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
	tests := []struct {
		name   string
		answer string
		// drips has the server go on byte by byte.
		drips bool
		times client.Times
		want  string
	}{
		{"no answer", "", false, client.Times{Head: short}, "(the server took too long to answer)"},
		{"a slow head", "HTTP/1.1 200 OK\r\nA: ", true, client.Times{Head: short}, "200 OK 1.1\n(the server took too long to answer)"},
		{"a slow body", ok + "1", false, client.Times{BodyIdle: short}, "200 OK 1.1\nheader Content-Length=2\nbody 1\n(the server took too long to answer)"},
		{"a slow tunnel", "HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\nabc", false, client.Times{Raw: short},
			"101 x 1.1\nheader Upgrade=x\nupgraded\nbody abc\n(the server took too long to answer)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := script(t, func(socket *net.TCPConn) {
				readHead(socket)
				_, err := io.WriteString(socket, test.answer)
				for ; test.drips && err == nil; time.Sleep(5 * time.Millisecond) {
					_, err = io.WriteString(socket, "x")
				}
				silence(socket)
			})
			c := connect(t, addr, calmBut(test.times))
			began := time.Now()
			c.start(request("GET /", 0, "Upgrade", "x"))
			compare(t, c.hear(), test.want)
			if took := time.Since(began); took < short*9/10 || took > wait/2 {
				t.Errorf("after %v", took)
			}
			if err := c.Start(request("GET /", 0)); !errors.Is(err, client.ErrTimeout) {
				t.Errorf("start: %v", err)
			}
		})
	}
	t.Run("a server that does not read", func(t *testing.T) {
		t.Parallel()
		end := make(chan struct{})
		addr := script(t, func(*net.TCPConn) { <-end })
		t.Cleanup(func() { close(end) })
		c := connect(t, addr, calmBut(client.Times{WriteIdle: short}))
		c.start(request("PUT /", client.Streamed))
		if err := c.writeAll(make([]byte, 64<<10), 1<<30); !errors.Is(err, client.ErrTimeout) {
			t.Errorf("write: %v", err)
		}
	})
	t.Run("a server that reads slowly", func(t *testing.T) {
		t.Parallel()
		c := connect(t, script(t, func(socket *net.TCPConn) {
			socket.SetReadBuffer(16 << 10)
			for range 20 {
				io.CopyN(io.Discard, socket, 32<<10)
				time.Sleep(50 * time.Millisecond)
			}
			silence(socket)
		}), calmBut(client.Times{WriteIdle: 2 * time.Second}))
		c.start(request("PUT /", client.Streamed))
		if err := c.writeAll(make([]byte, 1<<20), 8<<20); err != nil {
			t.Errorf("write: %v", err)
		}
	})
}

// calmBut are calm times but for those that are given.
func calmBut(times client.Times) client.Times {
	or := func(a, b time.Duration) time.Duration {
		if a == 0 {
			return b
		}
		return a
	}
	return client.Times{
		Continue: or(times.Continue, calm.Continue), Head: or(times.Head, calm.Head), BodyIdle: or(times.BodyIdle, calm.BodyIdle),
		WriteIdle: or(times.WriteIdle, calm.WriteIdle), Raw: or(times.Raw, calm.Raw),
	}
}

// TestPlainSocket uses a socket that has nothing but the methods of net.Conn, and no buffer.
func TestPlainSocket(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		readHead(theirs)
		io.CopyN(io.Discard, theirs, 5)
		io.WriteString(theirs, "HTTP/1.1 200 OK\r\n\r\nabc")
	}()
	c := over(t, ours, calm)
	c.start(request("PUT /", 5))
	c.send("hello")
	compare(t, c.hear(), "200 OK 1.1\nheader until-close\nbody abc\nready\nclosed"+ended)
}

// TestClose closes a connection of which much is unread. Close waits for the connection's goroutine, which must not wait for
// anybody then.
func TestClose(t *testing.T) {
	c := connect(t, script(t, func(socket *net.TCPConn) {
		io.Copy(socket, strings.NewReader(strings.Repeat("HTTP/1.1 102 x\r\n\r\n", 10000)))
		silence(socket)
	}), calm)
	c.start(request("PUT /", 5))
	if ev := c.next(); ev.Status != 102 {
		t.Error(describe(&ev))
	}
}

// deaf is a socket that takes some bytes and then no more. What it says comes when it has stopped.
type deaf struct {
	net.Conn
	room    int
	stopped chan struct{}
	says    io.Reader
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		close(d.stopped)
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (d *deaf) Read(p []byte) (int, error) {
	<-d.stopped
	return d.says.Read(p)
}

// TestLost writes to a server that is gone. What it has said before is heard.
func TestLost(t *testing.T) {
	tests := []struct{ name, says, want string }{
		{"after an answer", "HTTP/1.1 413 no\r\nContent-Length: 2\r\n\r\nno", "413 no 1.1\nheader Content-Length=2\nbody no\nready\nclosed" + ended},
		{"inside an answer", "HTTP/1.1 413 no\r\nContent-Length: 2\r\n\r\nn", "413 no 1.1\nheader Content-Length=2\nbody n\n(the connection was cut: truncated at byte 39)"},
		{"inside a head", "HTTP/1.1 413 no\r\nContent", "413 no 1.1\n(the connection was cut: truncated at byte 24)"},
		{"without an answer", "", "(the connection was cut: truncated at byte 0)"},
	}
	for _, test := range tests {
		for _, small := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, ", small pieces ", small), func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer theirs.Close()
				var says io.Reader = strings.NewReader(test.says)
				if small {
					says = iotest.OneByteReader(says)
				}
				c := over(t, &deaf{Conn: ours, room: 1 << 10, stopped: make(chan struct{}), says: says}, calm)
				c.start(request("PUT /", client.Streamed))
				var err error
				for err == nil {
					err = c.Write([]byte("piece"))
				}
				if !errors.Is(err, client.ErrAnswering) && !errors.Is(err, client.ErrCut) {
					t.Error(err)
				}
				compare(t, c.hear(), test.want)
				if err := c.Write([]byte("piece")); !errors.Is(err, client.ErrCut) {
					t.Errorf("write: %v", err)
				}
				if c.Reusable() {
					t.Error("reusable")
				}
			})
		}
	}
}

// TestBrokenCore loses the core under a connection.
func TestBrokenCore(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	cores := newCores(t, 1)
	c, err := client.New(cores, ours, calm)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cores.Close()
	if err := c.Start(request("GET /", 0)); !errors.Is(err, core.ErrBroken) {
		t.Error(err)
	}
}
