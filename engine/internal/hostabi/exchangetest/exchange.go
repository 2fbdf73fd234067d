// Package exchangetest plays a front end for tests of what stands behind one.
package exchangetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// Exchange gives the events of a script and writes down what the handler does, a line for each call.
type Exchange struct {
	// Events are given in this order, those that are wanted. A piece of body beyond the limit is given in parts.
	Events []exchange.Event
	// End is what Next returns after them. Default [exchange.ErrEnd].
	End error
	// Unwritable is what WaitWritable returns.
	Unwritable error
	// Full is how many calls of SendData find no room.
	Full int
	// Processor is the exchange's affinity.
	Processor int
	// Direct puts pieces of body into the room that the caller of Next has for them.
	Direct bool
	// Silent writes nothing down.
	Silent bool
	// Stop is what Check and Wait return.
	Stop error
	// Stopped has Check and Wait return ErrClosed once it is closed.
	Stopped <-chan struct{}
	// Linger has Next wait after the last event, where the exchange is shared, for as long as it says true.
	Linger func() bool
	// Heard is called with every event that is given.
	Heard func(ev *exchange.Event)

	log      strings.Builder
	at       int
	headSent bool
	ended    bool
	bindings exchange.Bindings
	shared   exchange.Shared
	wakes    int
}

// Request is the script of a request, with a piece of body for each content.
func Request(line exchange.Line, fields exchange.Fields, body ...string) []exchange.Event {
	events := []exchange.Event{
		{Kind: abi.EventLineReady, Line: line},
		{Kind: abi.EventHeaderReady, Fields: fields},
	}
	for _, piece := range body {
		events = append(events, exchange.Event{Kind: abi.EventDataReady, Data: []byte(piece)})
	}
	ready := exchange.Event{Kind: abi.EventReady, Line: line, Fields: fields, Data: []byte(strings.Join(body, ""))}
	return append(events, ready)
}

// Line makes a start line.
func Line(method, target string) exchange.Line {
	return exchange.Line{Method: []byte(method), Target: []byte(target), Version: abi.VersionHTTP11}
}

// Log is what was written down.
func (x *Exchange) Log() string { return x.log.String() }

// Reset begins the script again and forgets what was written down.
func (x *Exchange) Reset() {
	x.log.Reset()
	x.at, x.headSent, x.ended = 0, false, false
}

// Next implements [exchange.Exchange].
func (x *Exchange) Next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	if err := x.giveWay(); err != nil {
		return err
	}
	for x.at < len(x.Events) {
		next := &x.Events[x.at]
		if want&(1<<next.Kind) == 0 {
			x.at++
			continue
		}
		room := ev.Room
		x.give(next, limit, ev)
		if x.Direct && ev.Kind == abi.EventDataReady && room != nil {
			ev.Data = room[:copy(room, ev.Data)]
		}
		if x.Heard != nil {
			x.Heard(ev)
		}
		return nil
	}
	for x.shared != nil && x.Linger != nil && x.Linger() {
		if err := x.giveWay(); err != nil {
			return err
		}
	}
	if x.End != nil {
		return x.End
	}
	return exchange.ErrEnd
}

// giveWay lets others have the lock of a shared exchange.
func (x *Exchange) giveWay() error {
	if x.shared == nil {
		return nil
	}
	x.shared.Unlock()
	time.Sleep(50 * time.Microsecond)
	x.shared.Lock()
	return x.shared.Gone()
}

// give describes an event, of a long piece of body its first part; the rest stays in the script.
func (x *Exchange) give(next *exchange.Event, limit int, ev *exchange.Event) {
	*ev = *next
	if next.Kind != abi.EventDataReady || len(next.Data) <= limit {
		x.at++
		return
	}
	ev.Data, next.Data = next.Data[:limit], next.Data[limit:]
	ev.Flags &^= abi.DataFlagsChunkEnd
	next.Flags &^= abi.DataFlagsChunkStart
}

// Send implements [exchange.Exchange].
func (x *Exchange) Send(status uint16, fields exchange.Fields, body []byte) abi.Errno {
	errno := x.headErrno()
	x.ended = x.ended || errno == abi.ErrnoSuccess
	if !x.Silent {
		x.write(errno, "send %d%s %q", status, text(fields), body)
	}
	return errno
}

// SendHead implements [exchange.Exchange].
func (x *Exchange) SendHead(status uint16, fields exchange.Fields) abi.Errno {
	errno := x.headErrno()
	if !x.Silent {
		x.write(errno, "send_head %d%s", status, text(fields))
	}
	return errno
}

// SendData implements [exchange.Exchange].
func (x *Exchange) SendData(content []byte) abi.Errno {
	errno := x.bodyErrno()
	if errno == abi.ErrnoSuccess && x.Full > 0 {
		x.Full--
		errno = abi.ErrnoAgain
	}
	if !x.Silent {
		x.write(errno, "send_data %q", content)
	}
	return errno
}

// SendEnd implements [exchange.Exchange].
func (x *Exchange) SendEnd() abi.Errno {
	errno := x.bodyErrno()
	x.ended = x.ended || errno == abi.ErrnoSuccess
	if !x.Silent {
		x.write(errno, "send_end")
	}
	return errno
}

// SendInformational implements [exchange.Exchange].
func (x *Exchange) SendInformational(status uint16, fields exchange.Fields) abi.Errno {
	errno := abi.ErrnoSuccess
	if x.headSent {
		errno = abi.ErrnoState
	}
	x.note(errno, "send_informational %d%s", status, text(fields))
	return errno
}

// SendTrailers implements [exchange.Exchange].
func (x *Exchange) SendTrailers(fields exchange.Fields) abi.Errno {
	errno := x.bodyErrno()
	x.ended = x.ended || errno == abi.ErrnoSuccess
	x.note(errno, "send_trailers%s", text(fields))
	return errno
}

// Upgrade implements [exchange.Exchange].
func (x *Exchange) Upgrade(fields exchange.Fields) abi.Errno {
	errno := x.headErrno()
	x.note(errno, "upgrade%s", text(fields))
	return errno
}

// HoldContinue implements [exchange.Exchange].
func (x *Exchange) HoldContinue() abi.Errno { return x.note(abi.ErrnoSuccess, "hold_continue") }

// Pause implements [exchange.Exchange].
func (x *Exchange) Pause() { x.note(abi.ErrnoSuccess, "pause") }

// Resume implements [exchange.Exchange].
func (x *Exchange) Resume() { x.note(abi.ErrnoSuccess, "resume") }

// Discard implements [exchange.Exchange].
func (x *Exchange) Discard() abi.Errno { return x.note(abi.ErrnoSuccess, "discard") }

// Stream implements [exchange.Exchange].
func (x *Exchange) Stream() abi.Errno { return x.note(abi.ErrnoSuccess, "stream") }

// Close implements [exchange.Exchange].
func (x *Exchange) Close() { x.note(abi.ErrnoSuccess, "close") }

// ReadState implements [exchange.Exchange].
func (x *Exchange) ReadState() abi.ReadState { return abi.ReadStateBodyReady }

// WriteState implements [exchange.Exchange].
func (x *Exchange) WriteState() abi.WriteState {
	switch {
	case x.ended:
		return abi.WriteStateFinished
	case x.headSent:
		return abi.WriteStateMetadataIssued
	}
	return abi.WriteStateEmpty
}

// Drain implements [exchange.Exchange].
func (x *Exchange) Drain() {
	if !x.Silent {
		x.write(abi.ErrnoSuccess, "drain")
	}
}

// WaitWritable implements [exchange.Exchange].
func (x *Exchange) WaitWritable() error {
	if !x.Silent {
		x.write(abi.ErrnoSuccess, "wait_writable")
	}
	return x.Unwritable
}

// Yield implements [exchange.Exchange].
func (x *Exchange) Yield() {}

// Affinity implements [exchange.Exchange].
func (x *Exchange) Affinity() int { return x.Processor }

// Check implements [exchange.Exchange].
func (x *Exchange) Check() error {
	select {
	case <-x.Stopped:
		return exchange.ErrClosed
	default:
		return x.Stop
	}
}

// Wait implements [exchange.Exchange].
func (x *Exchange) Wait(ready <-chan struct{}) error {
	if x.Stop != nil {
		return x.Stop
	}
	select {
	case <-ready:
		return nil
	case <-x.Stopped:
		return exchange.ErrClosed
	}
}

// After implements [exchange.Exchange]. The task is done at once: there is nothing that it could delay.
func (x *Exchange) After(task exchange.Task) { task.Do() }

// Bindings implements [exchange.Exchange]. They last until Disconnect.
func (x *Exchange) Bindings() *exchange.Bindings { return &x.bindings }

// Share implements [exchange.Exchange].
func (x *Exchange) Share(with exchange.Shared) { x.shared = with }

// Wake implements [exchange.Exchange].
func (x *Exchange) Wake() { x.wakes++ }

// Wakes is how often the exchange was woken.
func (x *Exchange) Wakes() int { return x.wakes }

// Disconnect ends the connection of the exchange.
func (x *Exchange) Disconnect() { x.bindings.Clear() }

// note writes a call down and gives its result back.
func (x *Exchange) note(errno abi.Errno, format string, args ...any) abi.Errno {
	if !x.Silent {
		x.write(errno, format, args...)
	}
	return errno
}

func (x *Exchange) headErrno() abi.Errno {
	if x.headSent {
		return abi.ErrnoState
	}
	x.headSent = true
	return abi.ErrnoSuccess
}

func (x *Exchange) bodyErrno() abi.Errno {
	if !x.headSent || x.ended {
		return abi.ErrnoState
	}
	return abi.ErrnoSuccess
}

func (x *Exchange) write(errno abi.Errno, format string, args ...any) {
	fmt.Fprintf(&x.log, format, args...)
	if errno != abi.ErrnoSuccess {
		fmt.Fprintf(&x.log, " = %v", errno)
	}
	x.log.WriteByte('\n')
}

// text writes fields as " [name: value, name: value]".
func text(fields exchange.Fields) string {
	if fields.Len() == 0 {
		return ""
	}
	var parts []string
	for i := range fields.Len() {
		name, value, ok := fields.At(i)
		if !ok {
			parts = append(parts, "?")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: %s", name, value))
	}
	return " [" + strings.Join(parts, ", ") + "]"
}
