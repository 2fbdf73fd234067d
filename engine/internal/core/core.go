// Package core drives the HTTP core: the same package guest/http1, either compiled to WebAssembly and run in its sandbox
// or linked natively as its twin. One [Core] serves many connections, one call at a time.
//
// Core and host share memory. A connection reads into a [Slot], and the core describes what it found in tables beside the
// bytes, where the host reads them in place. A slot belongs to one connection from the moment its socket is readable to
// the moment its events were dealt with, so an idle connection holds none.
package core

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// ErrBroken says that the core trapped or broke its promises. Its connections are lost; it serves no others.
var ErrBroken = errors.New("the core is broken")

// ErrMisused says that the core refused a call, which is a bug of the caller. It costs the connection and no other.
var ErrMisused = errors.New("the core was misused")

// Core is one instance of the core.
type Core struct {
	shared

	// mu is held for the length of a call.
	mu     sync.Mutex
	calls  calls
	closed bool
	// headFramed says that the input still holds the fields of the last head, of which there are headFields, that it was
	// framed with headStatus, and that the date is the same.
	headFramed bool
	headStatus uint16
	headFields int

	slots   *slotPool
	numbers *numberPool

	broken atomic.Pointer[error]
	// onBroken is called once when the core turns out to be broken, on the goroutine that found out.
	onBroken func(error)
}

// shared is the memory that core and host share. It stays where it is for the life of the core.
type shared struct {
	limits  *http1.Limits
	fields  []http1.FieldSpan
	input   []byte
	output  []byte
	framing *http1.Framing
	state   *http1.ConnectionState
	date    []byte
	table   []Slot
}

// calls are the core's functions. An error means that the core is broken.
type calls interface {
	open(connection uint32, role http1.Role) (http1.Errno, error)
	receive(connection, slot, offset, size uint32, flags http1.ReceiveFlags) (http1.Errno, error)
	restrict(connection, chunkLine, trailers, trailerFields uint32) (http1.Errno, error)
	advance(connection uint32, size uint64) (http1.Errno, error)
	query(connection uint32) (http1.Errno, error)
	frameHead(connection uint32, status http1.Status, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error)
	frameData(connection uint32, size uint64) (http1.Errno, error)
	frameEnd(connection uint32) (http1.Errno, error)
	frameTrailers(connection, fields uint32) (http1.Errno, error)
	frameInformational(connection uint32, status http1.Status, fields uint32) (http1.Errno, error)
	frameUpgrade(connection, fields uint32) (http1.Errno, error)
	frameRequest(connection, method, target, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error)
	// close frees what the core holds. No call may be under way.
	close() error
}

// Slot is a read buffer and what the core said of the bytes in it.
type Slot struct {
	// Number is the slot's place in its core.
	Number uint32
	// Bytes is the buffer.
	Bytes []byte
	// Events and Fields are the core's tables. Fields are the spans as they lie in memory, 16 bytes each.
	Events []http1.EventRecord
	Fields []byte

	reception *http1.Reception
}

// Config says what a core has to bear.
type Config struct {
	// Connections is how many can be open at a time, 1 to 1,048,576.
	Connections int
	// Limits bound what peers may send.
	Limits http1.Limits
}

// newCore puts a core together from its memory and its functions.
func newCore(config Config, memory shared, calls calls) *Core {
	*memory.limits = config.Limits
	return &Core{
		shared:  memory,
		calls:   calls,
		slots:   newSlotPool(memory.table),
		numbers: newNumberPool(config.Connections),
	}
}

// Close frees the core's memory. No connection may be open.
func (c *Core) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.broken.CompareAndSwap(nil, &errClosed)
	return c.calls.close()
}

var errClosed = errors.New("closed")

// Err is nil, or ErrBroken with the reason.
func (c *Core) Err() error {
	if reason := c.broken.Load(); reason != nil {
		return fmt.Errorf("%w: %w", ErrBroken, *reason)
	}
	return nil
}

// fail marks the core as broken. The caller holds mu.
func (c *Core) fail(reason error) {
	if c.broken.CompareAndSwap(nil, &reason) && c.onBroken != nil {
		c.onBroken(reason)
	}
}

// SetDate gives the value for Date, 29 bytes (RFC 9110 section 5.6.7), which answers carry from now on.
func (c *Core) SetDate(date string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.date, date)
	c.headFramed = false
}

// Open takes a connection number and makes it ready for its first byte. ok is false when all are taken.
func (c *Core) Open(role http1.Role) (connection uint32, ok bool, err error) {
	connection, ok = c.numbers.take()
	if !ok {
		return 0, false, nil
	}
	defer func() {
		if !ok {
			c.Release(connection)
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.Err(); err != nil {
		return 0, false, err
	}
	errno, err := c.calls.open(connection, role)
	if err := c.check("open", errno, err); err != nil {
		return 0, false, err
	}
	return connection, true, nil
}

// Release gives a connection number back. The last connection of a broken core takes the core with it.
func (c *Core) Release(connection uint32) {
	if last := c.numbers.give(connection); last && c.broken.Load() != nil {
		_ = c.Close()
	}
}

// AcquireSlot takes a slot, and waits for one while all are taken: they are never held while a peer or a handler is
// waited for.
func (c *Core) AcquireSlot() *Slot { return c.slots.take() }

// TrySlot takes a slot if there is one; nil if not.
func (c *Core) TrySlot() *Slot { return c.slots.tryTake() }

// ReleaseSlot gives a slot back.
func (c *Core) ReleaseSlot(s *Slot) { c.slots.give(s) }

// Receive has the core read size bytes of the slot from offset. The tables of the slot describe what it found.
func (c *Core) Receive(connection uint32, s *Slot, offset, size int, flags http1.ReceiveFlags) (http1.Reception, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return http1.Reception{}, c.Err()
	}
	errno, err := c.calls.receive(connection, s.Number, uint32(offset), uint32(size), flags)
	if err == nil && errno != http1.ErrnoSuccess {
		return http1.Reception{}, fmt.Errorf("%w: receive: %v", ErrMisused, errno)
	}
	if err == nil && (int(s.reception.Consumed) > size || int(s.reception.EventCount) > len(s.Events)) {
		err = fmt.Errorf("receive: %d of %d bytes consumed, %d events", s.reception.Consumed, size, s.reception.EventCount)
	}
	if err != nil {
		c.fail(err)
		return http1.Reception{}, c.Err()
	}
	return *s.reception, nil
}

// Restrict sets limits of a connection's own for what follows a head that was read.
func (c *Core) Restrict(connection uint32, chunkLine, trailers, trailerFields int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return c.Err()
	}
	errno, err := c.calls.restrict(connection, uint32(chunkLine), uint32(trailers), uint32(trailerFields))
	return c.check("restrict", errno, err)
}

// Advance passes over bytes of a body whose length was announced, which the host has read elsewhere.
func (c *Core) Advance(connection uint32, size uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return c.Err()
	}
	errno, err := c.calls.advance(connection, size)
	if err == nil && errno != http1.ErrnoSuccess {
		return fmt.Errorf("%w: advance: %v", ErrMisused, errno)
	}
	return c.check("advance", errno, err)
}

// Query says where a connection stands.
func (c *Core) Query(connection uint32) (http1.ConnectionState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return http1.ConnectionState{}, c.Err()
	}
	errno, err := c.calls.query(connection)
	if err := c.check("query", errno, err); err != nil {
		return http1.ConnectionState{}, err
	}
	return *c.state, nil
}

// check has the core be broken when a call that cannot fail has failed. The caller holds mu.
func (c *Core) check(call string, errno http1.Errno, err error) error {
	if err == nil && errno != http1.ErrnoSuccess {
		err = fmt.Errorf("%s: %v", call, errno)
	}
	if err != nil {
		c.fail(err)
		return c.Err()
	}
	return nil
}

// Head is the head of an answer.
type Head struct {
	Status uint16
	Fields exchange.Fields
	// Length is the length of the body in bytes, unless the flags say that it is not known.
	Length uint64
	Flags  http1.HeadFlags
}

// FrameHead appends the bytes of a head to out.
func (c *Core) FrameHead(connection uint32, head *Head, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return out, http1.Framing{}, http1.ErrnoClosed
	}
	count, same, errno := c.copyFields(head.Fields, 0)
	if errno != http1.ErrnoSuccess {
		c.headFramed = false
		return out, http1.Framing{}, errno
	}
	flags := head.Flags
	if same && c.headFramed && head.Status == c.headStatus {
		flags |= http1.HeadFlagsRepeated
	}
	errno, err := c.calls.frameHead(connection, http1.Status(head.Status), uint32(count), head.Length, flags)
	c.headFramed, c.headStatus, c.headFields = errno == http1.ErrnoSuccess && err == nil, head.Status, count
	return c.framed(out, nil, errno, err)
}

// copyFields copies fields into the core's memory, from an offset of the input, and says whether they lay there already.
func (c *Core) copyFields(fields exchange.Fields, offset int) (count int, same bool, errno http1.Errno) {
	count = fields.Len()
	if count > len(c.fields) {
		return 0, false, http1.ErrnoTooBig
	}
	same = count == c.headFields
	used := uint32(offset)
	for i := range count {
		name, value, ok := fields.At(i)
		if !ok {
			return 0, false, http1.ErrnoInvalid
		}
		if len(name)+len(value) > len(c.input)-int(used) {
			return 0, false, http1.ErrnoTooBig
		}
		span := http1.FieldSpan{Name: http1.Span{Offset: used, Size: uint32(len(name))}}
		span.Value = http1.Span{Offset: used + span.Name.Size, Size: uint32(len(value))}
		used = span.Value.Offset + span.Value.Size
		nameRoom, valueRoom := c.input[span.Name.Offset:span.Value.Offset], c.input[span.Value.Offset:used]
		if same && c.fields[i] == span && string(nameRoom) == string(name) && string(valueRoom) == string(value) {
			continue
		}
		same = false
		c.fields[i] = span
		copy(nameRoom, name)
		copy(valueRoom, value)
	}
	return count, same, http1.ErrnoSuccess
}

// FrameInformational appends an informational answer to out.
func (c *Core) FrameInformational(connection uint32, status uint16, fields exchange.Fields, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count, errno := c.otherFields(fields, 0)
	if errno != http1.ErrnoSuccess {
		return out, http1.Framing{}, errno
	}
	errno, err := c.calls.frameInformational(connection, http1.Status(status), count)
	return c.framed(out, nil, errno, err)
}

// FrameUpgrade appends the answer that leaves HTTP to out.
func (c *Core) FrameUpgrade(connection uint32, fields exchange.Fields, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count, errno := c.otherFields(fields, 0)
	if errno != http1.ErrnoSuccess {
		return out, http1.Framing{}, errno
	}
	errno, err := c.calls.frameUpgrade(connection, count)
	return c.framed(out, nil, errno, err)
}

// otherFields copies fields that are not those of an answer's head. The caller holds mu.
func (c *Core) otherFields(fields exchange.Fields, offset int) (count uint32, errno http1.Errno) {
	if c.broken.Load() != nil {
		return 0, http1.ErrnoClosed
	}
	c.headFramed = false
	copied, _, errno := c.copyFields(fields, offset)
	return uint32(copied), errno
}

// Request is the head of a request.
type Request struct {
	Method, Target []byte
	Fields         exchange.Fields
	// Length is the length of the body in bytes, unless the flags say that it is not known.
	Length uint64
	Flags  http1.HeadFlags
}

// FrameRequest appends the bytes of a request's head to out.
func (c *Core) FrameRequest(connection uint32, request *Request, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	method, target := len(request.Method), len(request.Target)
	if method+target > len(c.input) {
		return out, http1.Framing{}, http1.ErrnoTooBig
	}
	count, errno := c.otherFields(request.Fields, method+target)
	if errno != http1.ErrnoSuccess {
		return out, http1.Framing{}, errno
	}
	copy(c.input[copy(c.input, request.Method):], request.Target)
	errno, err := c.calls.frameRequest(connection, uint32(method), uint32(target), count, request.Length, request.Flags)
	return c.framed(out, nil, errno, err)
}

// FrameData appends a piece of body with what goes around it to out. The core is not held up by the copy of the piece.
func (c *Core) FrameData(connection uint32, content, out []byte) ([]byte, http1.Framing, http1.Errno) {
	var behind Behind
	out, framing, errno := c.FrameAround(connection, uint64(len(content)), out, &behind)
	if errno != http1.ErrnoSuccess {
		return out, framing, errno
	}
	if framing.Bodiless == 0 {
		out = append(out, content...)
	}
	return append(out, behind.Bytes()...), framing, errno
}

// FrameAround appends what goes in front of a piece of body to out, and tells what goes behind it. The piece itself goes
// between them, unless the framing is without a body.
func (c *Core) FrameAround(connection uint32, size uint64, out []byte, behind *Behind) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return out, http1.Framing{}, http1.ErrnoClosed
	}
	errno, err := c.calls.frameData(connection, size)
	return c.framed(out, behind, errno, err)
}

// Behind is what goes behind a piece of body: a line end or nothing.
type Behind struct {
	bytes [2]byte
	size  int
}

// Bytes are those that go there.
func (b *Behind) Bytes() []byte { return b.bytes[:b.size] }

// FrameEnd appends the end of a message to out.
func (c *Core) FrameEnd(connection uint32, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken.Load() != nil {
		return out, http1.Framing{}, http1.ErrnoClosed
	}
	errno, err := c.calls.frameEnd(connection)
	return c.framed(out, nil, errno, err)
}

// FrameTrailers appends the end of a message with trailers to out.
func (c *Core) FrameTrailers(connection uint32, fields exchange.Fields, out []byte) ([]byte, http1.Framing, http1.Errno) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count, errno := c.otherFields(fields, 0)
	if errno != http1.ErrnoSuccess {
		return out, http1.Framing{}, errno
	}
	errno, err := c.calls.frameTrailers(connection, count)
	return c.framed(out, nil, errno, err)
}

// framed appends what a framing call made to out, and keeps what goes behind a piece of body in after, which is nil for
// the calls that make no such thing. The caller holds mu.
func (c *Core) framed(out []byte, after *Behind, errno http1.Errno, err error) ([]byte, http1.Framing, http1.Errno) {
	if err != nil {
		c.fail(err)
		return out, http1.Framing{}, http1.ErrnoClosed
	}
	if errno != http1.ErrnoSuccess {
		return out, http1.Framing{}, errno
	}
	framing := *c.framing
	before, beforeOK := framing.Before.In(c.output)
	behind, behindOK := framing.After.In(c.output)
	if !beforeOK || !behindOK || len(behind) > 0 && (after == nil || len(behind) > len(after.bytes)) {
		c.fail(fmt.Errorf("framing: spans %v and %v", framing.Before, framing.After))
		return out, http1.Framing{}, http1.ErrnoClosed
	}
	if after != nil {
		after.size = copy(after.bytes[:], behind)
	}
	return append(out, before...), framing, http1.ErrnoSuccess
}
