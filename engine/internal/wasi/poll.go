package wasi

import (
	"math"
	"time"
)

const (
	// maxSubscriptions is how many things one call waits for. There are two clocks and three streams.
	maxSubscriptions = 1024
	// subscriptionUnits is what one of them costs.
	subscriptionUnits = 50

	subscriptionSize = 48
	eventSize        = 32
)

// The kinds of what can be waited for.
const (
	waitClock = 0
	waitRead  = 1
	waitWrite = 2
)

// pollOneoff(in, out, nsubscriptions, nevents) waits until at least one of several things has happened and tells which have.
// Streams are always ready: reading ends at once, writing never waits. So unless all that is waited for are clocks it returns
// at once. A thing that cannot be waited for has happened, with an errno in its event.
//
//	   ┌──────────┬─────┬──────────────────────────────────────────────┐
//	in │ userdata │ tag │ clock: id, timeout, precision, flags; or: fd │
//	   └──────────┴─────┴──────────────────────────────────────────────┘
//	   0          8     16     16  24       32         40              48
//
//	    ┌──────────┬───────┬──────┬─────────┬────────┬────────┬────┐
//	out │ userdata │ errno │ type │         │ nbytes │ flags  │    │
//	    └──────────┴───────┴──────┴─────────┴────────┴────────┴────┘
//	    0          8       10     11        16       24       26   32
func pollOneoff(c call) Errno {
	count := c.u32(2)
	if count == 0 {
		return Inval
	}
	in, ok := c.view(c.u32(0), uint64(count), subscriptionSize)
	if !ok {
		return Fault
	}
	if _, ok := c.view(c.u32(1), uint64(count), eventSize); !ok {
		return Fault
	}
	if _, ok := c.memory.ReadUint32Le(c.u32(3)); !ok {
		return Fault
	}
	if count > maxSubscriptions {
		return Inval
	}
	c.Charge(subscriptionUnits * int64(count))
	var few [4]wait // on the stack, as is usual
	waits, errno := parseWaits(few[:0], in)
	if errno != Success {
		return errno
	}
	c.await(waits)
	return c.put32(3, c.tell(waits))
}

// wait is something that is waited for.
type wait struct {
	userdata uint64
	kind     byte
	errno    Errno
	clock    uint32
	deadline uint64 // what the clock has to show
	left     time.Duration
}

// parseWaits appends subscriptions to a list. It takes copies: the events may lie in the same memory.
func parseWaits(waits []wait, in []byte) ([]wait, Errno) {
	for ; len(in) > 0; in = in[subscriptionSize:] {
		w := wait{userdata: le.Uint64(in), kind: in[8]}
		switch w.kind {
		case waitClock:
			w.setClock(le.Uint32(in[16:]), le.Uint64(in[24:]), le.Uint16(in[40:]))
		case waitRead:
			w.setStream(le.Uint32(in[16:]), stdin, stdin)
		case waitWrite:
			w.setStream(le.Uint32(in[16:]), stdout, stderr)
		default:
			return nil, Inval
		}
		waits = append(waits, w)
	}
	return waits, Success
}

// setClock waits until a time has passed, or with the flag 1 (subscription_clock_abstime) until the clock shows it.
func (w *wait) setClock(clock uint32, timeout uint64, flags uint16) {
	shown, ok := now(clock)
	if !ok || flags > 1 {
		w.errno = Inval
		return
	}
	w.clock, w.deadline = clock, timeout
	if flags == 0 {
		w.clock, w.deadline = clockMonotonic, uint64(time.Since(started))
		w.deadline += min(timeout, math.MaxUint64-w.deadline)
		w.left = duration(timeout)
		return
	}
	w.left = until(timeout, shown)
}

// setStream waits for a stream, one of those from first to last.
func (w *wait) setStream(fd, first, last uint32) {
	if fd < first || fd > last {
		w.errno = Badf
	}
}

// await waits until the first of the waits is over.
func (c *call) await(waits []wait) {
	left := time.Duration(math.MaxInt64)
	for i := range waits {
		left = min(left, waits[i].left)
	}
	if left > 0 {
		c.Sleep(left)
		for i := range waits {
			// What had to wait as long as the shortest is over, even where its clock was set back in between.
			waits[i].left = waits[i].leftAfter(left)
		}
	}
}

// leftAfter is how long it still takes when a time has passed.
func (w *wait) leftAfter(passed time.Duration) time.Duration {
	if w.left <= passed {
		return 0
	}
	shown, _ := now(w.clock)
	return until(w.deadline, shown)
}

// tell writes the events of what has happened and says how many there are.
func (c *call) tell(waits []wait) (count uint32) {
	out, _ := c.room(c.u32(1), uint64(len(waits)), eventSize)
	for i := range waits {
		if w := &waits[i]; w.left == 0 {
			w.put(out[eventSize*count:])
			count++
		}
	}
	return count
}

func (w *wait) put(event []byte) {
	clear(event[:eventSize])
	le.PutUint64(event, w.userdata)
	le.PutUint16(event[8:], uint16(w.errno))
	event[10] = w.kind
}
