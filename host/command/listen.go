package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
)

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err == nil {
		return listener, nil
	}
	var failed *net.OpError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = errors.New("the address is in use; stop the other program or choose another address with --addr")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = errors.New("the address is not one of this machine's; choose another address with --addr")
	case errors.Is(err, syscall.EACCES):
		err = errors.New("permission denied; choose a port above 1023 with --addr")
	case errors.As(err, &failed):
		err = fmt.Errorf("%w; choose another address with --addr", failed.Err)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// browsable is a URL that reaches a listening address from this machine.
func browsable(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}
	return u.String()
}
