package core

import "sync"

// slotPool hands out slots, the one used last first, because its pages are still in the processor's cache.
type slotPool struct {
	mu    sync.Mutex
	given *sync.Cond
	free  []*Slot
}

func newSlotPool(table []Slot) *slotPool {
	free := make([]*Slot, len(table))
	for i := range table {
		free[len(table)-1-i] = &table[i]
	}
	p := &slotPool{free: free}
	p.given = sync.NewCond(&p.mu)
	return p
}

func (p *slotPool) take() *Slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) == 0 {
		p.given.Wait()
	}
	return p.last()
}

func (p *slotPool) tryTake() *Slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	return p.last()
}

// last takes a slot of those that are free.
func (p *slotPool) last() *Slot {
	slot := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	return slot
}

func (p *slotPool) give(slot *Slot) {
	p.mu.Lock()
	p.free = append(p.free, slot)
	p.mu.Unlock()
	p.given.Signal()
}

// numberPool hands out connection numbers, the one given back last first.
type numberPool struct {
	mu    sync.Mutex
	free  []uint32
	next  uint32
	limit uint32
}

func newNumberPool(limit int) *numberPool { return &numberPool{limit: uint32(limit)} }

func (p *numberPool) take() (number uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		number = p.free[last]
		p.free = p.free[:last]
		return number, true
	}
	if p.next == p.limit {
		return 0, false
	}
	p.next++
	return p.next - 1, true
}

// give takes a number back. It reports whether it was the last one in use.
func (p *numberPool) give(number uint32) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, number)
	return len(p.free) == int(p.next)
}
