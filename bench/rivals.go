package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicehttp/sluice/engine"
)

// contest is a comparison of servers that answer alike.
type contest struct {
	// base is the server that the others are compared with.
	base string
	// rivals are the servers, in the order of the table.
	rivals []rival
}

// rival is a server that is measured.
type rival struct {
	// name is for the command line, about for the reader.
	name, about string
	// body is what it must answer.
	body string
	// wasm is the handler that it runs, a file below build; empty if none.
	wasm string
	// guarded says that --guard looks at it.
	guarded bool
	// run starts it in a process of its own, whose address and usage it gives back.
	run func(ctx context.Context, wasm []byte) (*running, error)
}

// hellos compares handlers in native code, each in the language that it is usually written in. A new server written in Go is
// one more entry with a function like runHTTP; for any other program, run starts it and its usage looks at the program's
// processes.
var hellos = contest{"net/http", []rival{
	{name: "raw", about: "fixed bytes over TCP from Go, a goroutine per connection: the limit",
		body: hello, run: runRaw},
	{name: "net/http", about: "Go's net/http with a handler function",
		body: hello, run: runHTTP},
	{name: "sluice-rust", about: "Sluice, core and Rust handler both sandboxed",
		body: "Hello from Rust!\n", wasm: "examples/abi/hello-rust.wasm", guarded: true, run: sluice(engine.CoreWasm, engine.IsolateRequests)},
	{name: "sluice-c", about: "Sluice, core and C handler both sandboxed",
		body: "Hello from C!\n", wasm: "examples/abi/hello-c.wasm", guarded: true, run: sluice(engine.CoreWasm, engine.IsolateRequests)},
	{name: "sluice-native", about: "Sluice, the core native, the C handler sandboxed",
		body: "Hello from C!\n", wasm: "examples/abi/hello-c.wasm", run: sluice(engine.CoreNative, engine.IsolateRequests)},
}}

// scripts compares hosts of handlers in JavaScript, which all run rivals/hello.js.
var scripts = contest{"workerd", []rival{
	{name: "workerd", about: "workerd, the runtime of Cloudflare Workers, which shares an isolate between requests",
		body: hello, run: runWorkerd},
	{name: "sluice-js", about: "Sluice, each request with a clean instance",
		body: hello, wasm: "measured/hello-js.wasm", run: sluice(engine.CoreWasm, engine.IsolateRequests)},
	{name: "sluice-js-shared", about: "Sluice, all requests with one instance",
		body: hello, wasm: "measured/hello-js.wasm", run: sluice(engine.CoreWasm, engine.ShareInstance)},
}}

// hello is as long as what the handler in C answers.
const hello = "Hello, world!\n"

func runRaw(ctx context.Context, _ []byte) (*running, error) { return inProcess(ctx, serveRaw) }

// rawAnswer has the fields that the others answer with, and as many bytes. Its date stands still.
const rawAnswer = "HTTP/1.1 200 OK\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" +
	"Content-Length: 14\r\n\r\n" + hello

func serveRaw(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerRaw(conn)
	}
}

// answerRaw answers whatever ends with a blank line, as long as it can.
func answerRaw(conn net.Conn) {
	defer conn.Close()
	answer := []byte(rawAnswer)
	head := make([]byte, 4096)
	have := 0
	for {
		n, err := conn.Read(head[have:])
		if err != nil {
			return
		}
		have += n
		if !bytes.HasSuffix(head[:have], []byte("\r\n\r\n")) {
			continue
		}
		have = 0
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func runHTTP(ctx context.Context, _ []byte) (*running, error) {
	return inProcess(ctx, func(listener net.Listener) error { return http.Serve(listener, http.HandlerFunc(sayHello)) })
}

func sayHello(w http.ResponseWriter, _ *http.Request) {
	// Set, because the handlers set it too, and finding it out takes time.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, hello)
}

func sluice(core engine.Core, isolation engine.Isolation) func(context.Context, []byte) (*running, error) {
	return func(ctx context.Context, wasm []byte) (*running, error) {
		e, err := engine.New(ctx, engine.Config{
			Core:   core,
			Routes: []engine.Route{{Path: "/", Handler: engine.Module{Name: "hello", Wasm: wasm}, Isolation: isolation}},
		})
		if err != nil {
			return nil, err
		}
		return inProcess(ctx, e.Serve)
	}
}

// readWasm gives the handler that a rival runs, if it runs one.
func (r *rival) readWasm(dir string) ([]byte, error) {
	if r.wasm == "" {
		return nil, nil
	}
	wasm, err := os.ReadFile(filepath.Join(dir, r.wasm))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no %s; run ./build.sh examples", r.name, filepath.Join(dir, r.wasm))
	}
	return wasm, err
}

// choose gives the rivals with the names of a comma-separated list, in the order of the table; all if there are none.
func (c contest) choose(names string) ([]rival, error) {
	if names == "" {
		return c.rivals, nil
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		if _, err := rivalNamed(name, c); err != nil {
			return nil, err
		}
		wanted[name] = true
	}
	var chosen []rival
	for _, r := range c.rivals {
		if wanted[r.name] {
			chosen = append(chosen, r)
		}
	}
	return chosen, nil
}

func rivalNamed(name string, contests ...contest) (*rival, error) {
	var names []string
	for _, c := range contests {
		for i := range c.rivals {
			if c.rivals[i].name == name {
				return &c.rivals[i], nil
			}
			names = append(names, c.rivals[i].name)
		}
	}
	return nil, fmt.Errorf("there is no server %q; there are %s", name, strings.Join(names, ", "))
}
