package transport

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/guest/http1"
)

// input is the reading direction of a connection: bytes that came, and events that the core made of them.
//
// The bytes lie in a slot of the core's memory, but only while nothing is waited for. Before the connection waits, for
// bytes, for room in the socket or for a handler, it parks: what is still needed moves to the Go heap, at most as much as
// a slot holds, and the slot goes to another connection.
type input struct {
	slot *core.Slot
	// start and end bound the bytes in the slot that were not consumed.
	start, end int
	// most bounds what is read at a time, in bytes; 0: as much as there is room for.
	most int
	// into is where bytes of a body are wanted instead of the slot, and direct those that have come there; nil as a rule.
	into, direct []byte
	// parked holds those bytes while there is no slot.
	parked []byte

	// events are the records that the core made, of which some were taken. Their spans count from base, and those of the
	// fields they speak of, which are in table, too.
	events []http1.EventRecord
	taken  int
	base   []byte
	table  []byte
	// state is what the reader said last.
	state     http1.ReaderState
	reception http1.Reception
	eof       bool
	// nextCycle is the flag that begins a message, given with the first bytes after the one before.
	nextCycle http1.ReceiveFlags
}

// errOverdue says that the time for what the connection waited for is over.
var errOverdue = errors.New("overdue")

// errWoken says that another goroutine has used the session that this one waits for.
var errWoken = errors.New("woken")

// errDraining says that an idle connection ends because the server does.
var errDraining = errors.New("draining")

// take returns the next event that the core has made, parsing bytes that have come. Nil when it needs more bytes, or the
// message is complete.
func (c *conn) take() (*http1.EventRecord, error) {
	in := &c.input
	for {
		if in.taken < len(in.events) {
			record := &in.events[in.taken]
			in.taken++
			return record, nil
		}
		if in.state != http1.ReaderStateMore {
			return nil, nil
		}
		if err := c.parse(0); err != nil {
			return nil, err
		}
	}
}

// untake has the event that was taken last come again.
func (c *conn) untake() { c.input.taken-- }

// ahead is the next event if the core has made it already.
func (c *conn) ahead() *http1.EventRecord {
	in := &c.input
	if in.taken == len(in.events) {
		return nil
	}
	return &in.events[in.taken]
}

// parse has the core read the bytes that were not consumed.
func (c *conn) parse(flags http1.ReceiveFlags) error {
	in := &c.input
	c.keepHead()
	c.occupy()
	if in.eof {
		flags |= http1.ReceiveFlagsEOF
	}
	reception, err := c.core.Receive(c.number, in.slot, in.start, in.end-in.start, flags|in.nextCycle)
	if err != nil {
		return err
	}
	in.nextCycle = 0
	in.reception, in.state = reception, reception.State
	in.events, in.taken = in.slot.Events[:reception.EventCount], 0
	in.base, in.table = in.slot.Bytes[in.start:in.end], in.slot.Fields
	in.start += int(reception.Consumed)
	return nil
}

// fill waits for bytes, at most until the deadline, and has the core parse them, unless they go past it.
func (c *conn) fill(deadline int64) error {
	c.keepHead()
	n, err := c.read(deadline)
	if err == io.EOF {
		c.input.eof = true
	} else if err != nil {
		return err
	}
	if in := &c.input; in.into != nil && n > 0 {
		in.direct = in.into[:n]
		return c.core.Advance(c.number, uint64(n))
	}
	c.input.end += n
	flags := http1.ReceiveFlags(0)
	if c.state.get() == StateReceivingHeaders {
		flags = c.headFlags()
	}
	return c.parse(flags)
}

// read waits for bytes and reads them behind those in the slot. A connection that rests keeps the deadline.
func (c *conn) read(deadline int64) (int, error) {
	if n, err := c.socket.readReady(c); n > 0 || err != nil {
		if c.deadline.Load() != 0 {
			c.deadline.Store(0)
		}
		return n, err
	}
	c.deadline.Store(deadline)
	n, err := c.readUntil(deadline)
	if err != errResting {
		c.deadline.Store(0)
	}
	return n, err
}

func (c *conn) readUntil(deadline int64) (int, error) {
	for {
		n, err := c.socket.read(c)
		if err == nil || err == errResting || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := c.woken(deadline); err != nil {
			return 0, err
		}
		if c.session.wasWoken() {
			return 0, errWoken
		}
	}
}

// woken finds out why the reaper or a drain has interrupted a wait. It returns nil when the wait has to go on: a wake-up
// may come late, after what it was meant for.
func (c *conn) woken(deadline int64) error {
	if c.idle && c.server.draining.Load() {
		return errDraining
	}
	if deadline != 0 && c.server.clock.now() > deadline {
		return errOverdue
	}
	return c.socket.calm()
}

// wake interrupts what the connection waits for in the socket.
func (c *conn) wake() { c.socket.interrupt() }

// occupy takes a slot, if there is none, and moves parked bytes into it.
func (c *conn) occupy() {
	in := &c.input
	if in.slot == nil {
		in.slot = c.acquireSlot()
		in.start, in.end = 0, copy(in.slot.Bytes, in.parked)
		in.parked = in.parked[:0]
	}
}

func (c *conn) acquireSlot() *core.Slot {
	if slot := c.core.TrySlot(); slot != nil {
		return slot
	}
	c.yield()
	// Whoever has a slot may be waiting for the lock.
	c.unlock()
	defer c.lock()
	return c.core.AcquireSlot()
}

// room makes room for what is read next, behind the bytes in the slot as a rule.
func (c *conn) room() []byte {
	in := &c.input
	if in.into != nil {
		return in.into
	}
	c.occupy()
	if in.start > 0 {
		in.end = copy(in.slot.Bytes, in.slot.Bytes[in.start:in.end])
		in.start = 0
	}
	room := in.slot.Bytes[in.end:]
	if in.most > 0 {
		room = room[:min(in.most, len(room))]
	}
	return room
}

// park gives the slot back before the connection waits. What is still needed of it moves to the Go heap: bytes that were
// not consumed, events that were not taken with the bytes they refer to, and the head of the present message.
func (c *conn) park() {
	in := &c.input
	if in.slot == nil {
		return
	}
	c.keepHead()
	if rest := in.slot.Bytes[in.start:in.end]; len(rest) > 0 {
		in.parked = append(in.parked[:0], rest...)
	} else {
		in.parked = nil
	}
	if c.ahead() != nil {
		in.events = append([]http1.EventRecord(nil), in.events[in.taken:]...)
		in.base = append([]byte(nil), in.base...)
		in.table = append([]byte(nil), in.table[:in.tableSize()]...)
	} else {
		in.events, in.base, in.table = nil, nil, nil
	}
	in.taken = 0
	in.start, in.end = 0, 0
	c.core.ReleaseSlot(in.slot)
	in.slot = nil
}

// tableSize is how much of the table of fields the events that were not taken speak of, in bytes.
func (in *input) tableSize() (size int) {
	for i := in.taken; i < len(in.events); i++ {
		size = max(size, int(in.events[i].FieldCount)*abi.FieldSize)
	}
	return min(size, len(in.table))
}

// hangUp ends a connection on which the peer may still be sending. Closing at once would have the operating system reset
// it, and the answer could be lost with what is in flight (RFC 9112 section 9.6): the write side is closed first, and what
// comes is read and dropped, up to a bound.
func (c *conn) hangUp() {
	const most = 256 << 10
	if c.socket.closeWrite() != nil {
		return
	}
	c.park()
	c.socket.skip(c, most, 2*time.Second)
}
