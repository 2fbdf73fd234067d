package sandbox

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
)

// Process is what a handler has of a process. What it makes of that while it gets ready belongs to its image: routes with
// equal modules share machine code, and no instances. No string of a process holds a byte of value 0.
type Process struct {
	// Args are the arguments after the first, which is the last part of the module's name.
	Args []string
	// Env are the environment variables, each as name=value.
	Env []string
}

// surroundings are what all instances of a pool share of WASI.
type surroundings struct{ args, env wasi.Strings }

func newSurroundings(module string, process Process) surroundings {
	return surroundings{
		args: wasi.NewStrings(append([]string{programName(module)}, process.Args...)),
		env:  wasi.NewStrings(process.Env),
	}
}

// programName is how a module is told its own name. Names are paths as a rule, and where a file lies is its host's business.
func programName(module string) string {
	if module == "" {
		return "handler"
	}
	return strings.ReplaceAll(filepath.Base(module), "\x00", "?")
}

// equip gives an instance what it has of WASI: arguments, environment, streams that end in the log, and a way to sleep.
func (i *instance) equip() {
	p := i.pool
	i.sleeper = sleeper{call: i.call, limit: p.limits.Wall, left: p.limits.Wall}
	i.printer = printer{log: p.log, charge: i.call.Charge, limit: p.limits.Log, left: p.limits.Log}
	i.stdout = output{printer: &i.printer, stream: "stdout"}
	i.stderr = output{printer: &i.printer, stream: "stderr"}
	process := &wasi.Process{Args: p.surroundings.args, Env: p.surroundings.env, Stdout: &i.stdout, Stderr: &i.stderr}
	i.call.Equip(process, i.sleeper.sleep)
}

// sleeper puts one instance to sleep, for no longer in a session than it may: nothing else bounds how long a handler
// holds its connection that way. A stream may sleep again and again, each time no longer.
type sleeper struct {
	call        *hostabi.Call
	limit, left time.Duration
}

func (s *sleeper) sleep(d time.Duration) {
	if s.call.Streaming() {
		s.left = s.limit
	}
	if d > s.left {
		s.call.Abort(fmt.Errorf("%w: %v more where %v are left of %v", errOverslept, d, s.left, s.limit))
	}
	s.left -= d
	if err := s.call.Rest(d); err != nil {
		s.call.Abort(err)
	}
}
