package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// socket is a connection's end of the way to its peer. There are two kinds: those that a loop watches, in loop.go, and
// [blocking] ones. Only the connection's goroutine calls the methods, but for interrupt and shut.
type socket interface {
	// start has the connection served from now on.
	start(c *conn) error
	// rest lets go of a connection that waits for a head: somebody serves it again when there is something to do. It reports
	// false when there is something to do already. After true, the connection is another goroutine's.
	rest() bool

	// read waits for bytes and reads some behind those in the slot. It fails with io.EOF at the end, errResting where the
	// connection can rest instead, and os.ErrDeadlineExceeded once it was interrupted.
	read(c *conn) (int, error)
	// readReady is read where it is known that there is something to read, tryRead where it is not. 0 when there is nothing.
	readReady(c *conn) (int, error)
	tryRead(c *conn) (int, error)
	// write writes some of the output, and waits until it can. It can be interrupted, too.
	write(c *conn) (int, error)
	// tryWrite writes what the peer takes at once. What is left, and any error, is found by the next flush. The slot is not
	// parked: whoever sends may still look at what lies in it.
	tryWrite(c *conn)
	// tryWriteWith is tryWrite with content behind the output. It returns how much of the content went out; none, if not all of
	// the output did.
	tryWriteWith(c *conn, content []byte) (taken int)
	// skip reads and drops what comes until the end, but no longer than for some time and not more than so many bytes.
	skip(c *conn, most int, d time.Duration)

	// interrupt ends what read or write waits for, or the next such wait, until calm is called.
	interrupt()
	calm() error
	// closeWrite ends our direction, or returns errors.ErrUnsupported.
	closeWrite() error
	// reset has close end the connection in a way that its peer cannot take for an orderly end.
	reset()
	// shut ends both directions at once.
	shut()
	close()
	// affinity is the processor that serves the connection as a rule: a number below the server's processors.
	affinity() int
	peer() net.Addr
}

// errResting says that a connection waits for a head, and needs no goroutine until something comes.
var errResting = errors.New("resting")

// blocking is a socket that is read and written in the way every net.Conn can be: TLS connections, and all sockets where
// there are no loops. They cannot say whether they are readable, so they are read into memory of the connection, and the
// bytes are copied to a slot.
type blocking struct {
	net.Conn
	copied    []byte
	processor int
}

func (s *Server) newBlocking(accepted net.Conn) *blocking {
	return &blocking{Conn: accepted, processor: s.processor(s.turn.Add(1))}
}

// copiedSize is the most that is read at a time in this way, in bytes. A reader that wants bytes leaves as much room in
// its slot.
const copiedSize = 4 << 10

func (s *blocking) start(c *conn) error {
	go c.serve()
	return nil
}

// rest is never called: read does not return errResting.
func (s *blocking) rest() bool { return false }

func (s *blocking) read(c *conn) (int, error) {
	c.park()
	if s.copied == nil {
		s.copied = make([]byte, copiedSize)
	}
	c.unlock()
	n, err := s.Read(s.copied)
	c.lock()
	if n == 0 {
		return 0, err
	}
	return copy(c.room(), s.copied[:n]), nil
}

// readReady and tryRead read nothing: such a socket cannot be asked without waiting.
func (s *blocking) readReady(*conn) (int, error) { return 0, nil }

func (s *blocking) tryRead(*conn) (int, error) { return 0, nil }

// write does not let what waits until the output has gone out wait for a long one, which may take as long as the peer likes.
func (s *blocking) write(c *conn) (int, error) {
	if len(c.output.pending()) > copiedSize {
		c.doTask()
	}
	c.park()
	if c.shared != nil {
		// Others may append to the output meanwhile, which may move it.
		pending := bytes.Clone(c.output.pending())
		c.unlock()
		defer c.lock()
		return s.Write(pending)
	}
	return s.Write(c.output.pending())
}

func (s *blocking) tryWrite(*conn) {}

func (s *blocking) tryWriteWith(*conn, []byte) int { return 0 }

func (s *blocking) skip(c *conn, most int, d time.Duration) {
	_ = s.SetDeadline(time.Now().Add(d))
	_, _ = io.CopyN(io.Discard, readerOnly{s.Conn}, int64(most))
}

// readerOnly hides a socket's other methods from io.Copy.
type readerOnly struct{ net.Conn }

func (s *blocking) interrupt() { _ = s.SetDeadline(time.Unix(1, 0)) }

func (s *blocking) calm() error { return s.SetDeadline(time.Time{}) }

func (s *blocking) closeWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

func (s *blocking) reset() {
	if tcp, ok := s.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func (s *blocking) shut() { s.Close() }

func (s *blocking) close() { s.Close() }

func (s *blocking) affinity() int { return s.processor }

func (s *blocking) peer() net.Addr { return s.RemoteAddr() }
