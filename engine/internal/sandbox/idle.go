package sandbox

// idle are the instances of a pool that have no work. Those that the same processor has used lie on a shelf of their own: its
// caches still hold the one that was used last, and another processor's do not.
type idle struct {
	shelves []shelf
	count   int
}

// shelf holds instances, the one used last at the end: it is taken first.
type shelf struct {
	// last is the one at the end; nil when there is none. It is taken and put back without a look at the others.
	last *instance
	// instances are the others.
	instances []*instance
	// unused is how many of them, from the start, were not needed since the last look at them.
	unused int
}

func newIdle(processors int) idle { return idle{shelves: make([]shelf, processors)} }

// take takes the instance that a processor has used last, or if it has none, the one that another has not used for longest; nil
// when there is none.
func (s *idle) take(processor int) *instance {
	if s.count == 0 {
		return nil
	}
	s.count--
	if i := s.of(processor).takeLast(); i != nil {
		return i
	}
	for other := range s.shelves {
		if i := s.shelves[other].takeFirst(); i != nil {
			return i
		}
	}
	panic("unreachable")
}

// put puts an instance back that a processor has used.
func (s *idle) put(i *instance, processor int) {
	shelf := s.of(processor)
	if shelf.last != nil {
		shelf.instances = append(shelf.instances, shelf.last)
	}
	shelf.last = i
	s.count++
}

func (s *idle) of(processor int) *shelf { return &s.shelves[processor%len(s.shelves)] }

// trim takes out the instances that were not needed since the last call: as the one used last is always taken first, they are
// those at the start that were there all the time. All that are left count as not needed until they are taken.
func (s *idle) trim() (unneeded []*instance) {
	for n := range s.shelves {
		shelf := &s.shelves[n]
		for range shelf.unused {
			unneeded = append(unneeded, shelf.takeFirst())
		}
		shelf.unused = shelf.size()
	}
	s.count -= len(unneeded)
	return unneeded
}

// clear takes out all instances.
func (s *idle) clear() (all []*instance) {
	for n := range s.shelves {
		shelf := &s.shelves[n]
		shelf.unused = shelf.size()
	}
	return s.trim()
}

func (s *shelf) size() int {
	if s.last != nil {
		return len(s.instances) + 1
	}
	return len(s.instances)
}

func (s *shelf) takeLast() *instance {
	i := s.last
	if last := len(s.instances) - 1; i == nil && last >= 0 {
		i, s.instances[last] = s.instances[last], nil
		s.instances = s.instances[:last]
	}
	s.last = nil
	s.unused = min(s.unused, len(s.instances))
	return i
}

func (s *shelf) takeFirst() *instance {
	i := s.last
	if len(s.instances) == 0 {
		s.last = nil
	} else {
		i, s.instances[0] = s.instances[0], nil
		s.instances = s.instances[1:]
	}
	s.unused = max(s.unused-1, 0)
	return i
}
