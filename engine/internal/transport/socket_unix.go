//go:build unix

package transport

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// socket is the non-blocking side of a connection's socket. A slot is taken after the socket turned out to be readable,
// never before a wait.
type rawSocket struct {
	conn syscall.RawConn
	// readable and writable are kept, so that a read or a write makes no closure.
	readable, writable func(fd uintptr) (done bool)
	n                  int
	err                error
}

// openRaw prepares non-blocking reading and writing, where the socket allows it.
func (c *conn) openRaw() {
	descriptor, ok := c.socket.(syscall.Conn)
	if !ok {
		return
	}
	if _, ok := c.socket.(*net.TCPConn); !ok {
		if _, ok := c.socket.(*net.UnixConn); !ok {
			return
		}
	}
	raw, err := descriptor.SyscallConn()
	if err != nil {
		return
	}
	c.raw = rawSocket{conn: raw, readable: c.tryRead, writable: c.tryWrite}
}

// readSocket waits until the socket is readable and reads into the slot.
func (c *conn) readSocket() (int, error) {
	if c.raw.conn == nil {
		return c.readCopied()
	}
	c.unlock()
	err := c.raw.conn.Read(c.raw.readable)
	c.lock()
	if err != nil {
		return 0, err
	}
	return c.raw.n, c.raw.err
}

// tryRead reads if it can; if not, it parks and has the poller wait.
func (c *conn) tryRead(fd uintptr) (done bool) {
	c.lock()
	defer c.unlock()
	c.occupy()
	for {
		n, err := syscall.Read(int(fd), c.room())
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			c.park()
			return false
		case err != nil:
			c.raw.n, c.raw.err = 0, err
		case n == 0:
			c.raw.n, c.raw.err = 0, io.EOF
		default:
			c.raw.n, c.raw.err = n, nil
		}
		return true
	}
}

// tryReadNow reads what is there, without waiting. 0 when nothing is.
func (c *conn) tryReadNow() (n int, err error) {
	if c.raw.conn == nil {
		return c.tryReadCopied()
	}
	done := false
	c.unlock()
	err = c.raw.conn.Control(func(fd uintptr) { done = c.tryRead(fd) })
	c.lock()
	if err != nil || !done {
		return 0, err
	}
	return c.raw.n, c.raw.err
}

// writeSocket writes some of the output, and waits until it can.
func (c *conn) writeSocket() (int, error) {
	if c.raw.conn == nil {
		return c.writeBlocking()
	}
	c.unlock()
	err := c.raw.conn.Write(c.raw.writable)
	c.lock()
	if err != nil {
		return 0, err
	}
	return c.raw.n, c.raw.err
}

// tryWrite writes if it can; if not, it parks and has the poller wait.
func (c *conn) tryWrite(fd uintptr) (done bool) {
	c.lock()
	defer c.unlock()
	for {
		n, err := syscall.Write(int(fd), c.output.pending())
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			c.doTask()
			c.park()
			return false
		}
		c.raw.n, c.raw.err = max(n, 0), err
		return true
	}
}

// tryWriteNow writes what the peer takes at once. What is left, and any error, is found by the next flush. The slot is not
// parked: whoever sends may still look at what lies in it.
func (c *conn) tryWriteNow() {
	if c.raw.conn == nil || len(c.output.pending()) == 0 {
		return
	}
	_ = c.raw.conn.Control(func(fd uintptr) {
		if n, err := syscall.Write(int(fd), c.output.pending()); err == nil {
			c.output.written += n
		}
	})
}
