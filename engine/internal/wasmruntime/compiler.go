package wasmruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode"
)

// The limits of a compiler that apply where its configuration has none.
const (
	DefaultCompileTime   = 10 * time.Second
	DefaultCompileMemory = 1 << 30
)

// Compiler says in which process modules are compiled, and within which limits.
type Compiler struct {
	// Program is the command line of a program that calls [RunCompiler]. Empty: modules are compiled in this process, with
	// whatever time and memory they take.
	Program []string
	// Time is how long compiling a module may take. Default [DefaultCompileTime].
	Time time.Duration
	// Memory is how much memory compiling a module may take, in bytes. It is kept to on Linux only. Default
	// [DefaultCompileMemory].
	Memory uint64
}

// LimitError says that compiling a module took more than it may.
type LimitError struct {
	// Limit names what ended it: "compile_time" or "compile_memory".
	Limit string

	problem string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s %s; smaller functions take less, or allow more", e.problem, e.Limit)
}

// compilingVariable is set for the processes that compile. One that was started for that and did not notice would start
// another, and so on.
const compilingVariable = "SLUICE_COMPILING"

// The most that is read of what a compiler prints, in bytes.
const (
	maxVerdict    = 64 << 10
	maxComplaints = 4 << 10
)

// waitForPipes is how long a compiler that has ended, or was ended, may leave its output open to processes of its own.
const waitForPipes = time.Second

// compiler has modules compiled by processes of their own.
type compiler struct {
	Compiler
	workers int
	lanes   chan struct{} // holds one for each process
}

// newCompiler gives nil when no program is configured.
func newCompiler(config Compiler) (*compiler, error) {
	if len(config.Program) == 0 {
		return nil, nil
	}
	if os.Getenv(compilingVariable) != "" {
		return nil, errors.New("this process was started to compile one module and wants to have modules compiled itself; " +
			"the compiler's program has to call RunCompiler before it does anything else")
	}
	if config.Time == 0 {
		config.Time = DefaultCompileTime
	}
	if config.Memory == 0 {
		config.Memory = DefaultCompileMemory
	}
	most := max(1, runtime.GOMAXPROCS(0)-1) // one processor is left to those who are being served
	return &compiler{Compiler: config, workers: most, lanes: make(chan struct{}, most)}, nil
}

// run compiles a module in a process of its own, which leaves the machine code below a directory. It waits until there are
// few enough such processes; that time does not count.
func (c *compiler) run(ctx context.Context, m module, dir string) error {
	select {
	case c.lanes <- struct{}{}:
		defer func() { <-c.lanes }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.Time, errTooLong)
	defer cancel()
	request, err := json.Marshal(request{
		Dir: dir, Size: len(m.wasm), Outline: len(m.outline), Time: c.Time, Memory: c.Memory, Workers: c.workers,
	})
	if err != nil {
		return err
	}
	verdict, complaints := &bounded{most: maxVerdict, overflow: cancel}, &bounded{most: maxComplaints}
	cmd := exec.CommandContext(limited, c.Program[0], c.Program[1:]...)
	cmd.Env = append(os.Environ(), compilingVariable+"=1")
	cmd.Stdin = io.MultiReader(bytes.NewReader(append(request, '\n')), bytes.NewReader(m.wasm), bytes.NewReader(m.outline))
	cmd.Stdout, cmd.Stderr = verdict, complaints
	cmd.WaitDelay = waitForPipes
	err = cmd.Run()
	switch {
	case cmd.Process == nil && ctx.Err() == nil:
		return fmt.Errorf("the compiler cannot be started: %w; its program has to be one that calls RunCompiler", err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return c.judge(verdict, complaints.text(), err, errors.Is(context.Cause(limited), errTooLong))
}

// errTooLong ends a compiler that takes too long.
var errTooLong = errors.New("too long")

// judge says what became of a module: what its process printed, how it ended, and whether it had to be ended.
func (c *compiler) judge(said *bounded, complaints string, ended error, tooLong bool) error {
	output, greeted := strings.CutPrefix(said.text(), greeting)
	var v verdict
	switch {
	case said.over:
		return fmt.Errorf("the compiler %s prints what no compiler does; its program has to call RunCompiler", c.name())
	case greeted && json.Unmarshal([]byte(output), &v) == nil && v.known():
		return c.error(v)
	case tooLong && !greeted:
		return fmt.Errorf("the compiler %s gave no sign within %s; its program has to call RunCompiler first of all",
			c.name(), c.Time)
	case tooLong:
		return c.timeError()
	case greeted && isOutOfMemory(complaints):
		return c.memoryError()
	case !greeted && output != "":
		return fmt.Errorf("the compiler %s printed %s; its program has to call RunCompiler first of all",
			c.name(), oneLine(fmt.Sprintf("%.60q", output)))
	}
	return fmt.Errorf("the compiler %s failed: %s", c.name(), reason(ended, complaints))
}

func (c *compiler) name() string { return oneLine(fmt.Sprintf("%q", c.Program[0])) }

// error is what a verdict says.
func (c *compiler) error(v verdict) error {
	switch v.Kind {
	case kindInvalid:
		return &InvalidError{errors.New(oneLine(v.Reason))}
	case kindMemory:
		return c.memoryError()
	case kindChecking:
		return &LimitError{Limit: "compile_time", problem: fmt.Sprintf("checking it took more than %s, a tenth of the limit",
			c.Time/checkingShare)}
	case kindFailed:
		return fmt.Errorf("the compiler failed: %s", oneLine(v.Reason))
	}
	return nil
}

func (c *compiler) timeError() error {
	return &LimitError{Limit: "compile_time", problem: fmt.Sprintf("compiling it took more than %s, the limit", c.Time)}
}

func (c *compiler) memoryError() error {
	return &LimitError{Limit: "compile_memory", problem: fmt.Sprintf("compiling it took more than %d MiB of memory, the limit",
		c.Memory>>20)}
}

// isOutOfMemory recognizes what Go's runtime says when the system gives it no more.
func isOutOfMemory(complaints string) bool {
	for _, sign := range []string{"out of memory", "cannot allocate memory", "failed to create new OS thread"} {
		if strings.Contains(complaints, sign) {
			return true
		}
	}
	return false
}

// reason is why a compiler ended without a verdict.
func reason(ended error, complaints string) string {
	if ended == nil {
		return "it ended without a result"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(complaints), "\n")
	if line == "" {
		line = "perhaps the system had no memory left"
	}
	return oneLine(ended.Error() + ": " + line)
}

// maxLine bounds what is quoted of a compiler, in bytes: a module's author may have had a say in it.
const maxLine = 500

// oneLine makes a text fit for a line of a log.
func oneLine(text string) string {
	if len(text) > maxLine {
		text = text[:maxLine] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	kept     bytes.Buffer
	most     int
	over     bool   // more was written
	overflow func() // called when more is written; may be nil
}

func (b *bounded) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), b.most-b.kept.Len())])
	if b.kept.Len() == b.most && !b.over {
		b.over = true
		if b.overflow != nil {
			b.overflow()
		}
	}
	return len(p), nil
}

func (b *bounded) text() string { return b.kept.String() }
