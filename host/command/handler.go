package command

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sluicehttp/sluice/engine"
)

// The handlers that the program holds are built from examples/abi/welcome and examples/abi/echo-c.

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

// maxModule is the size of the largest module that is read, in bytes. Other programs' output is a few megabytes; what is much
// larger is a mistake or an attack, and would take the memory of everybody.
const maxModule = 256 << 20

func readModule(path, remedy string) (engine.Module, error) {
	file, err := os.Open(path)
	if err != nil {
		return engine.Module{}, cannotRead(path, err, remedy)
	}
	defer file.Close()
	wasm, err := readBounded(file)
	if err != nil {
		return engine.Module{}, cannotRead(path, err, remedy)
	}
	return engine.Module{Name: path, Wasm: wasm}, nil
}

var errTooLarge = fmt.Errorf("it is larger than %d MiB", maxModule>>20)

func readBounded(file *os.File) ([]byte, error) {
	if info, err := file.Stat(); err == nil && info.Size() > maxModule {
		return nil, errTooLarge
	}
	wasm, err := io.ReadAll(io.LimitReader(file, maxModule+1)) // what is no file has no size
	if err == nil && len(wasm) > maxModule {
		return nil, errTooLarge
	}
	return wasm, err
}

func cannotRead(path string, err error, remedy string) error {
	if wrapped := (*fs.PathError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("cannot read %s: %w; %s", path, err, remedy)
}
