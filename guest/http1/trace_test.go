package http1

import (
	"fmt"
	"strings"
	"testing"
)

// tracer drives a connection in a test and writes down what it hears, one line per event.
type tracer struct {
	conn   Conn
	tables Tables
	result Reception
	// rest is what was given and not consumed.
	rest  []byte
	next  ReceiveFlags
	lines []string
}

func newTracer(limits Limits) *tracer {
	t := &tracer{tables: Tables{Events: make([]EventRecord, 4), Fields: make([]FieldSpan, limits.Fields)}}
	t.conn.Open(RoleServer, &limits)
	return t
}

// give hands bytes to the reader until it wants more, pauses or fails.
func (t *tracer) give(input string, flags ReceiveFlags) ReaderState {
	t.rest = append(t.rest, input...)
	for {
		cycle := t.next
		t.next = 0
		if errno := t.conn.Receive(t.rest, flags|cycle, &t.tables, &t.result); errno != ErrnoSuccess {
			panic(errno)
		}
		for _, event := range t.tables.Events[:t.result.EventCount] {
			t.hear(event)
		}
		t.rest = t.rest[t.result.Consumed:]
		if t.result.State != ReaderStateMore {
			return t.result.State
		}
	}
}

// hear writes an event down. Pieces of body are joined within a message, or within a chunk.
func (t *tracer) hear(e EventRecord) {
	text := func(s Span) string { return string(t.rest[s.Offset:][:s.Size]) }
	switch e.Kind {
	case EventLineReady:
		if e.Status != 0 {
			t.add("line %d %d %q %d.%d", e.Position, e.Status, text(e.First), e.Version>>8, e.Version&0xff)
			break
		}
		t.add("line %d %s %s %d.%d", e.Position, text(e.First), text(e.Second), e.Version>>8, e.Version&0xff)
	case EventHeaderReady:
		t.add("header %d%s%s", e.Position, flagNames(e.Flags), t.fields(e))
		if e.Authority.Size > 0 {
			t.lines[len(t.lines)-1] += " for " + text(e.Authority)
		}
	case EventDataReady:
		last := len(t.lines) - 1
		if strings.HasPrefix(t.lines[last], "data") && e.Flags&EventFlagsChunkStart == 0 {
			t.lines[last] += text(e.First)
		} else {
			t.add("data %d %s", e.Position, text(e.First))
		}
	case EventTrailerReady:
		t.add("trailer %d%s", e.Position, t.fields(e))
	case EventUpgraded:
		t.add("upgraded %d", e.Position)
	case EventReady:
		t.add("ready %d", e.Position)
	}
}

// fields lists the fields of a section.
func (t *tracer) fields(e EventRecord) string {
	var fields strings.Builder
	text := func(s Span) string { return string(t.rest[s.Offset:][:s.Size]) }
	for _, field := range t.tables.Fields[:e.FieldCount] {
		fmt.Fprintf(&fields, " %s=%q", text(field.Name), text(field.Value))
	}
	return fields.String()
}

func (t *tracer) add(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

// flagNames lists the flags of a header section.
func flagNames(flags EventFlags) string {
	out := ""
	for _, flag := range []struct {
		bit  EventFlags
		name string
	}{
		{EventFlagsBody, "body"}, {EventFlagsChunked, "chunked"}, {EventFlagsKeepAlive, "keep-alive"},
		{EventFlagsExpectContinue, "expect"}, {EventFlagsUpgrade, "upgrade"}, {EventFlagsInformational, "informational"}, {EventFlagsUntilClose, "until-close"},
	} {
		if flags&flag.bit != 0 {
			out += " " + flag.name
		}
	}
	return out
}

// answer answers a request, with a status that is legal for every method, and has the next cycle begin with the next bytes.
func (t *tracer) answer() {
	var framing Framing
	head := Head{Status: 404, Flags: HeadFlagsComplete}
	if errno := t.conn.FrameHead(&head, &Output{Bytes: make([]byte, 256)}, &framing); errno != ErrnoSuccess {
		panic(errno)
	}
	t.next = ReceiveFlagsNextCycle
}

// run gives an input in pieces of a size and answers every request.
func (t *tracer) run(input string, size int) string {
	for {
		piece := input[:min(size, len(input))]
		input = input[len(piece):]
		state := t.give(piece, 0)
		for state == ReaderStatePaused {
			t.answer()
			state = t.give("", 0)
		}
		refused := state == ReaderStateFailed || state == ReaderStateHTTP2Preface
		if refused {
			t.add("%v %d at %d", t.result.Error, t.result.ErrorStatus, t.result.ErrorPosition)
		}
		if input == "" || refused {
			return strings.Join(t.lines, "\n")
		}
	}
}

// check reads an input whole and byte by byte, on a new connection and on one that has served a request, and compares
// what was heard.
func check(t *testing.T, limits Limits, input, want string) {
	t.Helper()
	want = strings.TrimSpace(want)
	for _, size := range []int{len(input) + 1, 1, 7} {
		if got := newTracer(limits).run(input, size); got != want {
			t.Errorf("%q in pieces of %d\ngot\n%s\nwant\n%s", input, size, got, want)
		}
	}
	used := newTracer(limits)
	const before = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: u\r\n\r\n"
	used.run(before, len(before))
	used.lines = nil
	used.conn.position = 0
	if got := used.run(input, len(input)+1); got != want {
		t.Errorf("%q on a used connection\ngot\n%s\nwant\n%s", input, got, want)
	}
}
