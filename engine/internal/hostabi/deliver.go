package hostabi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// The statuses that answer a request which a receive buffer cannot hold.
const (
	statusContentTooLarge = 413 // RFC 9110 section 15.5.14
	statusHeadTooLarge    = 431 // RFC 6585 section 5
)

// TooLarge says that an event does not fit the handler's receive buffer.
type TooLarge struct {
	// Need is what the event takes, Room what there is, in bytes.
	Need, Room uint64

	status uint16
}

// Status is how to answer the request: 431 when its head is too large, 413 when its body is.
func (e *TooLarge) Status() uint16 { return e.status }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("the request takes %d bytes of the handler's receive buffer, which has room for %d", e.Need, e.Room)
}

// ErrFields is a fault of the front end, never of the handler.
var ErrFields = errors.New("the exchange's table of fields points outside of its bytes")

// Next waits for the event to deliver next by on_event. A piece of body is made to fit the receive buffer and leave spare
// bytes of it free. Once it fails it fails again with the same error, one of the exchange's.
func (s *Session) Next(spare uint32) error {
	s.call.held = 0
	return s.next(spare)
}

func (s *Session) next(spare uint32) error {
	if s.ended != nil {
		return s.ended
	}
	c := s.call
	limit := int64(c.buffer.Size) - int64(c.held) - int64(spare) - abi.DataSize
	s.event.Room = nil
	if c.subscriptions&abi.SubscriptionsDataReady != 0 && c.sessions == nil && limit > 0 {
		// Where place is going to put it. Instances that have other sessions use the buffer meanwhile.
		s.event.Room, _ = c.memory.Read(c.buffer.Base+c.held+abi.DataSize, uint32(limit))
	}
	s.ended = s.exchange.Next(c.subscriptions, int(max(limit, 1)), &s.event)
	return s.ended
}

// Place writes the payload of the event that [Session.Next] found to the front of the receive buffer, for on_event, and
// leaves at least spare bytes of the buffer free. It fails with [*TooLarge].
func (s *Session) Place(spare uint32) (abi.Bytes, error) {
	payload, err := s.place(spare)
	s.call.held = alignUp(payload.Len)
	return payload, err
}

// place writes a payload behind what is held. The handler hears of it next.
func (s *Session) place(spare uint32) (abi.Bytes, error) {
	payload, err := s.write(spare)
	if s.call.observer != nil && err == nil {
		s.heard()
	}
	return payload, err
}

// write writes a payload behind what is held.
func (s *Session) write(spare uint32) (abi.Bytes, error) {
	a := s.call.area(spare)
	payload, err := s.fill(&a)
	s.call.wrotePayload(a.base, a.used)
	return payload, err
}

func (s *Session) fill(a *area) (abi.Bytes, error) {
	switch s.event.Kind {
	case abi.EventLineReady:
		return a.line(&s.event)
	case abi.EventHeaderReady:
		return a.header(&s.event)
	case abi.EventDataReady:
		return a.data(&s.event)
	case abi.EventReady:
		if s.call.subscriptions&abi.SubscriptionsDataReady == 0 {
			return a.message(&s.event)
		}
	case abi.EventTrailerReady:
		return a.trailer(&s.event)
	case abi.EventClosed:
		return a.closed(&s.event)
	case abi.EventHeaderDone, abi.EventDataDone, abi.EventDone, abi.EventUpgraded:
	}
	return abi.Bytes{Ptr: a.base}, nil // no payload, at an address that is not null
}

// area is the free part of the receive buffer. A payload is written from its front: the record, then what it points to.
type area struct {
	room []byte
	base uint32 // the address of room
	used int
}

func (c *Call) area(spare uint32) area {
	a := area{base: c.buffer.Base + c.held}
	if taken := uint64(c.held) + uint64(spare); taken < uint64(c.buffer.Size) {
		a.room, _ = c.memory.Read(a.base, c.buffer.Size-uint32(taken))
	}
	return a
}

// line writes the payload of LINE_READY.
func (a *area) line(ev *exchange.Event) (abi.Bytes, error) {
	need := abi.LineSize + uint64(len(ev.Line.Method)) + uint64(len(ev.Line.Target))
	if need > uint64(len(a.room)) {
		return abi.Bytes{}, a.tooLarge(statusHeadTooLarge, need)
	}
	record := a.take(abi.LineSize)
	line := a.startLine(ev)
	line.Store(record)
	return a.payload(), nil
}

// header writes the payload of HEADER_READY.
func (a *area) header(ev *exchange.Event) (abi.Bytes, error) {
	record, fields, err := a.section(abi.HeaderSize, ev)
	if err == nil {
		header := abi.Header{Fields: fields}
		header.Store(record)
	}
	return a.payload(), err
}

// trailer writes the payload of TRAILER_READY.
func (a *area) trailer(ev *exchange.Event) (abi.Bytes, error) {
	record, fields, err := a.section(abi.TrailerSize, ev)
	if err == nil {
		trailer := abi.Trailer{Fields: fields}
		trailer.Store(record)
	}
	return a.payload(), err
}

// section leaves room for a record and writes the fields that it refers to.
func (a *area) section(recordSize int, ev *exchange.Event) (record []byte, fields abi.Fields, err error) {
	extent, ok := measure(ev.Fields)
	if !ok {
		return nil, fields, ErrFields
	}
	fixed := uint64(recordSize) + uint64(len(ev.Fields.Table))
	size, whole := extent.fit(uint64(len(a.room)), fixed)
	if need := fixed + size; need > uint64(len(a.room)) {
		return nil, fields, a.tooLarge(statusHeadTooLarge, need)
	}
	record = a.take(recordSize)
	return record, a.fields(ev.Fields, extent, whole), nil
}

// closed writes the payload of CLOSED.
func (a *area) closed(ev *exchange.Event) (abi.Bytes, error) {
	if abi.ClosedSize > len(a.room) {
		return abi.Bytes{}, a.tooLarge(statusContentTooLarge, abi.ClosedSize)
	}
	ev.Closed.Store(a.take(abi.ClosedSize))
	return a.payload(), nil
}

// data writes the payload of DATA_READY.
func (a *area) data(ev *exchange.Event) (abi.Bytes, error) {
	need := abi.DataSize + uint64(len(ev.Data))
	if need > uint64(len(a.room)) {
		return abi.Bytes{}, a.tooLarge(statusContentTooLarge, need)
	}
	record := a.take(abi.DataSize)
	data := abi.Data{Content: a.copy(ev.Data), Flags: ev.Flags}
	data.Store(record)
	return a.payload(), nil
}

// message writes the payload of READY for a handler that takes a request in one piece.
func (a *area) message(ev *exchange.Event) (abi.Bytes, error) {
	extent, ok := measure(ev.Fields)
	if !ok {
		return abi.Bytes{}, ErrFields
	}
	head := abi.MessageSize + uint64(len(ev.Line.Method)) + uint64(len(ev.Line.Target)) + uint64(len(ev.Fields.Table))
	fixed := head + uint64(len(ev.Data))
	size, whole := extent.fit(uint64(len(a.room)), fixed)
	if need := fixed + size; need > uint64(len(a.room)) {
		if head+size > uint64(len(a.room)) {
			return abi.Bytes{}, a.tooLarge(statusHeadTooLarge, need)
		}
		return abi.Bytes{}, a.tooLarge(statusContentTooLarge, need)
	}
	record := a.take(abi.MessageSize)
	message := abi.Message{
		Fields: a.fields(ev.Fields, extent, whole), // first, for their alignment
		Line:   a.startLine(ev),
		Body:   a.copy(ev.Data),
	}
	message.Store(record)
	return a.payload(), nil
}

func (a *area) startLine(ev *exchange.Event) abi.Line {
	return abi.Line{Method: a.copy(ev.Line.Method), Target: a.copy(ev.Line.Target), Version: ev.Line.Version}
}

// fields writes a table of fields whose addresses count from the start of the memory, and what it points to. When whole,
// the names and values are copied at once with all that lies between them.
func (a *area) fields(f exchange.Fields, e extent, whole bool) abi.Fields {
	list := abi.Fields{Ptr: a.address(), Len: uint32(f.Len())}
	to := a.take(len(f.Table))
	if !whole {
		for from := f.Table; len(from) >= abi.ListSize; from, to = from[abi.ListSize:], to[abi.ListSize:] {
			var part abi.Bytes
			part.Load(from)
			part = a.copy(f.Bytes[part.Ptr:][:part.Len])
			part.Store(to)
		}
		return list
	}
	rebase := a.address() - e.low
	a.copy(f.Bytes[e.low:][:e.spread])
	for from := f.Table; len(from) >= abi.ListSize; from, to = from[abi.ListSize:], to[abi.ListSize:] {
		offset, length := loadList(from)
		if length == 0 {
			offset = uint64(e.low) // it may lie anywhere
		}
		storeList(to, uint32(offset)+rebase, length)
	}
	return list
}

// loadList and storeList are what the methods of [abi.List] do, in one access instead of two: they run for every name and
// every value.

func loadList(b []byte) (offset, length uint64) {
	v := binary.LittleEndian.Uint64(b)
	return v & math.MaxUint32, v >> 32
}

func storeList(b []byte, offset uint32, length uint64) {
	binary.LittleEndian.PutUint64(b, uint64(offset)|length<<32)
}

// take gives the next bytes away. The caller has made sure that they are there.
func (a *area) take(size int) []byte {
	a.used += size
	return a.room[a.used-size : a.used]
}

// copy copies bytes into the area, unless they are there already, and says where they are.
func (a *area) copy(content []byte) abi.Bytes {
	at := a.address()
	if room := a.take(len(content)); unsafe.SliceData(room) != unsafe.SliceData(content) {
		copy(room, content)
	}
	return abi.Bytes{Ptr: at, Len: uint32(len(content))}
}

// address is where the next byte goes.
func (a *area) address() uint32 { return a.base + uint32(a.used) }

// payload is all that was written.
func (a *area) payload() abi.Bytes { return abi.Bytes{Ptr: a.base, Len: uint32(a.used)} }

func (a *area) tooLarge(status uint16, need uint64) error {
	return &TooLarge{Need: need, Room: uint64(len(a.room)), status: status}
}

// extent is where the names and values of a section lie in its bytes.
type extent struct {
	low    uint32 // the first byte
	spread uint64 // from the first byte to the last
	sum    uint64 // of their lengths
}

// measure finds the extent. ok is false when the table points outside.
func measure(f exchange.Fields) (e extent, ok bool) {
	low, high := uint64(len(f.Bytes)), uint64(0)
	for from := f.Table; len(from) >= abi.ListSize; from = from[abi.ListSize:] {
		start, length := loadList(from)
		if start+length > uint64(len(f.Bytes)) {
			return extent{}, false
		}
		if length > 0 {
			low, high = min(low, start), max(high, start+length)
			e.sum += length
		}
	}
	if e.sum > 0 {
		e.low, e.spread = uint32(low), high-low
	}
	return e, true
}

// fit chooses how to copy: all at once when that fits into the room left beside the fixed bytes and carries no more
// ballast than load, else one by one. It returns how many bytes that takes.
func (e extent) fit(room, fixed uint64) (size uint64, whole bool) {
	if e.spread <= 2*e.sum && fixed+e.spread <= room {
		return e.spread, true
	}
	return e.sum, false
}

// alignUp rounds up to where a record may begin.
func alignUp(size uint32) uint32 {
	return (size + receiveBufferAlign - 1) &^ (receiveBufferAlign - 1)
}
