package http1

import "testing"

// TestCycles keeps the next request unparsed until the answer is complete.
func TestCycles(t *testing.T) {
	tracer := newTracer(DefaultLimits)
	if state := tracer.give("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n", 0); state != ReaderStatePaused {
		t.Fatal(state)
	}
	heard := len(tracer.lines)
	if state := tracer.give("Host: h\r\n\r\n", 0); state != ReaderStatePaused || len(tracer.lines) != heard {
		t.Errorf("%v, %v: parsed while paused", state, tracer.lines)
	}
	var result Reception
	if errno := tracer.conn.Receive(nil, ReceiveFlagsNextCycle, &tracer.tables, &result); errno != ErrnoState {
		t.Errorf("the next cycle began without an answer: %v", errno)
	}
	tracer.answer()
	if state := tracer.give("", 0); state != ReaderStatePaused || tracer.lines[len(tracer.lines)-1] != "ready 54 " {
		t.Errorf("%v, %v", state, tracer.lines)
	}
}

// TestNothingIsAllocated reads and answers requests of every kind.
func TestNothingIsAllocated(t *testing.T) {
	input := []byte("POST /x HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n")
	tracer := newTracer(DefaultLimits)
	out := &Output{Bytes: make([]byte, 512)}
	var framing Framing
	head := Head{Status: 200, Length: 5, Flags: HeadFlagsComplete}
	flags := ReceiveFlags(0)
	allocations := testing.AllocsPerRun(100, func() {
		for rest := input; ; flags = 0 {
			if errno := tracer.conn.Receive(rest, flags, &tracer.tables, &tracer.result); errno != ErrnoSuccess {
				t.Fatal(errno)
			}
			rest = rest[tracer.result.Consumed:]
			if tracer.result.State == ReaderStatePaused {
				break
			}
		}
		tracer.conn.FrameHead(&head, out, &framing)
		flags = ReceiveFlagsNextCycle
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
