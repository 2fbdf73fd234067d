// Package hostabi is the host's side of the interface of handlers: the functions that they import from http_events_v1,
// and the payloads that they hear with events. What crosses the wall is described in abi/events.witx.
package hostabi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
)

// AllSubscriptions has the bit of every event set.
const AllSubscriptions = abi.SubscriptionsClosed<<1 - 1

// MinReceiveBuffer is the least that a receive buffer may hold, in bytes.
const MinReceiveBuffer = 4096

// receiveBufferAlign is what the address of a receive buffer is a multiple of.
const receiveBufferAlign = 8

// Call is the context of every call into one instance of a handler. The functions that the instance imports find what
// they work on through it: asserting a context's type costs nothing that can be measured, a lookup does.
//
// It belongs to the goroutine that calls the instance.
type Call struct {
	context.Context

	memory        api.Memory
	buffer        abi.ReceiveBuffer
	subscriptions abi.Subscriptions
	meter         *meter.Meter
	limits        Limits

	current *Session    // the session that the instance hears of
	last    abi.Session // the number of the newest session
	// sessions are those of an instance that has many at a time; nil where it has one.
	sessions map[abi.Session]*Session
	aborted  error          // why the call into the instance was ended
	blocks   rewrite.Blocks // of the memory
	marks    rewrite.Marks  // of what the host has written, but for payloads
	payloads Span           // what the host has written of the receive buffer
	held     uint32         // bytes at the front of the receive buffer that hold what on_event was given

	process *wasi.Process
	sleep   func(time.Duration)

	observer *Observer // nil: nobody looks
	route    string    // for the observer

	own Session // is used again and again where an instance has one session at a time
}

// Limits bound what a session takes.
type Limits struct {
	// Response is the size of an answer's body in bytes; 0: any.
	Response int64
}

// NewCall makes a call for an instance that is not there yet. Imports find no session until [Call.Begin].
func NewCall(meter *meter.Meter, limits Limits) *Call {
	return &Call{
		Context: context.Background(), meter: meter, limits: limits, process: &wasi.Process{}, sleep: time.Sleep,
	}
}

// Meter implements [meter.Metered].
func (c *Call) Meter() *meter.Meter { return c.meter }

// Wrote marks bytes of the memory that the host has written, or is about to. It implements [wasi.Caller].
func (c *Call) Wrote(address, count uint32) { c.marks |= c.blocks.Marks(address, count) }

// Marks are those of all that the host has written since [Call.Unmark], but for [Call.Payloads].
func (c *Call) Marks() rewrite.Marks { return c.marks }

// Blocks are those of the memory that the marks are about.
func (c *Call) Blocks() rewrite.Blocks { return c.blocks }

// Span is a part of a memory, from its first byte to the one behind its last; empty when both are 0.
type Span struct{ Begin, End uint64 }

// Payloads is where payloads were written since [Call.Unmark]. They are most of what the host writes, and lie in one place: to
// make that clean costs less than to look at all that a mark stands for.
func (c *Call) Payloads() Span { return c.payloads }

// wrotePayload notes that a payload, or a part of one, was written.
func (c *Call) wrotePayload(address uint32, count int) {
	wrote := Span{uint64(address), uint64(address) + uint64(count)}
	switch {
	case count == 0:
	case c.payloads == Span{}:
		c.payloads = wrote
	case wrote.Begin <= c.payloads.End && wrote.End >= c.payloads.Begin:
		c.payloads = Span{min(wrote.Begin, c.payloads.Begin), max(wrote.End, c.payloads.End)}
	default: // the handler has given another buffer
		c.Wrote(address, uint32(count))
	}
}

// Unmark forgets what was written.
func (c *Call) Unmark() { c.marks, c.payloads = 0, Span{} }

// Attach tells the memory of the instance and the events that it wants.
func (c *Call) Attach(memory api.Memory, subscriptions abi.Subscriptions) {
	c.memory, c.subscriptions = memory, subscriptions
	c.blocks = rewrite.BlocksOf(memory.Definition().Min())
}

// ReceiveBuffer is the room that SetReceiveBuffer has found.
func (c *Call) ReceiveBuffer() abi.ReceiveBuffer { return c.buffer }

// RestoreReceiveBuffer has the instance use room that an instance in the same state has described.
func (c *Call) RestoreReceiveBuffer(buffer abi.ReceiveBuffer) { c.buffer = buffer }

// SetReceiveBuffer takes the result of the handler's export receive_buffer, the address of a record, and uses the room
// that it describes from then on. An error says what is wrong with it; the room in use stays.
//
// The room is checked here, once: a memory never shrinks.
func (c *Call) SetReceiveBuffer(address uint32, need uint32) error {
	if address == 0 {
		return errors.New("receive_buffer returned null")
	}
	record, ok := c.memory.Read(address, abi.ReceiveBufferSize)
	if !ok {
		return fmt.Errorf("receive_buffer returned address %d, outside of the memory", address)
	}
	var buffer abi.ReceiveBuffer
	buffer.Load(record)
	if _, ok := c.memory.Read(buffer.Base, buffer.Size); !ok {
		return fmt.Errorf("receive_buffer described %d bytes at address %d, outside of the memory", buffer.Size, buffer.Base)
	}
	if buffer.Base%receiveBufferAlign != 0 {
		return fmt.Errorf("receive_buffer described address %d, which is not a multiple of %d", buffer.Base, receiveBufferAlign)
	}
	if want := max(need, MinReceiveBuffer); buffer.Size < want {
		return fmt.Errorf("receive_buffer described %d bytes where %d are needed", buffer.Size, want)
	}
	c.buffer = buffer
	return nil
}

// find is the session of a number, nil if the instance has none.
func (c *Call) find(id abi.Session) *Session {
	if s := c.current; s != nil && s.id == id {
		return s
	}
	return c.sessions[id]
}

// Streaming reports whether the session that the instance hears of takes as long as it likes.
func (c *Call) Streaming() bool { return c.current != nil && c.current.streaming }

// Spent says that no number is left for another session.
func (c *Call) Spent() bool { return c.last == math.MaxUint32 }

// Abort ends the call into the instance that is running, from within an import: it panics. No instruction of the guest
// runs any more in that call, and the instance stays well-defined.
func (c *Call) Abort(err error) {
	c.aborted = err
	panic(err)
}

// Aborted is the reason of [Call.Abort] when that is how the last call ended, and nil otherwise.
func (c *Call) Aborted() error { return c.aborted }
