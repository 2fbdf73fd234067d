// Package meter bounds what handlers compute.
//
// Handlers are rewritten when they are loaded: their code counts fuel down, and calls [Meter.tick] when it has run out,
// about every 50 µs of work. There the host decides whether the code may go on: its CPU time, its wall time, whether the
// connection is still there. Fuel is only the tick of that clock. A call that is not done after some 100 µs has to be in a
// lane, of which there are fewer than processors. CPU time means the time from the first tick on, without waits.
package meter

import (
	"container/list"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// The fuel of a slice, in units; one unit pays for about one instruction. Slices are sized by how long the one before took.
// The largest bounds what a handler can gain that makes its slices long before they are dear.
const (
	firstSlice = 50_000
	minSlice   = 2_000
	maxSlice   = 400_000
)

const (
	// sliceTime is what a slice should take.
	sliceTime = 50 * time.Microsecond
	// brief is how long a call may go on after its first slice before it needs a lane. Most calls are over by then. If they
	// had to wait in their middle, others would begin meanwhile, and the more instances are at work, the less of their memories
	// the processor's caches hold.
	brief = 100 * time.Microsecond
	// turn is how long a meter keeps a lane that others wait for.
	turn = time.Millisecond
)

// Why a call is ended.
var (
	// ErrCPU says that the CPU time is used up.
	ErrCPU = errors.New("CPU time is used up")
	// ErrStack says that calls are nested too deeply.
	ErrStack = errors.New("stack overflow")
)

// Global is a global of an instance.
type Global interface {
	Get() uint64
	Set(uint64)
}

// Session is whom a meter asks about the session that it meters.
type Session interface {
	// Check reports why the session must end.
	Check() error
	// Yield tells that the call is no brief one: others are not to wait for its end.
	Yield()
	// Wait waits until something can be received from ready.
	Wait(ready <-chan struct{}) error
	// Streaming reports whether the answer takes as long as it likes. CPU time is then counted from one wait to the next.
	Streaming() bool
}

// Meter meters one instance. It belongs to the goroutine that calls the instance.
type Meter struct {
	party  *Party
	budget Global
	stack  uint32

	// place is the meter's among those of its party that wait for a lane, nil if it does not. Guarded by the lanes.
	place *list.Element
	// entered receives when it has been given one.
	entered chan struct{}

	session Session
	limit   time.Duration
	// fuel is what was given out since Begin, slice the last of it.
	fuel, slice int64
	// ticked says that the call has ticked and has no lane, inLane that it holds one; since is when that began, and counted up
	// to when its time was counted.
	ticked, inLane bool
	since, counted time.Duration
	// cpu is the time that was counted since Begin, spent what of it counts against the limit.
	cpu, spent time.Duration
	// longest is the longest slice that there was.
	longest time.Duration
}

// New makes the meter of an instance whose budget lies in a global of it. Its calls may nest until they take so many bytes
// of stack, as the rewriter estimates them.
func New(party *Party, stack uint32) *Meter {
	return &Meter{party: party, stack: stack, entered: make(chan struct{}, 1)}
}

// Attach tells where the budget lies.
func (m *Meter) Attach(budget Global) { m.budget = budget }

// Begin begins to count for a session, which may take so much CPU time.
func (m *Meter) Begin(session Session, limit time.Duration) {
	m.session, m.limit = session, limit
	m.cpu, m.spent = 0, 0
	m.slice, m.fuel = firstSlice, firstSlice
	m.budget.Set(m.pack(firstSlice))
}

// pack makes a budget of fuel and the whole stack.
func (m *Meter) pack(fuel int64) uint64 { return uint64(fuel)<<32 | uint64(m.stack) }

// End ends the count. It gives the fuel in units and the CPU time that were used since Begin.
func (m *Meter) End() (fuel int64, cpu time.Duration) {
	m.stop()
	m.session = nil
	return m.fuel - int64(int32(m.budget.Get()>>32)), m.cpu
}

// Pause leaves the lane, before the call waits for something and when it has ended.
func (m *Meter) Pause() {
	m.stop()
	if m.session != nil && m.session.Streaming() {
		m.spent = 0
	}
}

// Charge has the call pay for work that the host does for it. It ends the call when that is too much.
func (m *Meter) Charge(units int64) {
	if m.budget == nil {
		return // the instance is not there yet
	}
	budget := m.budget.Get()
	fuel := max(int64(int32(budget>>32))-units, -1<<31)
	budget = uint64(fuel)<<32 | budget&(1<<32-1)
	if fuel < 0 {
		budget = m.tick(budget)
	}
	m.budget.Set(budget)
}

// Longest is the longest time that the instance has kept its goroutine from others, as far as it was measured.
func (m *Meter) Longest() time.Duration { return m.longest }

// tick decides what becomes of a call whose budget is used up. It returns the new budget, or panics to end the call.
func (m *Meter) tick(budget uint64) uint64 {
	if int32(budget) < 0 {
		panic(fmt.Errorf("%w: calls nest deeper than %d bytes", ErrStack, m.stack))
	}
	switch {
	case m.inLane:
		m.count()
	case !m.ticked:
		m.begin()
	case !m.isBrief():
		m.enter()
	}
	if m.spent > m.limit {
		panic(fmt.Errorf("%w: %v of %v", ErrCPU, m.spent.Round(100*time.Microsecond), m.limit))
	}
	if m.session != nil {
		if err := m.session.Check(); err != nil {
			panic(err)
		}
	}
	if m.inLane {
		m.giveWay()
	}
	// What was owed beyond the last slice is taken from the next.
	m.fuel += m.slice
	return budget + uint64(m.slice)<<32
}

// begin begins to count. Work done before is not counted: it was a slice at most.
func (m *Meter) begin() {
	m.ticked = true
	m.since = now()
	m.counted = m.since
}

// isBrief counts, and reports whether the call needs no lane yet.
func (m *Meter) isBrief() bool {
	m.count()
	return m.counted-m.since < brief
}

// enter waits for a lane.
func (m *Meter) enter() {
	if m.session != nil {
		m.session.Yield()
	}
	if !m.party.lanes.enter(m) {
		if err := m.wait(); err != nil {
			m.party.lanes.giveUp(m)
			panic(err)
		}
	}
	m.ticked, m.inLane = false, true
	m.since = now()
	m.counted = m.since
}

func (m *Meter) wait() error {
	if m.session == nil {
		<-m.entered
		return nil
	}
	return m.session.Wait(m.entered)
}

// count counts the time since the last look, and sizes the next slice by it.
func (m *Meter) count() {
	at := now()
	took := at - m.counted
	m.counted = at
	m.cpu += took
	m.spent += took
	m.longest = max(m.longest, took)
	switch {
	case took > 2*sliceTime:
		m.slice = max(m.slice*int64(sliceTime)/int64(took), minSlice)
	case took < sliceTime/2:
		m.slice = min(m.slice*2, maxSlice)
	}
}

// stop counts the last of the time and gives the lane back, if the call has one.
func (m *Meter) stop() {
	switch {
	case m.inLane:
		m.leave()
	case m.ticked:
		m.count()
		m.ticked = false
	}
}

// leave counts the last of the time and gives the lane back.
func (m *Meter) leave() {
	m.count()
	m.inLane = false
	m.party.lanes.leave()
}

// giveWay lets others have the processor, and the lane if this turn has been long enough. Without it the garbage collector,
// too, would have to wait for as long as the guest computes.
func (m *Meter) giveWay() {
	if m.counted-m.since > turn && m.party.lanes.Waiting() > 0 {
		m.leave()
		m.enter()
		return
	}
	runtime.Gosched()
	m.counted = now()
}

// start is an arbitrary moment: reading the clock is cheapest as a difference.
var start = time.Now()

func now() time.Duration { return time.Since(start) }
