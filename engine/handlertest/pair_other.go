//go:build !unix

package handlertest

import "net"

// pair makes two connected sockets, on the loopback interface.
func pair() (a, b net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if a, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	if b, err = listener.Accept(); err != nil {
		a.Close()
		return nil, nil, err
	}
	return a, b, nil
}
