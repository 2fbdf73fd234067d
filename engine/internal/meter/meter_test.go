package meter

import (
	"errors"
	"testing"
	"time"
)

// budget is a global of an instance.
type budget uint64

func (b *budget) Get() uint64  { return uint64(*b) }
func (b *budget) Set(v uint64) { *b = budget(v) }

func (b *budget) fuel() int64 { return int64(int32(*b >> 32)) }

// session is a session whose checks fail with err, and whose waits end when something comes or is given up.
type session struct {
	err       error
	giveUp    chan struct{}
	streaming bool
	yields    int
}

var errGivenUp = errors.New("given up")

func (s *session) Check() error { return s.err }

func (s *session) Yield() { s.yields++ }

func (s *session) Wait(ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-s.giveUp:
		return errGivenUp
	}
}

func (s *session) Streaming() bool { return s.streaming }

func newMeter(party *Party) (*Meter, *budget) {
	m, b := New(party, 1<<20), new(budget)
	m.Attach(b)
	return m, b
}

// burn has the code of an instance use up some fuel and call the host, and returns how the host ended the call.
func (m *Meter) burn(b *budget, units int64) (ended error) {
	defer func() {
		if cause := recover(); cause != nil {
			ended = cause.(error)
		}
	}()
	fuel := b.fuel() - units
	b.Set(uint64(fuel)<<32 | uint64(uint32(*b)))
	if fuel < 0 {
		b.Set(m.tick(uint64(*b)))
	}
	return nil
}

func spin(d time.Duration) {
	for end := now() + d; now() < end; {
	}
}

func TestFuel(t *testing.T) {
	m, b := newMeter(NewLanes(1).NewParty())
	for range 2 { // the second session owes nothing of the first
		m.Begin(&session{}, time.Minute)
		used := int64(0)
		for range 100 {
			used += 7_000
			if err := m.burn(b, 7_000); err != nil {
				t.Fatal(err)
			}
		}
		m.Charge(1_000_000)
		if uint32(*b) != 1<<20 {
			t.Fatalf("the stack left is %d", uint32(*b))
		}
		if fuel, _ := m.End(); fuel != used+1_000_000 {
			t.Errorf("used %d, want %d", fuel, used+1_000_000)
		}
	}
}

func TestLimits(t *testing.T) {
	party := NewLanes(1).NewParty()
	gone := errors.New("gone")
	for _, test := range []struct {
		name  string
		limit time.Duration
		s     session
		stack uint32
		want  error
	}{
		{"CPU", 3 * time.Millisecond, session{}, 1, ErrCPU},
		{"a check", time.Minute, session{err: gone}, 1, gone},
		{"stack", time.Minute, session{}, 1<<32 - 1, ErrStack},
	} {
		m, b := newMeter(party)
		m.Begin(&test.s, test.limit)
		*b = *b>>32<<32 | budget(test.stack)
		var err error
		began := now()
		for err == nil && now()-began < 10*time.Second {
			spin(20 * time.Microsecond)
			err = m.burn(b, firstSlice+1)
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%s: ended with %v, want %v", test.name, err, test.want)
		}
		if m.End(); party.lanes.free != 1 {
			t.Errorf("%s: the lane is not free", test.name)
		}
	}
}

// TestStreaming sees that a stream may go on for ever, so long as it waits from time to time.
func TestStreaming(t *testing.T) {
	m, b := newMeter(NewLanes(1).NewParty())
	m.Begin(&session{streaming: true}, time.Second)
	if err := m.burn(b, firstSlice+1); err != nil {
		t.Fatal(err)
	}
	spin(time.Millisecond)
	m.Pause()
	if m.spent != 0 {
		t.Errorf("%v are used after a wait", m.spent)
	}
	if _, cpu := m.End(); cpu < time.Millisecond || m.Longest() < time.Millisecond {
		t.Errorf("CPU time %v, the longest slice %v, want at least 1ms", cpu, m.Longest())
	}
}

// TestSliceSize sees that slices come to take about as long as they should, whatever their work costs.
func TestSliceSize(t *testing.T) {
	for _, perUnit := range []time.Duration{5, 50} { // nanoseconds
		m, b := newMeter(NewLanes(1).NewParty())
		m.Begin(&session{}, time.Minute)
		for range 30 {
			spin(time.Duration(max(b.fuel(), 0)) * perUnit)
			if err := m.burn(b, b.fuel()+1); err != nil {
				t.Fatal(err)
			}
		}
		ideal := int64(sliceTime / perUnit)
		if m.slice < ideal/20 || m.slice > 4*ideal {
			t.Errorf("at %v a unit a slice is %d units, want about %d", perUnit, m.slice, ideal)
		}
		m.End()
	}
}

// TestTurns sees that lanes go by turns: however many meters one party brings, another waits for one of them at most.
func TestTurns(t *testing.T) {
	lanes := NewLanes(1)
	crowd, single := lanes.NewParty(), lanes.NewParty()
	holder, _ := newMeter(crowd)
	if !lanes.enter(holder) {
		t.Fatal("no lane")
	}
	var order []*Meter
	queue := func(p *Party) *Meter {
		m, _ := newMeter(p)
		if lanes.enter(m) {
			t.Fatal("a second lane")
		}
		order = append(order, m)
		return m
	}
	a, b, c := queue(crowd), queue(crowd), queue(crowd)
	x, y := queue(single), queue(single)
	lanes.giveUp(b)
	for i, want := range []*Meter{a, x, c, y} {
		lanes.leave()
		for _, m := range order {
			if got := len(m.entered) == 1; got != (m == want) {
				t.Fatalf("turn %d: meter has a lane: %v", i, got)
			}
		}
		<-want.entered
	}
	lanes.leave()
	if lanes.free != 1 || lanes.Waiting() != 0 || lanes.parties.Len() != 0 {
		t.Errorf("%d free, %d waiting", lanes.free, lanes.Waiting())
	}
}

// TestGiveUp sees that a lane given to a meter that has just given up is not lost.
func TestGiveUp(t *testing.T) {
	lanes := NewLanes(1)
	party := lanes.NewParty()
	holder, _ := newMeter(party)
	lanes.enter(holder)
	m, b := newMeter(party)
	s := &session{giveUp: make(chan struct{})}
	close(s.giveUp)
	m.Begin(s, time.Minute)
	for range 1000 {
		if err := m.burn(b, b.fuel()+1); err != nil && !errors.Is(err, errGivenUp) {
			t.Fatal(err)
		}
		if lanes.Waiting() != 0 {
			t.Fatal("it still waits")
		}
	}
	lanes.leave()
	if lanes.free != 1 {
		t.Errorf("%d lanes are free, want 1", lanes.free)
	}
}

// TestManyMeters has more meters than lanes compute at the same time; each gets on, and no more than the lanes at a time.
func TestManyMeters(t *testing.T) {
	const lanesCount, count = 2, 16
	lanes := NewLanes(lanesCount)
	done := make(chan error, count)
	for range count {
		party := lanes.NewParty()
		go func() {
			m, b := newMeter(party)
			m.Begin(&session{}, 20*time.Millisecond)
			var err error
			for err == nil {
				spin(50 * time.Microsecond)
				err = m.burn(b, b.fuel()+1)
			}
			m.End()
			if errors.Is(err, ErrCPU) {
				err = nil
			}
			done <- err
		}()
	}
	for range count {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a meter did not get on")
		}
	}
	if lanes.free != lanesCount {
		t.Errorf("%d lanes are free, want %d", lanes.free, lanesCount)
	}
}

func BenchmarkTick(b *testing.B) {
	m, global := newMeter(NewLanes(1).NewParty())
	m.Begin(&session{}, time.Hour)
	for b.Loop() {
		global.Set(m.tick(uint64(*global) &^ (1<<63 - 1<<32)))
	}
}
