// Command embed-go serves one handler module from inside a Go program, which it starts again to compile the module.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// drainTime is how long requests may go on after an interrupt.
const drainTime = 5 * time.Second

// compileModule in place of a handler has the program compile for the engine of another process.
const compileModule = "compile-module"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: embed-go handler.wasm")
		os.Exit(2)
	}
	do := run
	if os.Args[1] == compileModule {
		do = compile
	}
	if err := do(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "embed-go:", err)
		os.Exit(1)
	}
}

// compile is all that the process does which compiles.
func compile(string) error { return engine.RunCompiler(os.Stdin, os.Stdout) }

func run(path string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	wasm, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	compiler, err := engine.ThisProgram(compileModule)
	if err != nil {
		return err
	}
	sluice, err := engine.New(ctx, engine.Config{
		Compiler: engine.Compiler{Program: compiler},
		Routes: []engine.Route{{
			Handler: engine.Module{Name: filepath.Base(path), Wasm: wasm},
		}},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", listener.Addr())

	// Serve returns as soon as Close begins; the program ends when Close has seen the last request.
	closed := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		closed <- sluice.Close(drain)
	}()
	if err := sluice.Serve(listener); !errors.Is(err, engine.ErrClosed) {
		return err
	}
	return <-closed
}
