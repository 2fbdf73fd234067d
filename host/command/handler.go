package command

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sluicehttp/sluice/engine"
)

// The handlers that the program holds are built from examples/welcome and examples/echo-c.

//go:embed welcome.wasm
var welcomeWasm []byte

//go:embed echo.wasm
var echoWasm []byte

// welcome is the handler that serves when none is given.
func welcome() engine.Module {
	return engine.Module{Name: "welcome page", Wasm: welcomeWasm}
}

// echo is the handler of --echo.
func echo() engine.Module {
	return engine.Module{Name: "echo", Wasm: echoWasm}
}

func readModule(path, remedy string) (engine.Module, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return engine.Module{}, cannotRead(path, err, remedy)
	}
	return engine.Module{Name: path, Wasm: wasm}, nil
}

func cannotRead(path string, err error, remedy string) error {
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("cannot read %s: %w; %s", path, err, remedy)
}
