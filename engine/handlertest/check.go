package handlertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// Setup is a handler, and how it is tested. The zero value of every field but Handler is its default.
type Setup struct {
	// Handler is the module under test.
	Handler engine.Module
	// Args, Env and Isolation are those of the route, see [engine.Route].
	Args      []string
	Env       map[string]string
	Isolation engine.Isolation
	// Core chooses how the parser runs.
	Core engine.Core
	// CacheDir and Compiler are as in [engine.Config]. Without a compiler the module is compiled in this process.
	CacheDir string
	Compiler engine.Compiler
	// Limits are the server's. Defaults are those of [engine.Config], but for times, which come from Timeout, and CPU, which
	// is Timeout: suites send at once what on a server takes its time.
	Limits engine.Limits
	// Timeout is how long a peer waits for what is due, at least 1 s. The handler has half of it until its answer begins, so
	// that an answer of the engine says what was wrong. Default 5 s.
	Timeout time.Duration
	// Only has only those cases played whose suite and title, "hello/a name is greeted", it matches. Nil: all.
	Only *regexp.Regexp
	// Each is told of every case as soon as it was played. It may be nil.
	Each func(Result)
}

// Result is what became of a case.
type Result struct {
	Case *Case
	// Failure is empty for a case that passed. Otherwise it says what was due, what came, and what the handler logged, in
	// several lines, the first of which begins with file and line.
	Failure string
	// Took is the time from the case's first connection to the end of its last.
	Took time.Duration
	// CPU is the time that the handler computed, in the session of the case that computed most. Memory is the size of the
	// instance, in bytes, in the session in which it was largest. 0 where no session has ended.
	CPU    time.Duration
	Memory int64
	// Log is what the handler printed and what the engine said of it meanwhile, a line each, such as "stderr: asked".
	Log []string
	// Heard is what the handler heard and did, as a block of the kind events has it, up to a bound.
	Heard []string
}

// Passed reports whether everything was as it is due.
func (r *Result) Passed() bool { return r.Failure == "" }

// Name is the case's suite and title, which [Setup.Only] is held against.
func (c *Case) Name() string { return c.Suite.Name + "/" + c.Title }

// Check plays suites against a handler, one case after the other, all with one engine. An error says why the handler cannot
// be loaded or a suite not be read, or that ctx has ended; that cases fail is none.
func Check(ctx context.Context, setup Setup, suites ...*Suite) ([]Result, error) {
	s, err := start(ctx, setup)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var results []Result
	for _, suite := range suites {
		for _, c := range suite.Cases {
			if !s.setup.wants(c) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return results, err
			}
			result := s.play(c)
			results = append(results, result)
			if setup.Each != nil {
				setup.Each(result)
			}
		}
	}
	return results, nil
}

func (s *Setup) wants(c *Case) bool { return s.Only == nil || s.Only.MatchString(c.Name()) }

// The default of [Setup.Timeout], and the least it can be.
const (
	defaultTimeout = 5 * time.Second
	leastTimeout   = time.Second
)

// complete puts defaults where nothing is set.
func (s *Setup) complete() error {
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.Timeout < leastTimeout {
		return fmt.Errorf("the timeout is %v; it can be no less than %v", s.Timeout, leastTimeout)
	}
	l := &s.Limits
	for _, limit := range []*time.Duration{&l.HeadTime, &l.BodyIdle, &l.WriteIdle, &l.HandlerWall} {
		if *limit == 0 {
			*limit = s.Timeout / 2
		}
	}
	if l.CPU == 0 {
		l.CPU = s.Timeout
	}
	return nil
}

// server is an engine with the handler.
type server struct {
	setup    Setup
	engine   *engine.Engine
	listener *listener
	journal  *journal
	recorder *recorder
	// stuck is how many connections of earlier cases have not ended.
	stuck int
}

// routeName names the only route.
const routeName = "handler"

// start loads the handler and serves it.
func start(ctx context.Context, setup Setup) (*server, error) {
	if err := setup.complete(); err != nil {
		return nil, err
	}
	s := &server{setup: setup, listener: newListener(), journal: &journal{}, recorder: &recorder{}}
	var err error
	s.engine, err = engine.New(ctx, engine.Config{
		Routes: []engine.Route{{
			Name: routeName, Handler: setup.Handler, Args: setup.Args, Env: setup.Env, Isolation: setup.Isolation,
		}},
		Core: setup.Core, CacheDir: setup.CacheDir, Compiler: setup.Compiler, Limits: setup.Limits,
		Log: slog.New(s.journal), Observe: s.recorder.observe,
	})
	if err != nil {
		return nil, err
	}
	s.journal.take() // what loading has logged concerns no case
	go func() { _ = s.engine.Serve(s.listener) }()
	return s, nil
}

// stop ends the engine. A handler that does not end with its connections is left behind.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), s.setup.Timeout)
	defer cancel()
	_ = s.engine.Close(ctx)
}

// play plays a case.
func (s *server) play(c *Case) Result {
	began, faults := time.Now(), s.faults()
	p := &player{s: s}
	f := p.play(c)
	if idle := s.idle(); !idle && f == nil {
		f = &failure{
			what: fmt.Sprintf("the handler is still at work %v after its peer has gone", s.setup.Timeout),
			hint: "a handler hears CLOSED when its peer goes; one that streams has to end then",
		}
	}
	result := Result{Case: c, Took: time.Since(began)}
	logged := s.journal.take()
	logged.addUntold(faults, s.faults())
	result.CPU, result.Memory, result.Log = logged.cpu, logged.memory, logged.lines()
	requests := s.recorder.take()
	result.Heard = heardLines(requests)
	if f == nil {
		f = c.log.check(logged)
	}
	if f == nil {
		f = c.checkEvents(requests)
	}
	if f != nil {
		result.Failure = f.text(c, &logged, requests)
	}
	return result
}

// faults counts how often the handler has failed, by kind.
func (s *server) faults() map[string]uint64 {
	stats, _ := s.engine.RouteStats(routeName)
	return stats.Faults
}

// idle waits until every connection of a case has ended, and with it the work on its requests. What goes on nevertheless is no
// other case's fault.
func (s *server) idle() bool {
	for began, pause := time.Now(), 20*time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		open := s.engine.Stats().Open
		if open <= s.stuck {
			s.stuck = open
			return true
		}
		if time.Since(began) > s.setup.Timeout {
			s.stuck = open
			return false
		}
		time.Sleep(pause)
	}
}

// text tells of a failure in full.
func (f *failure) text(c *Case, logged *notes, requests []*history) string {
	line := f.line
	if line == 0 {
		line = c.Line
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s:%d: %s\n", c.Suite.File, line, f.what)
	for _, line := range f.diff {
		fmt.Fprintln(&out, strings.TrimRight("  "+line, " "))
	}
	logged.show(&out)
	showHeard(&out, requests)
	if hint := f.explain(logged); hint != "" {
		fmt.Fprintf(&out, "  hint: %s\n", hint)
	}
	return out.String()
}

// hints say what it may mean that the engine has ended something, by the limit that was reached.
var hints = map[string]string{
	"handler_wall": "the handler did not begin its answer in time",
	"body_idle":    "the rest of the request did not come, and the handler waited for it",
	"write_idle":   "the peer did not read in time",
	"buffered":     "the body is larger than what is collected for a handler that does not subscribe to DATA_READY",
	"concurrent":   "there were more requests at a time than the limits concurrent and queue allow",
}

// explain guesses the reason of a failure from what was logged.
func (f *failure) explain(logged *notes) string {
	for _, e := range logged.entries {
		first, _, _ := strings.Cut(e.text, "\n")
		if _, reason, trapped := strings.Cut(first, ": trap: "); trapped && e.kind == fault {
			return "the handler trapped: " + reason
		}
		if e.kind == fault {
			return strings.TrimPrefix(first, "handler failed: ")
		}
		if hint := hints[e.text]; hint != "" && e.kind == ended {
			return hint
		}
	}
	return f.hint
}

// isReset reports whether the other side has closed a connection while there was something to read or to write.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}
