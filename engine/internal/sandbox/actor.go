package sandbox

import (
	"errors"
	"sync"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
)

// actor is an instance that serves many sessions at a time: it hears one event after the other, each on the goroutine of the
// session that it belongs to, and what it does to other sessions wakes theirs.
type actor struct {
	instance *instance
	sessions int // guarded by the pool

	mu sync.Mutex
}

// seat is a session's share of the actor's lock. It implements [exchange.Shared].
type seat struct {
	*actor
	exchange exchange.Exchange
	held     bool
}

// Lock implements [exchange.Shared].
func (s *seat) Lock() {
	lockFor(s.exchange, &s.mu)
	s.held = true
}

// tries is how often a lock is tried before others are let go on: some microseconds, in which most are done with it.
const tries = 1000

// lockFor takes a lock for an exchange. Others go on without it when whoever has the lock keeps it for long.
func lockFor(x exchange.Exchange, mu *sync.Mutex) {
	for range tries {
		if mu.TryLock() {
			return
		}
	}
	x.Yield()
	mu.Lock()
}

// Unlock implements [exchange.Shared].
func (s *seat) Unlock() {
	s.held = false
	s.mu.Unlock()
}

// leave gives up the lock, unless a panic has come while it was given up.
func (s *seat) leave() {
	if s.held {
		s.Unlock()
	}
}

// Gone implements [exchange.Shared].
func (s *seat) Gone() error {
	if s.instance.broken {
		return &lost{}
	}
	return nil
}

// lost says that the instance of a session has failed in another's.
type lost struct{}

func (*lost) Error() string { return "the instance that the session shares with others has failed" }

// Status is how to answer the request.
func (*lost) Status() uint16 { return 503 }

// serveShared has the instance that all sessions share answer an exchange.
func (p *Pool) serveShared(x exchange.Exchange) error {
	a, err := p.join(x)
	if err != nil {
		return err
	}
	defer p.part(a, x)
	return a.serve(x)
}

func (a *actor) serve(x exchange.Exchange) error {
	s := &seat{actor: a, exchange: x}
	s.Lock()
	defer s.leave()
	if err := s.Gone(); err != nil {
		return err
	}
	x.Share(s)
	session := a.instance.call.Join(x)
	defer session.End()
	pace := pacer{gap: a.instance.pool.eventGap}
	for {
		if pace.gap > 0 {
			s.Unlock()
			err := pace.pace(x)
			s.Lock()
			if err != nil {
				return err
			}
		}
		if err := session.Next(0); err != nil {
			if errors.Is(err, exchange.ErrEnd) {
				return nil
			}
			return err
		}
		if err := a.deliver(session); err != nil {
			return err
		}
	}
}

// deliver has the instance hear an event. Its CPU time counts from one event to the next: nobody could say which session
// the instance works for.
func (a *actor) deliver(session *hostabi.Session) error {
	i := a.instance
	i.sleeper.left = i.sleeper.limit
	i.busy = true
	session.Enter()
	i.meter.Begin(session, i.pool.limits.CPU)
	defer func() {
		i.pool.charge(i.meter.End())
		i.call.Leave()
		i.flush()
		if i.broken = i.broken || i.busy; i.broken {
			i.call.WakeAll()
		}
	}()
	err := i.deliver(session)
	i.busy = false
	return err
}

// join finds the instance for a session, and makes one if there is none, or none for further sessions.
func (p *Pool) join(x exchange.Exchange) (*actor, error) {
	lockFor(x, &p.sharing) // who has it may make an instance, or wait for a session
	defer p.sharing.Unlock()
	if a := p.actor; a != nil && !a.worn(x) {
		a.sessions++
		a.instance.uses++
		return a, nil
	}
	i, err := p.take(x)
	if err != nil {
		return nil, err
	}
	i.uses++
	p.actor = &actor{instance: i, sessions: 1}
	return p.actor, nil
}

// worn reports whether the instance must not have another session.
func (a *actor) worn(x exchange.Exchange) bool {
	lockFor(x, &a.mu)
	defer a.mu.Unlock()
	return a.instance.worn()
}

// part ends a session's part in an instance. The last one leaves it to those who come before it has been idle for too long.
func (p *Pool) part(a *actor, x exchange.Exchange) {
	lockFor(x, &p.sharing)
	defer p.sharing.Unlock()
	if a.sessions--; a.sessions > 0 {
		return
	}
	if p.actor == a {
		p.actor = nil
	}
	p.count(a.instance)
	if !p.keep(a.instance, !a.instance.worn()) {
		p.free(a.instance)
	}
}
