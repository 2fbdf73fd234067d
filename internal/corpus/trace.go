package corpus

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/abi"
)

// Trace is what was heard of an input.
type Trace struct {
	Events []Event
	End    End
}

// Event is one event. Its bytes are its own.
type Event struct {
	Kind abi.Event
	// Offset is where it begins in the input.
	Offset uint64
	Flags  abi.EventFlags

	// On LINE_READY.
	Version                abi.Version
	Method, Target, Reason []byte
	Status                 abi.Status

	// On HEADER_READY, and Fields on TRAILER_READY.
	Fields    []Field
	Authority []byte
	Length    uint64

	// On DATA_READY.
	Data []byte
}

// Field is a field of a section.
type Field struct{ Name, Value []byte }

// End is where the reader stood when the input was given.
type End struct {
	State abi.ReaderState
	// Offset is the first refused byte of the input; where none was refused, the first that is not consumed.
	Offset uint64
	// Error and Status say why a byte was refused and what a server answers.
	Error  abi.ErrorCode
	Status abi.Status
}

// Joined is the trace with the pieces of body joined that follow one another within a chunk, or within a body that is not
// chunked. However an input is split, its joined trace is the same.
func (t Trace) Joined() Trace {
	joined := Trace{End: t.End}
	for _, e := range t.Events {
		if last := len(joined.Events) - 1; last >= 0 && joined.Events[last].continuedBy(&e) {
			before := &joined.Events[last]
			before.Data = bytes.Join([][]byte{before.Data, e.Data}, nil)
			before.Flags |= e.Flags
			continue
		}
		joined.Events = append(joined.Events, e)
	}
	return joined
}

// continuedBy reports whether next is a piece of the same chunk or body.
func (e *Event) continuedBy(next *Event) bool {
	return e.Kind == abi.EventDataReady && next.Kind == abi.EventDataReady && next.Flags&abi.EventFlagsChunkStart == 0
}

// String is the trace as the corpus writes it: a line per event, and one for the end.
func (t Trace) String() string {
	var out strings.Builder
	for i := range t.Events {
		t.Events[i].write(&out)
	}
	fmt.Fprintf(&out, "%-5d %s", t.End.Offset, t.End)
	return out.String()
}

// String is the state, with the error when there is one.
func (e End) String() string {
	if e.Error == abi.ErrorCodeNone {
		return e.State.String()
	}
	return fmt.Sprintf("%v %v %d", e.State, e.Error, e.Status)
}

// write writes an event and its fields.
func (e *Event) write(out *strings.Builder) {
	fmt.Fprintf(out, "%-5d %s", e.Offset, strings.ToUpper(e.Kind.String()))
	if e.Kind == abi.EventLineReady {
		e.writeLine(out)
	}
	for _, flag := range flagNames {
		if e.Flags&flag.bit != 0 {
			out.WriteString(" " + flag.name)
		}
	}
	if e.Length > 0 {
		fmt.Fprintf(out, " length=%d", e.Length)
	}
	if len(e.Authority) > 0 {
		fmt.Fprintf(out, " authority=%s", encode(e.Authority))
	}
	if e.Kind == abi.EventDataReady {
		out.WriteString(" " + quote(e.Data))
	}
	out.WriteString("\n")
	for _, field := range e.Fields {
		fmt.Fprintf(out, "        %s: %s\n", encode(field.Name), quote(field.Value))
	}
}

// writeLine writes what a start line holds.
func (e *Event) writeLine(out *strings.Builder) {
	if e.Status != 0 {
		fmt.Fprintf(out, " status=%d reason=%s", e.Status, quote(e.Reason))
	} else {
		fmt.Fprintf(out, " method=%s target=%s", encode(e.Method), encode(e.Target))
	}
	fmt.Fprintf(out, " version=%d.%d", e.Version>>8, e.Version&0xff)
}

// quote writes bytes between quotes. A quote among them stands for itself, for nothing follows the last.
func quote(b []byte) string { return `"` + encode(b) + `"` }

// flagNames are the flags as events.witx names them.
var flagNames = []struct {
	bit  abi.EventFlags
	name string
}{
	{abi.EventFlagsBody, "body"},
	{abi.EventFlagsChunked, "chunked"},
	{abi.EventFlagsUntilClose, "until_close"},
	{abi.EventFlagsKeepAlive, "keep_alive"},
	{abi.EventFlagsExpectContinue, "expect_continue"},
	{abi.EventFlagsUpgrade, "upgrade"},
	{abi.EventFlagsInformational, "informational"},
	{abi.EventFlagsChunkStart, "chunk_start"},
	{abi.EventFlagsChunkEnd, "chunk_end"},
}
