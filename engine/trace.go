package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// Role is the side of a connection that a core speaks for.
type Role string

// RoleServer reads requests.
const RoleServer Role = "server"

// TraceConfig says how [Trace] feeds a core. The zero value is the default.
type TraceConfig struct {
	// Core chooses the core; default [CoreWasm].
	Core Core
	// Role chooses the side; default [RoleServer].
	Role Role
	// EOF has the peer close its side after the input.
	EOF bool
	// Split is the most that is fed at a time, in bytes. 0: everything at once.
	Split int
	// Limits bound the input; its times are not looked at.
	Limits Limits
	// CacheDir keeps the compiled core between runs, as in [Config].
	CacheDir string
}

// TraceEvent is one event, as a handler would hear it.
type TraceEvent struct {
	// Event is LINE_READY, HEADER_READY, DATA_READY or READY.
	Event string
	// Offset is where the event begins in the input, in bytes; of READY, where the message ends.
	Offset uint64
	// Method, Target and Version are those of the start line, on LINE_READY. Version is like "1.1".
	Method, Target []byte
	Version        string
	// Fields are the header section, on HEADER_READY.
	Fields []TraceField
	// Data is a piece of body, on DATA_READY.
	Data []byte
}

// TraceField is a field of a header section.
type TraceField struct{ Name, Value []byte }

// Verdict sums up a trace.
type Verdict string

// What a trace can come to.
const (
	// VerdictAccept: the input is whole messages.
	VerdictAccept Verdict = "accept"
	// VerdictIncomplete: the input ends inside a message, and more could complete it.
	VerdictIncomplete Verdict = "incomplete"
	// VerdictReject: the input breaks the protocol.
	VerdictReject Verdict = "reject"
	// VerdictUpgrade: a message asks for another protocol, which what follows it is taken for.
	VerdictUpgrade Verdict = "upgrade"
)

// TraceResult is what a trace came to.
type TraceResult struct {
	Verdict Verdict
	// Messages is the number of messages that were complete.
	Messages int
	// Error says what was refused, or where the input broke off inside a message; otherwise nil.
	Error *TraceError
}

// TraceError is what a core refused.
type TraceError struct {
	// Code names the rule, as abi/events.witx does.
	Code string
	// Offset is the first refused byte of the input.
	Offset uint64
	// Status is what a server answers.
	Status int
}

// Trace has a core read the input and gives each event to emit, whose error ends it. Every message is answered at once, so
// that the next can begin. What an event refers to is valid until emit returns.
func Trace(ctx context.Context, config TraceConfig, input io.Reader, emit func(*TraceEvent) error) (TraceResult, error) {
	if config.Role != "" && config.Role != RoleServer {
		return TraceResult{}, fmt.Errorf("role %q is not known; there is %q", config.Role, RoleServer)
	}
	if config.Split < 0 {
		return TraceResult{}, fmt.Errorf("split %d is negative; give the most bytes to feed at a time, or 0", config.Split)
	}
	set, closeAll, err := traceCore(ctx, &config)
	if err != nil {
		return TraceResult{}, err
	}
	defer closeAll()
	t := tracer{config: config, input: input, emit: emit}
	var connection uint32
	if t.core, connection, err = set.Open(http1.RoleServer); err != nil {
		return TraceResult{}, err
	}
	t.number, t.slot = connection, t.core.AcquireSlot()
	defer func() {
		t.core.ReleaseSlot(t.slot)
		t.core.Release(t.number)
	}()
	return t.run()
}

// traceCore makes one core with room for one connection.
func traceCore(ctx context.Context, config *TraceConfig) (set *core.Set, closeAll func(), err error) {
	if err := config.Limits.complete(); err != nil {
		return nil, nil, err
	}
	var runtime *wasmruntime.Runtime
	if config.Core != CoreNative {
		if runtime, err = wasmruntime.New(ctx, wasmruntime.Config{CacheDir: config.CacheDir}); err != nil {
			return nil, nil, err
		}
	}
	set, err = openCores(ctx, runtime, coresConfig{
		kind: config.Core, count: 1, connections: 1, limits: &config.Limits, log: slog.Default(),
	})
	closeAll = func() {
		if set != nil {
			_ = set.Close()
		}
		if runtime != nil {
			_ = runtime.Close(ctx)
		}
	}
	if err != nil {
		closeAll()
	}
	return set, closeAll, err
}

// tracer is one trace.
type tracer struct {
	config TraceConfig
	input  io.Reader
	emit   func(*TraceEvent) error

	core   *core.Core
	number uint32
	slot   *core.Slot
	// start and end bound the bytes in the slot that were not consumed.
	start, end int

	messages int
	// started says that a message has begun and not ended.
	started bool
	// upgrade says that the present message asks for another protocol.
	upgrade bool
}

// run feeds the input and reports.
func (t *tracer) run() (TraceResult, error) {
	for {
		eof, err := t.read()
		if err != nil {
			return TraceResult{}, err
		}
		flags := http1.ReceiveFlags(0)
		if eof && t.config.EOF {
			flags = http1.ReceiveFlagsEOF
		}
		result, done, err := t.receive(flags)
		if done || err != nil {
			return result, err
		}
		if eof {
			return t.result(), nil
		}
	}
}

// read reads the next piece of input into the slot.
func (t *tracer) read() (eof bool, err error) {
	t.end = copy(t.slot.Bytes, t.slot.Bytes[t.start:t.end])
	t.start = 0
	room := t.slot.Bytes[t.end:]
	if t.config.Split > 0 && len(room) > t.config.Split {
		room = room[:t.config.Split]
	}
	n, err := io.ReadFull(t.input, room)
	t.end += n
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return true, nil
	}
	return false, err
}

// receive has the core read what has come, message by message. done says that nothing further is read.
func (t *tracer) receive(flags http1.ReceiveFlags) (result TraceResult, done bool, err error) {
	for {
		reception, err := t.core.Receive(t.number, t.slot, t.start, t.end-t.start, flags)
		if err != nil {
			return TraceResult{}, true, err
		}
		flags &^= http1.ReceiveFlagsNextCycle
		base := t.slot.Bytes[t.start:t.end]
		t.start += int(reception.Consumed)
		for i := range t.slot.Events[:reception.EventCount] {
			if err := t.event(&t.slot.Events[i], base); err != nil {
				return TraceResult{}, true, err
			}
		}
		switch reception.State {
		case http1.ReaderStateNeedData, http1.ReaderStateEnded:
			return TraceResult{}, false, nil
		case http1.ReaderStateFailed:
			return t.rejected(reception), true, nil
		case http1.ReaderStatePaused:
			if t.upgrade {
				return TraceResult{Verdict: VerdictUpgrade, Messages: t.messages}, true, nil
			}
			if err := t.answer(); err != nil {
				return TraceResult{}, true, err
			}
			if t.start == t.end && flags&http1.ReceiveFlagsEOF == 0 {
				return TraceResult{}, false, t.next()
			}
			flags |= http1.ReceiveFlagsNextCycle
		}
	}
}

// next begins the next cycle before any byte of it has come.
func (t *tracer) next() error {
	_, err := t.core.Receive(t.number, t.slot, 0, 0, http1.ReceiveFlagsNextCycle)
	return err
}

// answer answers the message, so that the next can begin.
func (t *tracer) answer() error {
	_, _, errno := t.core.FrameHead(t.number, &core.Head{Status: 204, Flags: http1.HeadFlagsComplete}, nil)
	if errno != http1.ErrnoSuccess {
		return fmt.Errorf("the core does not answer: %v", errno)
	}
	return nil
}

// event reports an event whose spans count from base.
func (t *tracer) event(record *http1.EventRecord, base []byte) error {
	event := TraceEvent{Offset: record.Position}
	span := func(s http1.Span) []byte { return base[s.Offset:][:s.Size] }
	switch record.Kind {
	case http1.EventLineReady:
		t.started = true
		event.Event = "LINE_READY"
		event.Method, event.Target = span(record.First), span(record.Second)
		event.Version = fmt.Sprintf("%d.%d", record.Version>>8, record.Version&0xff)
	case http1.EventHeaderReady:
		t.upgrade = record.Flags&http1.EventFlagsUpgrade != 0
		event.Event = "HEADER_READY"
		event.Fields = t.fields(int(record.FieldCount), base)
	case http1.EventDataReady:
		event.Event = "DATA_READY"
		event.Data = span(record.First)
	case http1.EventReady:
		t.started = false
		t.messages++
		event.Event = "READY"
	}
	return t.emit(&event)
}

// fields are the fields in the slot's table.
func (t *tracer) fields(count int, base []byte) []TraceField {
	section := exchange.Fields{Table: t.slot.Fields[:count*exchange.FieldSize], Bytes: base}
	fields := make([]TraceField, section.Len())
	for i := range fields {
		fields[i].Name, fields[i].Value, _ = section.At(i)
	}
	return fields
}

// rejected is the result of a refusal. An input that only broke off is incomplete.
func (t *tracer) rejected(reception http1.Reception) TraceResult {
	verdict := VerdictReject
	if reception.Error == http1.ErrorCodeTruncated {
		verdict = VerdictIncomplete
	}
	return TraceResult{
		Verdict:  verdict,
		Messages: t.messages,
		Error: &TraceError{
			Code:   reception.Error.String(),
			Offset: reception.ErrorPosition,
			Status: int(reception.ErrorStatus),
		},
	}
}

// result is the result of an input that was read to its end. Empty lines behind a message are not the begin of another.
func (t *tracer) result() TraceResult {
	rest := bytes.ReplaceAll(t.slot.Bytes[t.start:t.end], []byte("\r\n"), nil)
	if t.started || len(rest) > 0 || t.messages == 0 {
		return TraceResult{Verdict: VerdictIncomplete, Messages: t.messages}
	}
	return TraceResult{Verdict: VerdictAccept, Messages: t.messages}
}
