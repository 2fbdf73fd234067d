package transport

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Go's net package waits for connections. It also prepares each for its own poller, which costs as much again as accepting it.
// So only the first of those that have come is accepted by it.

// queue is the operating system's queue of connections that have come to a listener.
type queue struct{ listener syscall.RawConn }

// newQueue is the queue of a listener; nil where connections are not sockets of the operating system.
func newQueue(listener net.Listener) *queue {
	descriptor, ok := listener.(syscall.Conn)
	switch listener.(type) {
	case *net.TCPListener:
	case *net.UnixListener:
	default:
		ok = false
	}
	if !ok {
		return nil
	}
	raw, err := descriptor.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) { prepare(int(fd)) })
	return &queue{raw}
}

// prepare has the connections of a listener be as Go makes its own: they send at once, and ask silent peers after 15 seconds
// whether they are still there. Connections have from Linux what their listener has; those of a Unix socket know nothing of it.
func prepare(listener int) {
	for _, option := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
	} {
		_ = unix.SetsockoptInt(listener, option.level, option.name, option.value)
	}
}

// takeFrom takes a connection out of a queue; nil when none waits, or none can be taken: accepting then finds out why.
func (s *Server) takeFrom(q *queue) socket {
	if q == nil {
		return nil
	}
	var fd int
	var from unix.Sockaddr
	var failed error
	err := q.listener.Control(func(listener uintptr) {
		fd, from, failed = unix.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	})
	if err != nil || failed != nil {
		return nil
	}
	return s.newPolled(fd, address(from))
}

// address is the peer's, for the log.
func address(from unix.Sockaddr) net.Addr {
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: from.Addr[:], Port: from.Port}
	case *unix.SockaddrInet6:
		zone := ""
		if from.ZoneId != 0 {
			if link, err := net.InterfaceByIndex(int(from.ZoneId)); err == nil {
				zone = link.Name
			}
		}
		return &net.TCPAddr{IP: from.Addr[:], Port: from.Port, Zone: zone}
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: from.Name, Net: "unix"}
	}
	return &net.UnixAddr{}
}

// newSocket makes a connection's socket: one that a loop watches, where it can.
func (s *Server) newSocket(accepted net.Conn) socket {
	switch accepted.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return s.newBlocking(accepted)
	}
	fd, err := takeDescriptor(accepted.(syscall.Conn))
	if err != nil {
		return s.newBlocking(accepted)
	}
	// Go's own poller watches what it has accepted, and would be woken each time something comes.
	accepted.Close()
	return s.newPolled(fd, accepted.RemoteAddr())
}

// newPolled makes a socket of a descriptor, which it owns from then on. The loops have sockets in turn.
func (s *Server) newPolled(fd int, peer net.Addr) *polled {
	turn := s.turn.Add(1)
	l := s.loops.all[s.processor(turn)]
	return &polled{loop: l, place: noPlace, fd: fd, age: int32(turn), address: peer, signal: make(chan struct{}, 1)}
}

// takeDescriptor gives a descriptor of the socket that stays open when the connection is closed.
func takeDescriptor(accepted syscall.Conn) (fd int, err error) {
	raw, err := accepted.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(original uintptr) {
		fd, failed = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(err, failed)
}
