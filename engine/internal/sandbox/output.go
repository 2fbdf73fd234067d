package sandbox

import (
	"bytes"
	"context"
	"log/slog"
)

// maxOutputLine bounds a line that a handler prints, in bytes. The rest of a longer one is dropped.
const maxOutputLine = 4 << 10

// output is a standard stream of a handler: what it prints goes to the log, line by line.
type output struct {
	log    *slog.Logger
	stream string
	line   []byte
	cut    bool // the line was longer than what is kept of it
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		o.add(line)
		if complete {
			o.printLine()
		}
		rest = after
	}
	return len(p), nil
}

func (o *output) add(part []byte) {
	if room := maxOutputLine - len(o.line); len(part) > room {
		part = part[:room]
		o.cut = true
	}
	o.line = append(o.line, part...)
}

func (o *output) printLine() {
	attrs := []slog.Attr{slog.String("stream", o.stream), slog.String("line", string(o.line))}
	if o.cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	o.log.LogAttrs(context.Background(), slog.LevelInfo, "handler printed", attrs...)
	o.line, o.cut = o.line[:0], false
}

// flush prints what has no line end yet.
func (o *output) flush() {
	if len(o.line) > 0 {
		o.printLine()
	}
}
