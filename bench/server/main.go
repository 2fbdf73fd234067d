// Command server runs one of the servers that are written in Go, in a process of its own, for the benchmarks. It prints its
// address, and ends when its stdin does or when it is told to.
//
// Its files, top down: main (the command line), raw, nethttp and fasthttp (servers), answers (what they answer), sluice (ours).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

// options are the flags. All but the first are Sluice's.
type options struct {
	profiles string

	handlers        map[string]string
	spin            string
	cache           string
	isolation, core string
	tenants         string
}

// servers are what can be run, by their names.
var servers = map[string]func(context.Context, *options) (serve func(net.Listener) error, err error){
	"raw":      func(context.Context, *options) (func(net.Listener) error, error) { return serveRaw, nil },
	"net/http": func(context.Context, *options) (func(net.Listener) error, error) { return serveHTTP, nil },
	"fasthttp": func(context.Context, *options) (func(net.Listener) error, error) { return serveFast, nil },
	"sluice":   newSluice,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := pflag.NewFlagSet("server NAME", pflag.ContinueOnError)
	flags.StringVar(&o.profiles, "cpuprofile", "", "write the CPU profile into `DIR`")
	flags.StringToStringVar(&o.handlers, "handler", nil, "sluice: the modules that answer, by path, `PATH=FILE`; / stands for all others")
	flags.StringVar(&o.cache, "cache", "", "sluice: keep compiled modules in `DIR`")
	flags.StringVar(&o.isolation, "isolation", "request", "sluice: who shares an instance, `POLICY` request, connection or shared")
	flags.StringVar(&o.core, "core", "wasm", "sluice: how the parser runs, `WAY` wasm or native")
	flags.StringVar(&o.spin, "spin", "", "sluice: the module of a second tenant, spin.example, a `FILE`")
	flags.StringVar(&o.tenants, "tenants", "", "sluice: the modules 0.wasm, 1.wasm … of tenants t0.example, t1.example …, a `DIR`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || servers[flags.Arg(0)] == nil {
		return fmt.Errorf("%q is no server; there are raw, net/http, fasthttp and sluice", flags.Args())
	}
	serve, err := servers[flags.Arg(0)](ctx, &o)
	if err != nil {
		return err
	}
	stop, err := startProfile(o.profiles, flags.Arg(0))
	if err != nil {
		return err
	}
	return errors.Join(listen(ctx, serve), stop())
}

// listen serves until stdin ends.
func listen(ctx context.Context, serve func(net.Listener) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- serve(listener) }() // only when it fails: nobody closes the listener
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	fmt.Println(listener.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// startProfile profiles from here to the call of stop, if a directory is given.
func startProfile(dir, name string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	name = fmt.Sprintf("%s-%d.pprof", strings.ReplaceAll(name, "/", "-"), os.Getpid())
	file, err := os.Create(filepath.Join(dir, name))
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
