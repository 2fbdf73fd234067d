package tenancy

// Slot finds a slot of the present table.
func (r *Registry) Slot(name string) *Slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.slots[name]
}

// Loaded reports whether a slot has a handler.
func (s *Slot) Loaded() bool { return s.loaded() != nil }

// LookForIdle does what time does.
func (r *Registry) LookForIdle() { r.lookForIdle() }

// Again lets the pause after a failure be over.
func (s *Slot) Again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed.again = s.failed.again.Add(-2 * maxPauses * s.registry.Pause)
}

// Unload lets go of the handler.
func (s *Slot) Unload() { s.unload() }
