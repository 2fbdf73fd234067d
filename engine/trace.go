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

// The sides of a connection.
const (
	// RoleServer reads requests.
	RoleServer Role = "server"
	// RoleClient reads answers.
	RoleClient Role = "client"
)

// TraceConfig says how [Trace] feeds a core. The zero value is the default.
type TraceConfig struct {
	// Core chooses the core; default [CoreWasm].
	Core Core
	// Role chooses the side; default [RoleServer].
	Role Role
	// Method is that of the requests whose answers the input holds, on the client's side; default GET.
	Method string
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
	// Event is LINE_READY, HEADER_READY, DATA_READY, TRAILER_READY, READY or UPGRADED; or HTTP2_PREFACE, which no handler
	// hears.
	Event string
	// Offset is where the event begins in the input, in bytes; of READY, where the message ends.
	Offset uint64
	// Method and Target are those of a request, on LINE_READY.
	Method, Target []byte
	// Status and Reason are those of an answer, on LINE_READY. Status is 0 in a request.
	Status int
	Reason []byte
	// Version is that of the start line, like "1.1", on LINE_READY.
	Version string
	// Fields are the header section on HEADER_READY, the trailer section on TRAILER_READY.
	Fields []TraceField
	// Data is a piece of body, on DATA_READY.
	Data []byte
	// ChunkStart and ChunkEnd say that the piece begins or ends a chunk, on DATA_READY.
	ChunkStart, ChunkEnd bool
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
	// VerdictUpgrade: a request asks for another protocol, or an answer agrees to it, and what follows is taken for that.
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

// Trace has a core read the input and gives each event to emit, whose error ends it. Every request is answered at once, and
// every answer asked for, so that the next message can begin. What an event refers to is valid until emit returns.
func Trace(ctx context.Context, config TraceConfig, input io.Reader, emit func(*TraceEvent) error) (TraceResult, error) {
	if err := config.complete(); err != nil {
		return TraceResult{}, err
	}
	set, closeAll, err := traceCore(ctx, &config)
	if err != nil {
		return TraceResult{}, err
	}
	defer closeAll()
	t := tracer{config: config, input: input, emit: emit}
	if t.core, t.number, err = set.Open(http1.RoleNone); err != nil {
		return TraceResult{}, err
	}
	t.slot = t.core.AcquireSlot()
	defer func() {
		t.core.ReleaseSlot(t.slot)
		t.core.Release(t.number)
	}()
	return t.run()
}

// complete puts defaults where nothing is set, and looks for what cannot be.
func (c *TraceConfig) complete() error {
	if c.Role == "" {
		c.Role = RoleServer
	}
	if c.Method == "" {
		c.Method = "GET"
	}
	switch {
	case c.Role != RoleServer && c.Role != RoleClient:
		return fmt.Errorf("role %q is not known; there are %q and %q", c.Role, RoleServer, RoleClient)
	case !http1.IsToken([]byte(c.Method)):
		return fmt.Errorf("method %q is not a token; methods look like GET", c.Method)
	case c.Split < 0:
		return fmt.Errorf("split %d is negative; give the most bytes to feed at a time, or 0", c.Split)
	}
	if err := c.Limits.complete(); err != nil {
		return err
	}
	return nil
}

// traceCore makes one core with room for one connection.
func traceCore(ctx context.Context, config *TraceConfig) (set *core.Set, closeAll func(), err error) {
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
	// asked says that a request is under way, on the client's side.
	asked bool
	// started says that a message has begun and not ended.
	started bool
	// upgrade says that the present request asks for another protocol, or that the present answer agrees to it.
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
		if err := t.ask(); err != nil {
			return TraceResult{}, true, err
		}
		reception, err := t.core.Receive(t.number, t.slot, t.start, t.end-t.start, flags)
		if err != nil {
			return TraceResult{}, true, err
		}
		base := t.slot.Bytes[t.start:t.end]
		t.start += int(reception.Consumed)
		for i := range t.slot.Events[:reception.EventCount] {
			if err := t.event(&t.slot.Events[i], base); err != nil {
				return TraceResult{}, true, err
			}
		}
		switch reception.State {
		case http1.ReaderStateNeedData, http1.ReaderStateEnded:
			if t.upgrade && t.config.Role == RoleClient {
				return t.upgraded(), true, nil
			}
			return TraceResult{}, false, nil
		case http1.ReaderStateHTTP2Preface:
			event := TraceEvent{Event: "HTTP2_PREFACE", Offset: reception.ErrorPosition}
			return t.rejected(reception), true, t.emit(&event)
		case http1.ReaderStateFailed:
			return t.rejected(reception), true, nil
		case http1.ReaderStatePaused:
			if t.upgrade {
				return t.upgraded(), true, nil
			}
			if err := t.next(); err != nil {
				return TraceResult{}, true, err
			}
			if t.start == t.end && flags&http1.ReceiveFlagsEOF == 0 {
				return TraceResult{}, false, nil
			}
		}
	}
}

// ask frames a request, on the client's side, when none is under way and there are bytes that may be its answer. It asks
// for another protocol, so that an answer may agree to one.
func (t *tracer) ask() error {
	if t.config.Role != RoleClient || t.asked || t.start == t.end {
		return nil
	}
	target := "/"
	if t.config.Method == "CONNECT" {
		target = "localhost:443"
	}
	request := core.Request{
		Method: []byte(t.config.Method),
		Target: []byte(target),
		Fields: exchange.NewFields("Host", "localhost", "Upgrade", "any"),
		Flags:  http1.HeadFlagsComplete,
	}
	_, _, errno := t.core.FrameRequest(t.number, &request, nil)
	if errno != http1.ErrnoSuccess && errno != http1.ErrnoClosed {
		return fmt.Errorf("the core does not ask: %v", errno)
	}
	t.asked = true
	return nil
}

// next begins the next cycle, before any byte of it is looked at.
func (t *tracer) next() error {
	if err := t.answer(); err != nil {
		return err
	}
	t.asked = false
	_, err := t.core.Receive(t.number, t.slot, 0, 0, http1.ReceiveFlagsNextCycle)
	return err
}

// answer answers the request, on the server's side, so that the next can begin.
func (t *tracer) answer() error {
	if t.config.Role == RoleClient {
		return nil
	}
	_, _, errno := t.core.FrameHead(t.number, &core.Head{Status: 404, Flags: http1.HeadFlagsComplete}, nil)
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
		event.Version = fmt.Sprintf("%d.%d", record.Version>>8, record.Version&0xff)
		if event.Status = int(record.Status); event.Status != 0 {
			event.Reason = span(record.First)
		} else {
			event.Method, event.Target = span(record.First), span(record.Second)
		}
	case http1.EventHeaderReady:
		t.upgrade = record.Flags&http1.EventFlagsUpgrade != 0
		event.Event = "HEADER_READY"
		event.Fields = t.fields(int(record.FieldCount), base)
	case http1.EventDataReady:
		if t.upgrade && t.config.Role == RoleClient {
			return nil // another protocol's
		}
		event.Event = "DATA_READY"
		event.Data = span(record.First)
		event.ChunkStart = record.Flags&http1.EventFlagsChunkStart != 0
		event.ChunkEnd = record.Flags&http1.EventFlagsChunkEnd != 0
	case http1.EventTrailerReady:
		event.Event = "TRAILER_READY"
		event.Fields = t.fields(int(record.FieldCount), base)
	case http1.EventReady:
		t.started = false
		t.messages++
		event.Event = "READY"
	case http1.EventUpgraded:
		t.started = false
		t.messages++
		event.Event = "UPGRADED"
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

// upgraded is the result of an input that another protocol follows.
func (t *tracer) upgraded() TraceResult {
	return TraceResult{Verdict: VerdictUpgrade, Messages: t.messages}
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
	rest := t.slot.Bytes[t.start:t.end]
	if t.config.Role == RoleServer {
		rest = bytes.ReplaceAll(rest, []byte("\r\n"), nil)
	}
	if t.started || len(rest) > 0 || t.messages == 0 {
		return TraceResult{Verdict: VerdictIncomplete, Messages: t.messages}
	}
	return TraceResult{Verdict: VerdictAccept, Messages: t.messages}
}
