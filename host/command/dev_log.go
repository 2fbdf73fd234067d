package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// devLog writes the log for somebody who looks at it while working: a short time, what handlers print as they printed it, and
// stacks line by line.
type devLog struct {
	*devOutput
	attrs []slog.Attr
	group string
}

// devOutput is what all loggers of a program share.
type devOutput struct {
	mu      sync.Mutex
	w       io.Writer
	level   slog.Level
	colours bool
	// quiet leaves out that the engine has reloaded: what it serves then is a page of our own.
	quiet atomic.Bool
}

func newDevLog(w io.Writer, verbose bool) *devLog {
	_, isTerminal := terminalSize(w)
	output := &devOutput{w: w, colours: isTerminal && os.Getenv("NO_COLOR") == ""}
	if verbose {
		output.level = slog.LevelDebug
	}
	return &devLog{devOutput: output}
}

// Enabled implements [slog.Handler].
func (l *devLog) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// Handle implements [slog.Handler].
func (l *devLog) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "reloaded" && l.quiet.Load() {
		return nil
	}
	line := devLine{}
	for _, attr := range l.attrs {
		line.add("", attr)
	}
	record.Attrs(func(attr slog.Attr) bool {
		line.add(l.group, attr)
		return true
	})
	switch text := line.text(record.Message); {
	case record.Level >= slog.LevelError:
		l.print(record.Time, red, "error: "+text)
	case record.Level >= slog.LevelWarn:
		l.print(record.Time, red, "warning: "+text)
	default:
		l.print(record.Time, "", text)
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (l *devLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *l
	more.attrs = append([]slog.Attr{}, l.attrs...)
	for _, attr := range attrs {
		attr.Key = l.group + attr.Key
		more.attrs = append(more.attrs, attr)
	}
	return &more
}

// WithGroup implements [slog.Handler].
func (l *devLog) WithGroup(name string) slog.Handler {
	more := *l
	more.group += name + "."
	return &more
}

// Colours (ECMA-48 section 8.3.117).
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	faint = "\x1b[2m"
	reset = "\x1b[m"
)

// print prints a text behind a time, its further lines below its first.
func (o *devOutput) print(at time.Time, colour, text string) {
	clock, indent := at.Format(time.TimeOnly), strings.Repeat(" ", len(time.TimeOnly)+1)
	first, rest, _ := strings.Cut(strings.TrimRight(text, "\n"), "\n")
	if o.colours {
		clock = faint + clock + reset
		if colour != "" {
			first = colour + first + reset
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s\n", clock, first)
	for line := range strings.Lines(rest) {
		fmt.Fprintf(&out, "%s%s\n", indent, strings.TrimRight(line, "\n"))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.w.Write(out.Bytes()) // a server whose log nobody reads serves all the same
}

// tell prints a line of ours.
func (o *devOutput) tell(colour, format string, args ...any) {
	o.print(time.Now(), colour, fmt.Sprintf(format, args...))
}

// devLine collects what belongs to a message.
type devLine struct {
	// short stands behind the message, long below it.
	short, long strings.Builder
	// route and printed are those of what a handler has printed.
	route, printed string
	isPrinted      bool
}

func (l *devLine) add(group string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, inside := range value.Group() {
			l.add(group, inside)
		}
		return
	}
	text := value.String()
	switch attr.Key {
	case "route":
		l.route = text
	case "line":
		l.printed, l.isPrinted = text, true
	}
	switch {
	case strings.Contains(text, "\n"), attr.Key == "reason":
		fmt.Fprintf(&l.long, "\n%s", text)
	default:
		fmt.Fprintf(&l.short, " %s%s=%s", group, attr.Key, text)
	}
}

// text is the whole message; of what a handler has printed only that.
func (l *devLine) text(message string) string {
	if l.isPrinted {
		return l.route + " | " + l.printed
	}
	return message + l.short.String() + l.long.String()
}
