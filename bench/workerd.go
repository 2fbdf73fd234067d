package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// rivalsDir has the servers that come from npm. The benchmarks are started in the root of the repository.
const rivalsDir = "bench/rivals"

// runWorkerd serves hello.js by workerd, the runtime of Cloudflare Workers, as its package configures it. The socket is made
// here, so that nobody has to guess a port.
func runWorkerd(ctx context.Context, _ []byte) (*running, error) {
	// The package's own command is a script that starts the program and stays beside it.
	programs, _ := filepath.Glob(filepath.Join(rivalsDir, "node_modules/@cloudflare/workerd-*/bin/workerd"))
	if len(programs) != 1 {
		return nil, fmt.Errorf("workerd is not installed; ./build.sh bench js does that: %w", fs.ErrNotExist)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	cmd := exec.CommandContext(ctx, programs[0], "serve", "--socket-fd", "http=3", filepath.Join(rivalsDir, "workerd.capnp"))
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{socket}
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		// It ends with this process, and not before.
		fmt.Fprintln(os.Stderr, "bench: workerd:", errors.Join(cmd.Wait(), errors.New("it ended")))
		os.Exit(1)
	}()
	return &running{address: listener.Addr().String(), usage: func() (usage, error) { return usageOf(cmd.Process.Pid) }}, nil
}
