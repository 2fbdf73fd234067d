package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
)

const (
	// stopTime is what a command that is stopped has to end by itself. Then it is killed.
	stopTime = 2 * time.Second
	// keptOutput is how much is kept of what a command prints, its end, in bytes.
	keptOutput = 32 << 10
)

// run does what the plan says and prints what its commands do, and before each of them which one it is. It gives the end
// of what they printed. An error says which command failed and, where that is known, what is missing.
func (p *buildPlan) run(ctx context.Context, stderr io.Writer, tell func(command string)) (output string, err error) {
	var printed tail
	if p.needsSetup() {
		tell(p.setup.text)
		if err := p.runCommand(ctx, &p.setup, stderr, &printed); err != nil {
			return printed.String(), err
		}
		if p.needsSetup() {
			return printed.String(), fmt.Errorf("the setup has not made %s; makes in [build.setup] names what it makes", p.makes)
		}
	}
	tell(p.command.text)
	if err = p.runCommand(ctx, &p.command, stderr, &printed); err == nil {
		err = p.checkMade()
	}
	return printed.String(), err
}

// runCommand runs a command to its end; when ctx ends, to that of all its processes. It reads nothing, and prints to stderr,
// as on a terminal when that is one, and to a tail.
func (p *buildPlan) runCommand(ctx context.Context, c *buildCommand, stderr io.Writer, printed *tail) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir = p.folder
	cmd.Env = append(cmd.Environ(), p.env...)
	cmd.WaitDelay = stopTime
	inGroup(cmd)
	end, err := connect(cmd, stderr, printed)
	if err != nil {
		return fmt.Errorf("cannot run %s: %w", c.text, err)
	}
	if err = cmd.Start(); err == nil {
		err = cmd.Wait()
		endGroup(cmd) // a command may have left something behind
	}
	end()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay): // it has ended well, and something that it left behind held its output open
		return nil
	case err != nil:
		return &buildError{c.text, err, advice(c, printed.String())}
	}
	return nil
}

// connect has a command print to stderr and to a tail: through a terminal of its own when stderr is one, because compilers
// print there what people read best. What it gives has to be called when the command has ended.
func connect(cmd *exec.Cmd, stderr io.Writer, printed *tail) (end func(), err error) {
	both := io.MultiWriter(stderr, printed)
	size, isTerminal := terminalSize(stderr)
	if !isTerminal {
		cmd.Stdout, cmd.Stderr = both, both
		return func() {}, nil
	}
	here, there, err := pty.Open()
	if err != nil {
		return nil, err
	}
	_ = pty.Setsize(here, size) // a command that knows no size takes a usual one
	cmd.Stdout, cmd.Stderr = there, there
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(both, here) // ends with an error when nobody has the other side any more
	}()
	return func() {
		there.Close()
		select {
		case <-copied:
		case <-time.After(stopTime): // something has left the group and holds it
		}
		here.Close()
	}, nil
}

// terminalSize gives the size of a terminal, if that is what w is.
func terminalSize(w io.Writer) (*pty.Winsize, bool) {
	file, isFile := w.(*os.File)
	if !isFile {
		return nil, false
	}
	size, err := pty.GetsizeFull(file)
	return size, err == nil
}

// buildError says that a build has failed, in one line.
type buildError struct {
	command string
	cause   error
	advice  string
}

func (e *buildError) Error() string { return e.command + ": " + e.short() }

// short is the error for those who know the command.
func (e *buildError) short() string {
	if e.advice == "" {
		return e.cause.Error()
	}
	return fmt.Sprintf("%v; %s", e.cause, e.advice)
}

// withoutCommand is the short text of an error.
func withoutCommand(err error) string {
	if failed := (*buildError)(nil); errors.As(err, &failed) {
		return failed.short()
	}
	return err.Error()
}

func (e *buildError) Unwrap() error { return e.cause }

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 2*keptOutput {
		t.text = append(t.text[:0], t.text[len(t.text)-keptOutput:]...)
	}
	return len(p), nil
}

// String is what was written, as plain text.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return plain(t.text)
}

// sequences are what moves and colours text on a terminal (ECMA-48), and the links that some compilers print.
var sequences = regexp.MustCompile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\a\x1b]*(\a|\x1b\\\\)|[ -/]*[0-Z\\\\^-~])")

// plain is what a terminal shows of a text in the end: without colours, and of lines that were written over the last state.
// What no terminal shows becomes a question mark.
func plain(text []byte) string {
	text = sequences.ReplaceAll(text, nil)
	lines := strings.Split(strings.ToValidUTF8(string(text), "?"), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		lines[i] = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7f {
				return '?'
			}
			return r
		}, line)
	}
	return strings.Join(lines, "\n")
}

// lastBytes is the end of a text, at most so many bytes of it, beginning with a whole line where there is one.
func lastBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	text = text[len(text)-limit:]
	if _, after, found := strings.Cut(text, "\n"); found {
		text = after
	}
	return string(bytes.ToValidUTF8([]byte(text), nil))
}
