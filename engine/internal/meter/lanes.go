package meter

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// Lanes are the permissions to compute for longer than a slice. There are fewer of them than processors, so that whoever
// needs little never waits for those that need much. They are given out by turns: to one party after the other, and within
// a party in the order in which its meters came.
type Lanes struct {
	mu   sync.Mutex
	free int
	// parties are those that have meters waiting, the next one first.
	parties list.List

	waiting atomic.Int32
}

// NewLanes makes lanes, at least one.
func NewLanes(count int) *Lanes { return &Lanes{free: max(count, 1)} }

// Waiting is how many meters wait for a lane.
func (l *Lanes) Waiting() int { return int(l.waiting.Load()) }

// Party is whoever shares the lanes fairly with others, whatever number of meters it brings: a tenant.
type Party struct {
	lanes *Lanes
	// place is the party's among those that have meters waiting, nil if it has none. Guarded by lanes.mu.
	place *list.Element
	// meters are those that wait.
	meters list.List
}

// NewParty makes a party that uses these lanes.
func (l *Lanes) NewParty() *Party { return &Party{lanes: l} }

// enter takes a lane, or has the meter's channel receive once it has one.
func (l *Lanes) enter(m *Meter) (entered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		return true
	}
	l.waiting.Add(1)
	p := m.party
	m.place = p.meters.PushBack(m)
	if p.place == nil {
		p.place = l.parties.PushBack(p)
	}
	return false
}

// leave gives a lane back, to whoever is next.
func (l *Lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

func (l *Lanes) pass() {
	first := l.parties.Front()
	if first == nil {
		l.free++
		return
	}
	l.parties.MoveToBack(first)
	m := first.Value.(*Party).meters.Front().Value.(*Meter)
	l.remove(m)
	m.entered <- struct{}{}
}

// giveUp ends the wait of a meter. Should it have been given a lane meanwhile, that goes to the next.
func (l *Lanes) giveUp(m *Meter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.place == nil {
		<-m.entered
		l.pass()
		return
	}
	l.remove(m)
}

// remove takes a meter out of the queue, and its party if it was the last.
func (l *Lanes) remove(m *Meter) {
	l.waiting.Add(-1)
	p := m.party
	p.meters.Remove(m.place)
	m.place = nil
	if p.meters.Len() == 0 {
		l.parties.Remove(p.place)
		p.place = nil
	}
}
