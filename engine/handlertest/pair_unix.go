//go:build unix

package handlertest

import (
	"net"
	"os"
	"syscall"
)

// pair makes two connected sockets. They have no address, and the engine waits for them, reads and writes as it does with
// those of TCP.
func pair() (a, b net.Conn, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	a, err = fileConn(fds[0])
	if err != nil {
		_ = syscall.Close(fds[1])
		return nil, nil, err
	}
	if b, err = fileConn(fds[1]); err != nil {
		a.Close()
		return nil, nil, err
	}
	return a, b, nil
}

// fileConn makes a connection of a descriptor, which it closes.
func fileConn(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "socketpair")
	defer file.Close() // the connection has a descriptor of its own
	return net.FileConn(file)
}
