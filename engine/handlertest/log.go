package handlertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the engine logs while a case is played, and what is due of it.

// entry is a line of the log.
type entry struct {
	// kind is what it is about: what the handler printed, a fault, or what the engine has ended by itself.
	kind entryKind
	text string
}

type entryKind string

const (
	stdout entryKind = "stdout"
	stderr entryKind = "stderr"
	fault  entryKind = "fault"
	ended  entryKind = "ended early"
)

func (e entry) String() string { return string(e.kind) + ": " + e.text }

// journal is a [slog.Handler] that keeps what concerns cases.
type journal struct {
	mu    sync.Mutex
	notes notes
}

// notes are what was logged since the last case.
type notes struct {
	entries []entry
	// cpu and memory are the most that a session has taken.
	cpu    time.Duration
	memory int64
}

// take gives what was logged, and begins anew.
func (j *journal) take() notes {
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := j.notes
	j.notes = notes{}
	return taken
}

// Enabled implements [slog.Handler].
func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler]. What the engine's loggers have in common, such as the route, is the same for every case.
func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }

// WithGroup implements [slog.Handler]. The engine's log needs no groups.
func (j *journal) WithGroup(string) slog.Handler { return j }

// paused is why the engine answers for a handler that has failed too often. The faults were those of earlier cases; but no answer
// of the handler is none, whatever is due.
const paused = "handler_paused"

// mostEntries bounds what is kept of the log of a case.
const mostEntries = 1000

// Handle implements [slog.Handler].
func (j *journal) Handle(_ context.Context, record slog.Record) error {
	values := map[string]slog.Value{}
	record.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value
		return true
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	switch reason := values["reason"]; {
	case record.Message == "session ended":
		j.notes.cpu = max(j.notes.cpu, duration(values["cpu"]))
		j.notes.memory = max(j.notes.memory, number(values["memory"]))
	case record.Message == "handler printed":
		j.notes.add(entryKind(values["stream"].String()), values["line"].String())
	case record.Message == "work ended early" && record.Level == slog.LevelInfo, record.Message == untold:
		// Sums of what was told, or counted, in earlier cases.
	case record.Message == "work ended early" && reason.String() == paused:
		j.notes.add(fault, "the handler is paused, because it has failed again and again")
	case record.Message == "work ended early":
		j.notes.add(ended, reason.String())
	case record.Level >= slog.LevelWarn && reason.Any() != nil:
		j.notes.add(fault, record.Message+": "+reason.String())
	case record.Level >= slog.LevelWarn:
		j.notes.add(fault, fmt.Sprint(record.Message, values))
	}
	return nil
}

// untold is how the log says that there were more faults than it tells one by one.
const untold = "handler failed more often than the log tells"

// add adds an entry, up to a bound.
func (n *notes) add(kind entryKind, text string) {
	if len(n.entries) < mostEntries {
		n.entries = append(n.entries, entry{kind, text})
	}
}

// addUntold adds faults that were counted if the log tells of none.
func (n *notes) addUntold(before, now map[string]uint64) {
	if slices.ContainsFunc(n.entries, func(e entry) bool { return e.kind == fault }) {
		return
	}
	for kind, count := range now {
		if count > before[kind] {
			n.add(fault, "handler failed: "+kind)
		}
	}
}

func duration(v slog.Value) time.Duration {
	if v.Kind() == slog.KindDuration {
		return v.Duration()
	}
	return 0
}

func number(v slog.Value) int64 {
	switch v.Kind() {
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		return int64(v.Uint64())
	}
	return 0
}

// logDue is what is due of the log of a case. Without any of it: no fault.
type logDue struct {
	line int
	// lines are due, each of which some line of the log has to match.
	lines []lineDue
	// quiet says that the handler must print nothing.
	quiet bool
	// memory is what the memory of an instance stays below, in bytes; 0: no matter.
	memory int64
}

type lineDue struct {
	line    int
	kind    entryKind // empty: printed to any stream
	pattern *regexp.Regexp
}

func (l lineDue) fits(e entry) bool {
	if l.kind == "" {
		return (e.kind == stdout || e.kind == stderr) && l.pattern.MatchString(e.text)
	}
	return e.kind == l.kind && l.pattern.MatchString(e.text)
}

// readLog reads a block of the kind log.
func (c *Case) readLog(line int, content []string) (err error) {
	c.log.line = line
	for i, text := range content {
		kind, pattern, found := strings.Cut(text, ": ")
		switch kinds := []string{"printed", "stdout", "stderr", "fault"}; {
		case text == "":
		case text == "nothing printed":
			c.log.quiet = true
		case strings.HasPrefix(text, "memory below "):
			c.log.memory, err = size(strings.TrimPrefix(text, "memory below "))
		case found && slices.Contains(kinds, kind):
			due := lineDue{line: line + 1 + i, kind: entryKind(kind)}
			if kind == "printed" {
				due.kind = ""
			}
			due.pattern, err = regexp.Compile(pattern)
			c.log.lines = append(c.log.lines, due)
		default:
			err = fmt.Errorf("line %d of the block is none of: 'printed: PATTERN', 'stdout: PATTERN', 'stderr: PATTERN', "+
				"'fault: PATTERN', 'nothing printed', 'memory below SIZE'", i+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// size reads a number of bytes, such as 8MiB.
func size(text string) (int64, error) {
	unit := int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, found := strings.CutSuffix(text, suffix); found {
			text, unit = strings.TrimSpace(number), bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a size, such as 65536 or 8MiB", text)
	}
	return n * unit, nil
}

// check compares what was logged with what is due. Nil when all is well.
func (l *logDue) check(came notes) *failure {
	for _, due := range l.lines {
		if !slices.ContainsFunc(came.entries, due.fits) {
			what := "printed"
			if due.kind != "" {
				what = string(due.kind)
			}
			return &failure{line: due.line, what: fmt.Sprintf("no line of the log fits %q", what+": "+due.pattern.String())}
		}
	}
	for _, e := range came.entries {
		expected := slices.ContainsFunc(l.lines, func(due lineDue) bool { return due.fits(e) })
		switch printed := e.kind == stdout || e.kind == stderr; {
		case expected:
		case e.kind == fault:
			return &failure{line: l.line, what: "a fault was logged, and none is due"}
		case printed && l.quiet:
			return &failure{line: l.line, what: "the handler printed something, and nothing is due"}
		}
	}
	if l.memory > 0 && came.memory >= l.memory {
		return &failure{line: l.line, what: fmt.Sprintf("the handler's instance held %d bytes of memory; less than %d are due",
			came.memory, l.memory)}
	}
	return nil
}

// lines are the entries as text.
func (n *notes) lines() (lines []string) {
	for _, e := range n.entries {
		lines = append(lines, e.String())
	}
	return lines
}

// show lists what was logged, up to a bound.
func (n *notes) show(w io.Writer) {
	if len(n.entries) == 0 {
		fmt.Fprintln(w, "  the log is empty")
		return
	}
	fmt.Fprintln(w, "  the log:")
	for i, e := range n.entries {
		if i == mostShown {
			fmt.Fprintf(w, "    ... and %d lines more\n", len(n.entries)-i)
			break
		}
		lines := bufio.NewScanner(strings.NewReader(e.String()))
		for j := 0; lines.Scan() && j < mostShown; j++ {
			fmt.Fprintf(w, "    %s\n", lines.Text())
		}
	}
}

// mostShown bounds how much of a log a failure shows, in lines.
const mostShown = 20
