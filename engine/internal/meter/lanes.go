package meter

import (
	"sync"
	"sync/atomic"
)

// Lanes are the permissions to compute for longer than a slice. There are fewer of them than processors, so that whoever
// needs little never waits for those that need much. They are given out by turns: to one party after the other, and within
// a party in the order in which its meters came.
type Lanes struct {
	mu   sync.Mutex
	free int
	// first and last are the parties that have meters waiting.
	first, last *Party

	waiting atomic.Int32
}

// NewLanes makes lanes, at least one.
func NewLanes(count int) *Lanes { return &Lanes{free: max(count, 1)} }

// Waiting is how many meters wait for a lane.
func (l *Lanes) Waiting() int { return int(l.waiting.Load()) }

// Party is whoever shares the lanes fairly with others, whatever number of meters it brings: a tenant.
type Party struct {
	lanes *Lanes
	// first and last are its meters that wait, guarded by lanes.mu.
	first, last *Meter
	next        *Party
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
	l.queue(m)
	return false
}

// queue has a meter wait behind those of its party.
func (l *Lanes) queue(m *Meter) {
	l.waiting.Add(1)
	p := m.party
	m.next, m.queued = nil, true
	if p.first != nil {
		p.last.next = m
		p.last = m
		return
	}
	p.first, p.last = m, m
	l.append(p)
}

// append puts a party behind the others.
func (l *Lanes) append(p *Party) {
	p.next = nil
	if l.first == nil {
		l.first = p
	} else {
		l.last.next = p
	}
	l.last = p
}

// leave gives a lane back, to whoever is next.
func (l *Lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

func (l *Lanes) pass() {
	p := l.first
	if p == nil {
		l.free++
		return
	}
	m := p.first
	if p.first = m.next; p.first == nil {
		p.last = nil
	}
	if l.first = p.next; l.first == nil {
		l.last = nil
	}
	if p.first != nil {
		l.append(p)
	}
	l.waiting.Add(-1)
	m.next, m.queued = nil, false
	m.entered <- struct{}{}
}

// giveUp ends the wait of a meter. Should it have been given a lane meanwhile, that goes to the next.
func (l *Lanes) giveUp(m *Meter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !m.queued {
		<-m.entered
		l.pass()
		return
	}
	l.unqueue(m)
}

// unqueue takes a meter out of the queue of its party, and the party from among the others if it was the last.
func (l *Lanes) unqueue(m *Meter) {
	l.waiting.Add(-1)
	p := m.party
	var before *Meter
	for at := p.first; at != m; at = at.next {
		before = at
	}
	if before == nil {
		p.first = m.next
	} else {
		before.next = m.next
	}
	if p.last == m {
		p.last = before
	}
	m.next, m.queued = nil, false
	if p.first != nil {
		return
	}
	var earlier *Party
	for at := l.first; at != p; at = at.next {
		earlier = at
	}
	if earlier == nil {
		l.first = p.next
	} else {
		earlier.next = p.next
	}
	if l.last == p {
		l.last = earlier
	}
}
