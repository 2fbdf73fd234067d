package engine

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Compiler says which program compiles handlers' modules, in a process for each, and what such a process may take. At most
// GOMAXPROCS−1 of them run at a time, or one.
//
// The program can be the one that embeds the engine, which then begins its main function with
//
//	if len(os.Args) == 2 && os.Args[1] == "compile-module" {
//		if err := engine.RunCompiler(os.Stdin, os.Stdout); err != nil {
//			log.Fatal(err)
//		}
//		return
//	}
//
// and gives [ThisProgram]("compile-module") as Program.
type Compiler struct {
	// Program is the command line of a program that calls [RunCompiler] and ends. It has to be built with the same version
	// of this package. Empty: modules are compiled in this process, with whatever time and memory they take.
	Program []string
	// Time is how long compiling one module may take, 100 ms to 24 h. Default 10 s.
	Time time.Duration
	// Memory is how much memory compiling one module may take in bytes, 64 MiB to 64 GiB. It is kept to on Linux only;
	// elsewhere Time alone bounds a compiler. Default 1 GiB.
	Memory int64
}

// CompileLimitError is why a module does not load that takes too much to compile.
type CompileLimitError = wasmruntime.LimitError

// RunCompiler compiles the module that an engine in another process wants compiled. It reads the module from stdin and
// says on stdout what became of it; the process is limited from then on and should end. An error means that no engine is
// asking, or that there is no answering it.
func RunCompiler(stdin io.Reader, stdout io.Writer) error {
	return wasmruntime.RunCompiler(stdin, stdout)
}

// ThisProgram is the command line that starts the program that is running, with other arguments.
func ThisProgram(args ...string) ([]string, error) {
	program, err := thisFile()
	if err != nil {
		return nil, fmt.Errorf("the file of this program cannot be found: %w", err)
	}
	return append([]string{program}, args...), nil
}

func thisFile() (string, error) {
	// On Linux this is the program that runs, even when its file was replaced by a newer version.
	const running = "/proc/self/exe"
	if runtime.GOOS == "linux" {
		if _, err := os.Stat(running); err == nil {
			return running, nil
		}
	}
	if file, err := os.Executable(); err == nil {
		return file, nil
	}
	file, err := exec.LookPath(os.Args[0])
	if err != nil {
		return "", err
	}
	return filepath.Abs(file)
}

const (
	maxCompileTime   = 24 * time.Hour
	minCompileMemory = 64 << 20 // Go's heap grows in steps of as much
	maxCompileMemory = 64 << 30
)

// complete puts defaults where nothing is set, and looks for what cannot be.
func (c *Compiler) complete() error {
	if c.Time == 0 {
		c.Time = DefaultCompileTime
	}
	if c.Memory == 0 {
		c.Memory = DefaultCompileMemory
	}
	if c.Time < minTime || c.Time > maxCompileTime {
		return limitError("compile_time", "is %v; it can be %v to %v", c.Time, time.Duration(minTime), time.Duration(maxCompileTime))
	}
	if c.Memory < minCompileMemory || c.Memory > maxCompileMemory {
		return limitError("compile_memory", "is %v; it can be %v to %v", c.Memory, minCompileMemory, int64(maxCompileMemory))
	}
	return nil
}

// runtime is the compiler as the runtime knows it. It is complete.
func (c *Compiler) runtime() wasmruntime.Compiler {
	return wasmruntime.Compiler{Program: c.Program, Time: c.Time, Memory: uint64(c.Memory)}
}
