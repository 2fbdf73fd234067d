package http1

import "fmt"

// tracer drives a connection in a test and writes down what it hears, one line per event. What is heard of which input is
// told by the corpus.
type tracer struct {
	conn   Conn
	limits Limits
	tables Tables
	result Reception
	// rest is what was given and not consumed.
	rest  []byte
	next  ReceiveFlags
	lines []string
}

func newTracer(limits Limits) *tracer {
	t := &tracer{limits: limits, tables: Tables{Events: make([]EventRecord, 4), Fields: make([]FieldSpan, limits.Fields)}}
	t.conn.Open(RoleServer, &t.limits)
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

// hear writes an event down: what it is, where it begins, and the first of its parts.
func (t *tracer) hear(e EventRecord) {
	t.lines = append(t.lines, fmt.Sprintf("%v %d %s", e.Kind, e.Position, t.rest[e.First.Offset:][:e.First.Size]))
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
