package core

import (
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/sluicehttp/sluice/guest/http1"
)

// Set is several cores that share a server's connections. A core that turns out to be broken is replaced.
type Set struct {
	cores []atomic.Pointer[Core]
	turn  atomic.Uint32
	make  Maker
	log   *slog.Logger
}

// Maker makes a core that calls onBroken, once, when it turns out to be broken.
type Maker func(onBroken func(error)) (*Core, error)

// NewSet makes count cores.
func NewSet(count int, log *slog.Logger, maker Maker) (*Set, error) {
	s := &Set{cores: make([]atomic.Pointer[Core], count), make: maker, log: log}
	for i := range s.cores {
		if err := s.renew(i); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// renew makes the core at a place, which replaces itself when it breaks.
func (s *Set) renew(place int) error {
	core, err := s.make(func(reason error) {
		s.log.Error("a core broke and is replaced; its connections are lost", "reason", reason)
		// Making a core takes a while, and the goroutine that found out holds the broken one.
		go func() {
			if err := s.renew(place); err != nil {
				s.log.Error("a broken core could not be replaced", "reason", err)
			}
		}()
	})
	if err != nil {
		return err
	}
	s.cores[place].Store(core)
	return nil
}

// Open opens a connection on the next core in turn that can take it.
func (s *Set) Open(role http1.Role) (*Core, uint32, error) { return s.OpenFor(s.turn.Add(1), role) }

// OpenFor opens a connection on the core of a processor, or if that cannot take it, on the next that can. A core serves one
// call at a time, and its memory is best used by one processor.
func (s *Set) OpenFor(processor uint32, role http1.Role) (*Core, uint32, error) {
	err := errors.New("every core is full")
	for i := range uint32(len(s.cores)) {
		core := s.cores[(processor+i)%uint32(len(s.cores))].Load()
		connection, ok, openErr := core.Open(role)
		if ok {
			return core, connection, nil
		}
		if openErr != nil {
			err = openErr
		}
	}
	return nil, 0, err
}

// SetDate gives every core the value for Date.
func (s *Set) SetDate(date string) {
	for i := range s.cores {
		s.cores[i].Load().SetDate(date)
	}
}

// Close frees the cores. No connection may be open.
func (s *Set) Close() error {
	var errs []error
	for i := range s.cores {
		if core := s.cores[i].Load(); core != nil {
			errs = append(errs, core.Close())
		}
	}
	return errors.Join(errs...)
}
