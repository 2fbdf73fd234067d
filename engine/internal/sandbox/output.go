package sandbox

import (
	"bytes"
	"context"
	"log/slog"
	"unicode"
	"unicode/utf8"
)

const (
	// maxOutputLine bounds a line that a handler prints, in bytes of the log. The rest of a longer one is dropped.
	maxOutputLine = 4 << 10
	// lineOverhead is what stands beside a line in a log, in bytes: time, route, module. It counts, or a handler could fill
	// a log with empty lines.
	lineOverhead = 64
	// lineUnits is what it costs to log a line, and lineByteUnits what each of its bytes does, in units of the account for
	// host work.
	lineUnits, lineByteUnits = 4000, 10
)

// printer logs what a handler prints, up to a limit for each session.
type printer struct {
	log         *slog.Logger
	charge      func(units int64)
	used        bool   // in this session
	limit, left int    // bytes of the log
	dropped     uint64 // bytes that the handler printed beyond that
}

// output is a standard stream of a handler: what it prints goes to the log, line by line.
type output struct {
	printer *printer
	stream  string
	line    []byte
	cut     bool // the line was longer than what is kept of it
}

// Write implements [io.Writer]. It is called within a call into the instance.
func (o *output) Write(p []byte) (int, error) {
	o.printer.used = true
	for rest := p; len(rest) > 0; {
		if o.printer.left <= 0 {
			o.printer.dropped += uint64(len(rest))
			break
		}
		line, after, complete := bytes.Cut(rest, []byte("\n"))
		o.add(line)
		if complete {
			o.printer.charge(lineUnits + lineByteUnits*int64(len(o.line)))
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
	p := o.printer
	text, whole := visible(o.line, min(maxOutputLine, p.left))
	attrs := []slog.Attr{slog.String("stream", o.stream), slog.String("line", text)}
	if o.cut || !whole {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	p.left -= len(text) + lineOverhead
	p.log.LogAttrs(context.Background(), slog.LevelInfo, "handler printed", attrs...)
	o.line, o.cut = o.line[:0], false
}

// visible makes a line fit for any log and any terminal, and for people: what could end a line, move a cursor, change the
// order of characters or not be seen becomes an escape sequence of Go, such as \x1b and \u202e. So does a byte that is no
// UTF-8, as \xff. A backslash stays as it is. The text has at most limit bytes; whole says that nothing was left out.
func visible(line []byte, limit int) (text string, whole bool) {
	plain := 0
	for plain < min(len(line), limit) && ' ' <= line[plain] && line[plain] <= '~' {
		plain++
	}
	if plain == len(line) {
		return string(line), true
	}
	out := append(make([]byte, 0, min(2*len(line), limit)), line[:plain]...)
	for line = line[plain:]; len(line) > 0; {
		r, size := utf8.DecodeRune(line)
		before := len(out)
		if r == utf8.RuneError && size == 1 {
			out = append(out, '\\', 'x', hexDigit(line[0]>>4), hexDigit(line[0]))
		} else {
			out = appendVisible(out, r)
		}
		if len(out) > limit {
			return string(out[:before]), false
		}
		line = line[size:]
	}
	return string(out), true
}

func appendVisible(out []byte, r rune) []byte {
	switch {
	case unicode.IsPrint(r):
		return utf8.AppendRune(out, r)
	case r < utf8.RuneSelf:
		return append(out, '\\', 'x', hexDigit(byte(r)>>4), hexDigit(byte(r)))
	}
	digits, escape := 4, byte('u')
	if r > 0xffff {
		digits, escape = 8, 'U'
	}
	out = append(out, '\\', escape)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		out = append(out, hexDigit(byte(r>>shift)))
	}
	return out
}

// hexDigit is the lower half of a byte as a digit.
func hexDigit(b byte) byte { return "0123456789abcdef"[b&0xf] }

// flush ends what a session printed: lines without an end are printed, and what was dropped is told in one line.
func (i *instance) flush() {
	if i.printer.used {
		i.stdout.flush()
		i.stderr.flush()
		i.printer.endSession()
	}
}

func (o *output) flush() {
	switch {
	case len(o.line) == 0:
	case o.printer.left > 0:
		o.printLine()
	default:
		o.printer.dropped += uint64(len(o.line))
		o.line, o.cut = o.line[:0], false
	}
}

func (p *printer) endSession() {
	if p.dropped > 0 {
		p.log.LogAttrs(context.Background(), slog.LevelWarn, "handler printed more than it may in a session; the rest is dropped",
			slog.Uint64("dropped_bytes", p.dropped), slog.String("limit", "log"), slog.Int("limit_bytes", p.limit))
	}
	p.left, p.dropped, p.used = p.limit, 0, false
}
