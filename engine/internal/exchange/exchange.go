// Package exchange is the border between front ends, which speak a protocol on a wire, and handlers, which answer.
//
// The sandbox and the functions that handlers import know nothing of a connection but this interface. Whatever can
// bring it, HTTP/1.1 today, another protocol or a test, delivers the same events to the same handlers.
package exchange

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/sluicehttp/sluice/abi"
)

// Exchange is one request with its answer, as a handler deals with it. It belongs to one goroutine: the handler's work
// runs on the goroutine that reads and writes the connection, so a call that waits lets no one else wait.
type Exchange interface {
	// Next waits for the next event that want asks for and describes it in ev. A piece of body is at most limit bytes
	// long, at least 1; a larger one comes in parts. What was sent so far is handed to the operating system before it
	// waits. What ev refers to is valid until the following call of Next or WaitWritable. The caller may set Room in ev.
	//
	// It returns [ErrEnd] after the last event, [ErrClosed] when the peer is gone, and [ErrWallTime] when the handler
	// has had its time without sending a head.
	Next(want abi.Subscriptions, limit int, ev *Event) error

	// Send answers whole: head, body, end. Success, Invalid, State, Closed or TooBig.
	Send(status uint16, fields Fields, body []byte) abi.Errno
	// SendInformational sends an informational answer ahead of the answer. Success, Again, Invalid, State, Closed or
	// TooBig.
	SendInformational(status uint16, fields Fields) abi.Errno
	// SendHead begins an answer. Success, Invalid, State, Closed or TooBig.
	SendHead(status uint16, fields Fields) abi.Errno
	// SendData goes on with an answer; it copies what it takes and never blocks. Success, Again, State, Closed or TooBig.
	SendData(content []byte) abi.Errno
	// SendEnd ends an answer. Success, Invalid, State or Closed.
	SendEnd() abi.Errno
	// SendTrailers ends an answer with trailers, where the peer can be sent some. Success, Invalid, State, Closed or
	// TooBig.
	SendTrailers(fields Fields) abi.Errno
	// Upgrade agrees to leave HTTP. Success, Invalid, State, Closed or TooBig.
	Upgrade(fields Fields) abi.Errno

	// HoldContinue keeps 100 (Continue) from being sent unasked. Success or State.
	HoldContinue() abi.Errno
	// Pause has no read event be due until Resume.
	Pause()
	Resume()
	// Discard drops what is still to come of the request's body. Success or State.
	Discard() abi.Errno
	// Stream lifts the limits in time of an answer. Success or State.
	Stream() abi.Errno
	// Drain has the connection closed after this answer.
	Drain()
	// Close closes the connection at once.
	Close()

	// ReadState and WriteState say how far the two messages have come, the incoming one as far as it was delivered.
	ReadState() abi.ReadState
	WriteState() abi.WriteState

	// WaitWritable waits until SendData takes bytes again. It fails like Next.
	WaitWritable() error

	// Check is for a handler that computes for long without a call of Next. It returns the error with which Next would end
	// the handler's work by now, [ErrWallTime] or [ErrClosed], and nil when it may go on.
	Check() error
	// Wait waits until something can be received from ready, or ready is closed. What was sent so far is handed to the operating
	// system as far as it takes it at once, where it can be asked. It fails like Check. What an event of Next
	// refers to is not valid any more.
	Wait(ready <-chan struct{}) error
	// Yield lets other connections go on without this one: the work for it takes longer than they should wait. It does not
	// wait.
	Yield()
	// After has a task done once the answer has gone out, or has to wait, for the peer to take it or for other answers to be
	// ready: on the connection's goroutine, soon, and before its next exchange. An exchange has one task at most.
	After(task Task)
	// Affinity is the same number for exchanges that the same processor serves as a rule, 0 or more. What one of them has used
	// last, its caches hold.
	Affinity() int
	// Bindings are what handlers keep with the connection.
	Bindings() *Bindings

	// Share lets other goroutines use the exchange, those that hold the lock. Whoever calls Next holds it, too; Next gives it
	// up while it waits, and returns with it. Not to be called twice.
	Share(with Shared)
	// Wake has Next look again for what is due, because another goroutine has used the exchange. It does not wait.
	Wake()
}

// Shared is a lock that exchanges share because one handler serves them all.
type Shared interface {
	sync.Locker
	// Gone is why the handler serves nobody any more, with which Next ends its wait; nil while it does. Called with the lock.
	Gone() error
}

// Task is work that need not delay an answer.
type Task interface {
	// Do must not wait.
	Do()
}

// Handler answers exchanges.
type Handler interface {
	// Serve deals with one exchange until it ends. A nil error means that the handler did nothing wrong, not that it
	// has answered. It returns the exchange's own error when that is why it stopped, and a fault of the handler
	// otherwise; the front end then answers for it, or cuts the connection when an answer has begun.
	Serve(x Exchange) error
}

// Why an exchange can have no further event.
var (
	// ErrEnd says that request and answer are complete and every event was delivered.
	ErrEnd = errors.New("the session is over")
	// ErrClosed says that the peer is gone or broke the protocol.
	ErrClosed = errors.New("the connection is closed")
	// ErrWallTime says that the handler did not send a head within its wall time.
	ErrWallTime = errors.New("the handler did not answer within its wall time")
	// ErrRefused says that the request was answered without the handler.
	ErrRefused = errors.New("the request was answered without the handler")
)

// Why a handler does not take an exchange that it might take later. Errors that wrap one of these may have a method
// RetryAfter that says when.
var (
	// ErrBusy says that as many requests are with handlers as may be.
	ErrBusy = errors.New("too many requests are with handlers")
	// ErrPaused says that the handler is not asked for a while, because it kept failing.
	ErrPaused = errors.New("the handler is paused")
)

// Event is one thing that happened to an exchange.
type Event struct {
	Kind abi.Event
	// Line is the start line, on LineReady and Ready.
	Line Line
	// Fields is the header section, on HeaderReady and Ready, and the trailer section on TrailerReady.
	Fields Fields
	// Data is a piece of body on DataReady, and the whole body on Ready for a handler that did not want DataReady.
	Data []byte
	// Room is memory in which the caller of Next wants a piece of body, as much as its limit; nobody else uses it until Next
	// returns. The piece may lie elsewhere nevertheless. Next forgets it.
	Room []byte
	// Flags places Data in the chunks of a chunked body, on DataReady.
	Flags abi.DataFlags
	// Closed says what is closed and why, on Closed.
	Closed abi.Closed
}

// Line is the start line of a request.
type Line struct {
	Method, Target []byte
	Version        abi.Version
}

// FieldSize is the size of an entry of [Fields.Table].
const FieldSize = abi.FieldSize

// Fields is a header section in the shape in which both sandboxes keep it, so that handing it on is two copies however
// many fields there are: a table of [abi.Field] whose addresses count from the start of Bytes.
type Fields struct {
	// Table holds one entry of 16 bytes per field: offset and length of the name, offset and length of the value, each
	// 32 bits, little-endian.
	Table []byte
	// Bytes holds what the table points into. It may be a whole memory.
	Bytes []byte
}

// Len is the number of fields.
func (f Fields) Len() int { return len(f.Table) / FieldSize }

// At is the i-th field. ok is false when the table points outside of Bytes, which only a handler's own table can.
func (f Fields) At(i int) (name, value []byte, ok bool) {
	entry := f.Table[i*FieldSize : (i+1)*FieldSize]
	name, nameOK := f.slice(entry)
	value, valueOK := f.slice(entry[8:])
	return name, value, nameOK && valueOK
}

// slice resolves one offset and length.
func (f Fields) slice(pair []byte) ([]byte, bool) {
	start := uint64(binary.LittleEndian.Uint32(pair))
	end := start + uint64(binary.LittleEndian.Uint32(pair[4:]))
	if end > uint64(len(f.Bytes)) {
		return nil, false
	}
	return f.Bytes[start:end], true
}

// NewFields makes a section of names and values in turn.
func NewFields(pairs ...string) Fields {
	var f Fields
	for _, text := range pairs {
		f.Table = binary.LittleEndian.AppendUint32(f.Table, uint32(len(f.Bytes)))
		f.Table = binary.LittleEndian.AppendUint32(f.Table, uint32(len(text)))
		f.Bytes = append(f.Bytes, text...)
	}
	return f
}
