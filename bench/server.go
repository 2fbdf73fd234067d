package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"
)

// usage is what a server has used since it started.
type usage struct {
	User    time.Duration `json:"user_ns"`
	System  time.Duration `json:"system_ns"`
	Mallocs uint64        `json:"mallocs"`
	Bytes   uint64        `json:"malloc_bytes"`
	// NoHeap says that what the server allocates is not known.
	NoHeap bool `json:"no_heap,omitempty"`
}

func (u usage) cpu() time.Duration { return u.User + u.System }

func (u usage) since(earlier usage) usage {
	return usage{u.User - earlier.User, u.System - earlier.System, u.Mallocs - earlier.Mallocs, u.Bytes - earlier.Bytes, u.NoHeap}
}

// running is a server that listens.
type running struct {
	address string
	// usage tells what the server has used: this process, where the server runs in it.
	usage func() (usage, error)
}

// server is the subcommand that runs one server.
func server(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which server? Give its name")
	}
	name := args[0]
	r, err := rivalNamed(name, hellos, scripts)
	if err != nil {
		return err
	}
	var wasm, profiles string
	flags := newFlags("bench server")
	wasmFlag(flags, &wasm)
	flags.StringVar(&profiles, "cpuprofile", "", "write the CPU profile into `DIR`")
	if err := parse(flags, args[1:]); err != nil {
		return err
	}
	module, err := r.readWasm(wasm)
	if err != nil {
		return err
	}
	listening, err := r.run(ctx, module)
	if err != nil {
		return err
	}
	stop, err := startProfile(profiles, name)
	if err != nil {
		return err
	}
	return errors.Join(serveRequests(listening, os.Stdin, os.Stdout), stop())
}

// serveRequests tells the parent the address, and for every line from it what was used, until its lines end.
func serveRequests(r *running, in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintln(out, r.address); err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		used, err := r.usage()
		if err != nil {
			return err
		}
		if err := encoder.Encode(used); err != nil {
			return err
		}
	}
	return lines.Err()
}

// startProfile profiles from here to the call of stop, if a directory is given.
func startProfile(dir, name string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// inProcess runs a server in this process.
func inProcess(ctx context.Context, serve func(net.Listener) error) (*running, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		// Only a failure ends it: the process does not close its listener.
		fmt.Fprintln(os.Stderr, "bench: server:", serve(listener))
		os.Exit(1)
	}()
	return &running{address: listener.Addr().String(), usage: ownUsage}, nil
}

// ownUsage is what this process has used.
func ownUsage() (usage, error) {
	user, system, err := ownCPU()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return usage{User: user, System: system, Mallocs: memory.Mallocs, Bytes: memory.TotalAlloc}, err
}
