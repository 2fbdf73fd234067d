package client

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// Event is one thing that came from the server. What it refers to is valid until the next call on its connection.
type Event struct {
	// Kind is LineReady, HeaderReady, DataReady, TrailerReady, Ready, Upgraded or Closed.
	//
	// An informational answer is a LineReady and a HeaderReady. Ready ends the final one; a body that only the end of the
	// connection ends is complete when the server ended it in order. Closed follows on an exchange that is the connection's
	// last. Upgraded stands in the place of Ready when the connection leaves HTTP; then DataReady is what the server sends,
	// and Closed its end.
	Kind abi.Event
	// Version, Status and Reason are the status line, on LineReady and HeaderReady. Status is 100 to 999.
	Version abi.Version
	Status  uint16
	Reason  []byte
	// Flags say what the head means, on HeaderReady: whether an answer is informational, how its body is framed. On
	// DataReady they place a piece in the chunks of the body.
	Flags http1.EventFlags
	// Length is the length of the body in bytes where the head announces one, else 0; on HeaderReady.
	Length uint64
	// Fields are the header section on HeaderReady, the trailer section on TrailerReady.
	Fields exchange.Fields
	// Data is a piece of body, on DataReady.
	Data []byte
}

// Informational reports whether an answer precedes the final one.
func (e *Event) Informational() bool { return e.Status > 0 && !final(http1.Status(e.Status)) }

// final reports whether an answer with this status has none behind it.
func final(status http1.Status) bool { return status >= 200 || status == 101 }

// input is the reading direction: bytes that came, and what the core made of them.
//
// The core's slots are never held while something is waited for. So what the core says of a buffer is copied from the
// slot in the call that parses it.
type input struct {
	pump

	// bytes are those that came and were not consumed, in a buffer of the pump or in kept.
	bytes, kept []byte
	// records are what the core made, of which some were told. Their spans count from base, and table holds the fields of
	// the one that has any.
	records []http1.EventRecord
	told    int
	base    []byte
	table   []byte
	// state is what the core's reader said last.
	state http1.ReaderState
	// eof says that the server has ended its side.
	eof bool
}

// Next waits for the next event and describes it. What was not written yet is written first.
//
// It returns ErrEnd when the answer was told to its end, ErrState when nothing was asked, and an error that ends the
// connection when the answer is not complete, is none, or takes too long.
func (c *Conn) Next(ev *Event) error {
	for !c.untold() {
		switch {
		case c.err != nil:
			return c.err
		case c.input.state == http1.ReaderStateMore:
			c.parse(0)
		case !c.cycle.begun:
			return ErrState
		case c.input.state == http1.ReaderStateNeedData:
			c.hear()
		default:
			return c.tellClosed(ev)
		}
	}
	c.tell(ev)
	return nil
}

// hear writes what is not written yet, and waits for something from the server.
func (c *Conn) hear() {
	c.flush()
	if c.untold() || c.err != nil || c.input.state != http1.ReaderStateNeedData {
		return
	}
	if patience := c.patience(); !c.await(patience) {
		c.fail(fmt.Errorf("%w to answer", ErrTimeout))
	}
}

// patience is how long the server may say nothing.
func (c *Conn) patience() time.Duration {
	x := &c.cycle
	switch {
	case x.raw && c.times.Raw == 0:
		return math.MaxInt64
	case x.raw:
		return c.times.Raw
	case x.inBody:
		return c.times.BodyIdle
	case x.headBy.IsZero():
		x.headBy = time.Now().Add(c.times.Head)
	}
	return time.Until(x.headBy)
}

// tellClosed tells once that the connection ends with this exchange, if it does.
func (c *Conn) tellClosed(ev *Event) error {
	x := &c.cycle
	if x.closed || !x.last {
		return ErrEnd
	}
	x.closed = true
	*ev = Event{Kind: abi.EventClosed}
	return nil
}

// tell describes the next event.
func (c *Conn) tell(ev *Event) {
	in := &c.input
	record := &in.records[in.told]
	in.told++
	*ev = Event{Kind: abi.Event(record.Kind), Version: abi.Version(record.Version), Status: uint16(record.Status)}
	ev.Flags, ev.Length = record.Flags, record.Length
	switch record.Kind {
	case http1.EventLineReady, http1.EventHeaderReady:
		// A span that lies outside names nothing.
		ev.Reason, _ = record.First.In(in.base)
	case http1.EventDataReady:
		ev.Data, _ = record.First.In(in.base)
	case http1.EventReady:
		c.cycle.told = true
	}
	if record.FieldCount > 0 {
		ev.Fields = exchange.Fields{Table: in.table, Bytes: in.base}
	}
}

// untold reports whether an event can be told without reading.
func (c *Conn) untold() bool { return c.input.told < len(c.input.records) }

// finalUntold reports whether the final answer has begun and was not told yet.
func (c *Conn) finalUntold() bool {
	in := &c.input
	for i := range in.records[in.told:] {
		if final(in.records[in.told+i].Status) {
			return true
		}
	}
	return false
}

// receive takes what the pump has read.
func (c *Conn) receive(a arrival) {
	in := &c.input
	in.take()
	switch {
	case in.state == http1.ReaderStatePaused && len(a.bytes) > 0:
		c.refuseRest(a.bytes)
		return
	case len(in.bytes) > 0:
		in.kept = append(in.kept, a.bytes...)
		in.bytes = in.kept
	default:
		in.bytes = a.bytes
	}
	in.eof = a.err != nil
	switch {
	case in.state == http1.ReaderStatePaused:
		c.cycle.last = true
	case a.err != nil && !errors.Is(a.err, io.EOF) && c.cycle.begun:
		c.fail(fmt.Errorf("%w: %w", ErrCut, a.err))
	default:
		c.parse(0)
	}
}

// parse has the core read the bytes that were not consumed. Every event before was told.
func (c *Conn) parse(flags http1.ReceiveFlags) {
	in := &c.input
	if in.eof {
		flags |= http1.ReceiveFlagsEOF
	}
	slot := c.core.AcquireSlot()
	defer c.core.ReleaseSlot(slot)
	size := copy(slot.Bytes, in.bytes)
	reception, err := c.core.Receive(c.number, slot, 0, size, flags)
	if err != nil {
		c.fail(err)
		return
	}
	consumed := int(reception.Consumed)
	copy(in.bytes, slot.Bytes[:consumed]) // a head's folded lines were unfolded in the slot
	in.base, in.bytes = in.bytes[:size], in.bytes[consumed:]
	in.state = reception.State
	in.records, in.told = append(in.records[:0], slot.Events[:reception.EventCount]...), 0
	for i := range in.records {
		if fields := int(in.records[i].FieldCount) * exchange.FieldSize; fields > 0 {
			in.table = append(in.table[:0], slot.Fields[:min(fields, len(slot.Fields))]...)
		}
		c.note(&in.records[i])
	}
	c.noteState(&reception)
}

// note takes from an event what the connection itself has to know.
func (c *Conn) note(record *http1.EventRecord) {
	x := &c.cycle
	switch {
	case record.Kind == http1.EventUpgraded:
		x.raw, x.last, x.sent = true, true, false
	case record.Kind != http1.EventHeaderReady:
	case final(record.Status):
		x.expecting, x.inBody = false, true
		x.last = x.last || record.Flags&http1.EventFlagsKeepAlive == 0
	default:
		x.expecting = x.expecting && record.Status != 100
		x.headBy = time.Time{}
	}
}

// noteState takes from what the core's reader says what the connection itself has to know.
func (c *Conn) noteState(reception *http1.Reception) {
	in := &c.input
	switch reception.State {
	case http1.ReaderStateFailed:
		c.fail(refusal(reception))
	case http1.ReaderStateEnded:
		if !c.cycle.begun {
			c.fail(fmt.Errorf("%w: the server has ended it", ErrClosed))
		}
	case http1.ReaderStatePaused:
		if len(in.bytes) > 0 {
			c.refuseRest(in.bytes)
			in.bytes = nil
		}
	}
}

// refusal is the error for what the core has refused.
func refusal(reception *http1.Reception) error {
	err := ErrProtocol
	switch reception.Error {
	case http1.ErrorCodeTruncated:
		err = ErrCut
	case http1.ErrorCodeUnsolicited:
		err = ErrUnasked
	}
	return fmt.Errorf("%w: %v at byte %d", err, reception.Error, reception.ErrorPosition)
}

// refuseRest refuses bytes behind a complete answer. Behind a connection's last they mean nothing and are dropped.
func (c *Conn) refuseRest(rest []byte) {
	if !c.cycle.last {
		c.fail(fmt.Errorf("%w: %d bytes behind an answer", ErrUnasked, len(rest)))
	}
}
