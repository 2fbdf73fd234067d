package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// polled is a socket that a loop watches.
//
// The operating system tells of each change once. So what is known of the socket is kept in state, as bits: the loop sets
// them, and who reads or writes clears one before it tries, so that a change which comes meanwhile is not lost.
type polled struct {
	loop *loop
	conn *conn
	// place and age are how the loop finds the socket.
	place, age int32
	address    net.Addr

	state atomic.Uint32
	// signal wakes the goroutine that waits.
	signal chan struct{}
	// writing says that the loop watches for room, too.
	writing bool

	// closing is held by those who must not meet another socket's descriptor.
	closing sync.Mutex
	fd      int // -1 once closed
}

// The bits of a polled socket's state.
const (
	// readable and writable: it is worth trying.
	readable = 1 << iota
	writable
	// hungUp: the peer has ended its direction, or both. No further change may come.
	hungUp
	// interrupted: whoever waits has to look at more than the socket.
	interrupted
	// owned: a goroutine serves the connection, and does so alone.
	owned
	// waiting: it waits for the signal.
	waiting
)

// readiness is what an event says about a socket.
func readiness(events uint32) (bits uint32) {
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= readable
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= writable
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= hungUp
	}
	return bits
}

// ready notes what the socket is ready for, or that it was interrupted, and wakes who waits for it. It reports true when
// nobody serves the connection and there is something to do: the caller does, and owns it.
func (s *polled) ready(bits uint32) (mine bool) {
	for {
		old := s.state.Load()
		state := old | bits
		mine = old&owned == 0 && state&(readable|interrupted) != 0
		if mine {
			state |= owned
		}
		if s.state.CompareAndSwap(old, state&^waiting) {
			if old&waiting != 0 {
				s.signal <- struct{}{}
			}
			return mine
		}
	}
}

func (s *polled) start(c *conn) error {
	s.conn = c
	return s.loop.watch(s)
}

func (s *polled) rest() bool {
	for {
		old := s.state.Load()
		if old&(readable|interrupted) != 0 {
			return false
		}
		if s.state.CompareAndSwap(old, old&^owned) {
			return true
		}
	}
}

// clear takes bits away and reports whether one was set.
func (s *polled) clear(bits uint32) bool { return s.state.And(^bits)&bits != 0 }

func (s *polled) read(c *conn) (int, error) {
	for {
		n, err := s.readReady(c)
		if n > 0 || err != nil {
			return n, err
		}
		c.park()
		if s.clear(interrupted) {
			return 0, os.ErrDeadlineExceeded
		}
		if c.state.get() == StateReceivingHeaders {
			return 0, errResting
		}
		if err := s.wait(c, readable); err != nil {
			return 0, err
		}
	}
}

func (s *polled) tryRead(c *conn) (int, error) {
	s.state.Or(readable) // the loop may not know yet
	return s.readReady(c)
}

func (s *polled) readReady(c *conn) (int, error) {
	for s.clear(readable) {
		room := c.room()
		n, err := transfer(unix.SYS_RECVFROM, s.fd, room)
		switch {
		case err == unix.EAGAIN:
			return 0, nil
		case err == unix.EINTR:
			s.state.Or(readable)
		case err != 0:
			return 0, os.NewSyscallError("recvfrom", err)
		case n == 0:
			s.state.Or(readable) // whoever reads again finds the end again
			return 0, io.EOF
		default:
			if n == len(room) || s.state.Load()&hungUp != 0 {
				s.state.Or(readable)
			}
			c.step()
			return n, nil
		}
	}
	return 0, nil
}

func (s *polled) write(c *conn) (int, error) {
	for {
		n, err := s.writeSome(c.output.pending())
		if err != unix.EAGAIN {
			return n, asError("sendto", err)
		}
		c.doTask()
		c.park()
		if err := s.watchWriting(); err != nil {
			return 0, err
		}
		if err := s.wait(c, writable); err != nil {
			return 0, err
		}
	}
}

func (s *polled) tryWrite(c *conn) {
	if pending := c.output.pending(); len(pending) > 0 {
		n, _ := s.writeSome(pending)
		c.output.written += n
	}
}

func (s *polled) tryWriteWith(c *conn, content []byte) (taken int) {
	var parts [2]unix.Iovec
	message := unix.Msghdr{Iov: &parts[0]}
	for _, part := range [][]byte{c.output.pending(), content} {
		if len(part) > 0 {
			iov := &parts[message.Iovlen]
			iov.Base = unsafe.SliceData(part)
			iov.SetLen(len(part))
			message.Iovlen++
		}
	}
	s.clear(writable)
	n, _, err := syscall.Syscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&message)), unix.MSG_NOSIGNAL)
	if err != 0 {
		return 0
	}
	return c.output.wrote(int(n))
}

func (s *polled) writeSome(content []byte) (int, syscall.Errno) {
	s.clear(writable)
	for {
		n, err := transfer(unix.SYS_SENDTO, s.fd, content)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// watchWriting has the loop tell when there is room, from the first time on that there is none.
func (s *polled) watchWriting() error {
	if s.writing {
		return nil
	}
	s.writing = true
	return s.loop.watchWriting(s)
}

func asError(call string, err syscall.Errno) error {
	if err == 0 {
		return nil
	}
	return os.NewSyscallError(call, err)
}

// transferAtOnce is how much is read or written without telling Go's scheduler that it may take some time, in bytes.
const transferAtOnce = 16 << 10

// transfer receives or sends. The socket does not block, and a peer that is gone sends no signal.
func transfer(call uintptr, fd int, content []byte) (int, syscall.Errno) {
	const flags = unix.MSG_NOSIGNAL
	var n uintptr
	var err syscall.Errno
	if len(content) <= transferAtOnce {
		n, _, err = syscall.RawSyscall6(call, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(content))), uintptr(len(content)), flags, 0, 0)
	} else {
		n, _, err = syscall.Syscall6(call, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(content))), uintptr(len(content)), flags, 0, 0)
	}
	if err != 0 {
		return 0, err
	}
	return int(n), 0
}

// wait waits until the socket is readable or writable, or the wait is interrupted.
func (s *polled) wait(c *conn, bit uint32) error {
	c.yield()
	c.unlock()
	defer c.lock()
	for {
		if s.clear(interrupted) {
			return os.ErrDeadlineExceeded
		}
		old := s.state.Load()
		if old&bit != 0 {
			return nil
		}
		if old&interrupted == 0 && s.state.CompareAndSwap(old, old|waiting) {
			<-s.signal
		}
	}
}

func (s *polled) skip(c *conn, most int, d time.Duration) {
	deadline := c.server.clock.after(d)
	c.deadline.Store(deadline)
	defer c.deadline.Store(0)
	dropped := make([]byte, copiedSize)
	for most > 0 {
		s.clear(readable)
		n, err := transfer(unix.SYS_RECVFROM, s.fd, dropped[:min(most, len(dropped))])
		switch {
		case err == unix.EAGAIN:
			if s.wait(c, readable) != nil && c.server.clock.now() > deadline {
				return
			}
		case err == unix.EINTR:
		case err != 0 || n == 0:
			return
		}
		most -= n
	}
}

func (s *polled) interrupt() {
	if s.ready(interrupted) {
		go s.conn.serve()
	}
}

func (s *polled) calm() error {
	s.clear(interrupted)
	return nil
}

func (s *polled) closeWrite() error {
	return os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
}

func (s *polled) reset() {
	_ = unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

func (s *polled) shut() {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.fd >= 0 {
		_ = unix.Shutdown(s.fd, unix.SHUT_RDWR)
	}
}

func (s *polled) close() {
	s.closing.Lock()
	defer s.closing.Unlock()
	s.loop.forget(s)
	unix.Close(s.fd)
	s.fd = -1
}

func (s *polled) affinity() int { return s.loop.number }

func (s *polled) peer() net.Addr { return s.address }
