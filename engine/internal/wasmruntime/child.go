package wasmruntime

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// A compiler's process says what it is as soon as it runs. Then it reads a line that says what is wanted, and a module
// and its outline behind it, and prints a line that says what became of it. The machine code is in a file.

// greeting is what it says first. The number is to change with the lines that follow.
const greeting = "sluice compiler 2\n"

// request is what is wanted.
type request struct {
	// Dir is where the machine code goes: a directory that is empty and private.
	Dir string
	// Size is the module's, and Outline that of its outline, in bytes.
	Size, Outline int
	// Time and Memory, in bytes, are what this process may take.
	Time   time.Duration
	Memory uint64
	// Workers is how many goroutines may compile.
	Workers int
}

// verdict is what became of a module.
type verdict struct {
	Kind   kind
	Reason string `json:",omitempty"`
}

type kind string

// The kinds of verdicts.
const (
	kindCompiled kind = "compiled"
	kindInvalid  kind = "invalid"  // the module is at fault
	kindMemory   kind = "memory"   // it takes more than there may be
	kindChecking kind = "checking" // to check it takes too long
	kindFailed   kind = "failed"   // something else is at fault
)

func (v *verdict) known() bool {
	switch v.Kind {
	case kindCompiled, kindInvalid, kindMemory, kindChecking, kindFailed:
		return true
	}
	return false
}

// RunCompiler compiles the module that another process wants compiled, within its limits, which bind this process from then
// on. It is all that a compiler's program does; an error is for its standard error.
func RunCompiler(stdin io.Reader, stdout io.Writer) error {
	if _, err := io.WriteString(stdout, greeting); err != nil {
		return err
	}
	input := bufio.NewReader(stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no module to compile on standard input: %w; this is for the engine to call", err)
	}
	var wanted request
	if err := json.Unmarshal(line, &wanted); err != nil {
		return fmt.Errorf("a line on standard input that no engine writes: %w", err)
	}
	if err := wanted.limit(); err != nil {
		return fmt.Errorf("this process cannot be limited: %w", err)
	}
	m := module{make([]byte, wanted.Size), make([]byte, wanted.Outline)}
	for _, part := range [][]byte{m.wasm, m.outline} {
		if _, err := io.ReadFull(input, part); err != nil {
			return fmt.Errorf("the module on standard input is cut short: %w", err)
		}
	}
	return json.NewEncoder(stdout).Encode(wanted.fulfil(m))
}

// limit bounds this process. The soft limit on memory has the garbage collector work harder before the hard one is reached.
// Whoever waits ends this process in time; should that one be gone, the system does it a little later.
func (r *request) limit() error {
	runtime.GOMAXPROCS(r.Workers)
	debug.SetMemoryLimit(int64(r.Memory / 4 * 3))
	return limitProcess(r.Memory, r.Time*time.Duration(r.Workers)+2*time.Second)
}

// fulfil compiles. A panic of one of several workers ends the process, which is noticed as well.
func (r *request) fulfil(m module) verdict {
	ctx := experimental.WithCompilationWorkers(context.Background(), r.Workers)
	err := r.check(ctx, m.outline)
	if err == nil {
		err = compileInto(ctx, m, r.Dir)
	}
	switch invalid := (*InvalidError)(nil); {
	case err == nil:
		return verdict{Kind: kindCompiled}
	case errors.Is(err, syscall.ENOMEM):
		return verdict{Kind: kindMemory}
	case errors.Is(err, errTooLong):
		return verdict{Kind: kindChecking}
	case errors.As(err, &invalid):
		line, _, _ := strings.Cut(err.Error(), "\n")
		return verdict{Kind: kindInvalid, Reason: oneLine(line)}
	}
	return verdict{Kind: kindFailed, Reason: oneLine(err.Error())}
}

// checkingShare is the part of the time for a module that may go into checking its outline. Of modules as compilers write
// them it is a thirtieth of it or less.
const checkingShare = 10

// check does what the engine's process has to do each time it takes the module from the cache: wazero decodes and validates
// its outline. That time is the engine's own, and nothing can end it, so a module that needs much of it is not wanted.
func (r *request) check(ctx context.Context, outline []byte) error {
	checker := wazero.NewRuntimeWithConfig(ctx, runtimeConfig())
	defer checker.Close(ctx)
	began := time.Now()
	_, err := compile(neverCompile, checker, outline)
	switch {
	case err != nil && !errors.Is(err, errNotCached):
		return &InvalidError{err}
	case time.Since(began) > r.Time/checkingShare:
		return errTooLong
	}
	return nil
}
