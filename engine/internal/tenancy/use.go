package tenancy

import (
	"cmp"
	"slices"
	"time"
)

// use says when a slot was used last. Requests note no times, which would cost each of them a look at the clock: whether
// there were some since the last look is seen from their number.
type use struct {
	requests int64
	last     time.Time
}

// loaded notes that a slot has got a handler, and makes room for it.
func (r *Registry) loaded(s *Slot) {
	if !s.lazy {
		return
	}
	r.mu.Lock()
	if s.loaded() == nil { // it has gone again
		r.mu.Unlock()
		return
	}
	r.uses[s] = &use{requests: s.account.Requests.Load(), last: time.Now()}
	var unneeded []*Slot
	if r.MaxLoaded > 0 && len(r.uses) > r.MaxLoaded {
		unneeded = r.usedLongestAgo(len(r.uses)-r.MaxLoaded, s)
	}
	r.lookLater()
	r.mu.Unlock()
	r.unload(unneeded, "others need its room")
}

// forget notes that a slot has no handler any more.
func (r *Registry) forget(s *Slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.uses, s)
	delete(r.leaving, s)
}

// lookLater has the uses looked at in time to find those that end.
func (r *Registry) lookLater() {
	if r.looking || len(r.uses) == 0 || r.closed {
		return
	}
	r.looking = true
	time.AfterFunc(r.Idle/4, r.lookForIdle)
}

// lookForIdle lets go of handlers that were not used for long.
func (r *Registry) lookForIdle() {
	r.mu.Lock()
	r.looking = false
	now := time.Now()
	var unneeded []*Slot
	for slot, use := range r.uses {
		if !use.renew(slot, now) && now.Sub(use.last) >= r.Idle {
			delete(r.uses, slot)
			unneeded = append(unneeded, slot)
		}
	}
	r.lookLater()
	r.mu.Unlock()
	r.unload(unneeded, "it had no requests")
}

// usedLongestAgo takes so many slots out of the uses, or as many as no request is with.
func (r *Registry) usedLongestAgo(count int, except *Slot) (found []*Slot) {
	now := time.Now()
	for slot, use := range r.uses {
		use.renew(slot, now)
		if slot != except && !slot.busy() {
			found = append(found, slot)
		}
	}
	slices.SortFunc(found, func(a, b *Slot) int {
		return cmp.Or(r.uses[a].last.Compare(r.uses[b].last), cmp.Compare(a.name, b.name))
	})
	found = found[:min(count, len(found))]
	for _, slot := range found {
		delete(r.uses, slot)
	}
	return found
}

// renew notes whether the slot was used since the last look, or is now.
func (u *use) renew(s *Slot, now time.Time) (used bool) {
	requests := s.account.Requests.Load()
	used = requests != u.requests || s.busy()
	if used {
		u.requests, u.last = requests, now
	}
	return used
}

// busy reports whether a request is with the slot's handler.
func (s *Slot) busy() bool {
	h := s.handler.Load()
	return h != nil && h.pool.Running() > 0
}

func (r *Registry) unload(slots []*Slot, why string) {
	for _, slot := range slots {
		slot.unload()
		r.Log.Debug("handler unloaded", "route", slot.name, "reason", why)
	}
}
