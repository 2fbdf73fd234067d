package tenancy

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
)

// Module is where a handler comes from.
type Module struct {
	// Name stands for the module in logs and errors.
	Name string
	// Open reads the module. It is called each time that the handler is loaded.
	Open func() ([]byte, error)
}

// SlotConfig says what a slot is for.
type SlotConfig struct {
	// Name stands for the route in logs; no other has it.
	Name string
	// Lazy has the handler loaded by the first request, and let go of when there were none for long.
	Lazy bool
	// Module is the handler, and Pool says whose it is and how its instances are kept; the account and the names in it are
	// the slot's.
	Module Module
	Pool   sandbox.PoolConfig
}

// Slot is the place of a route's handler. The handler in it can be replaced, let go of, and loaded again, while requests
// come; none is lost by it. It implements [exchange.Handler].
type Slot struct {
	name     string
	lazy     bool
	registry *Registry
	account  *account.Account
	pool     sandbox.PoolConfig

	// handler answers; nil while there is none. Whoever takes one out closes it afterwards, so that a request which has
	// met a closed one finds another state here.
	handler atomic.Pointer[handler]

	// replacing is held by whoever replaces the handler, from the beginning of loading to the end.
	replacing sync.Mutex

	mu sync.Mutex
	// module is what the handler of a lazy slot is loaded from.
	module Module
	// loading is under way; nil if not.
	loading *loading
	// failed is why the handler could not be loaded the last time, nil if it could.
	failed *failure
	// retired says that the slot is no longer in the table. successor has taken its place, if there is one.
	retired   bool
	successor *Slot
}

// handler is a module at work: what a slot holds from one change to the next.
type handler struct {
	sum  [sha256.Size]byte // of the module's bytes
	pool *sandbox.Pool
}

// loading is a handler that is being loaded.
type loading struct{ done chan struct{} }

// failure is a handler that could not be loaded.
type failure struct {
	reason error
	pause  time.Duration
	again  time.Time // not to be tried before
}

// maxPauses is how much longer than the first the last of the pauses between failures is; each is twice the one before.
const maxPauses = 64

// Serve implements [exchange.Handler]. While there is a handler it costs one load.
func (s *Slot) Serve(x exchange.Exchange) error {
	for {
		h := s.handler.Load()
		if h == nil {
			next, err := s.await(x)
			if err != nil {
				return s.refuse(x, err)
			}
			s = next
			continue
		}
		if err := h.pool.Serve(x); err == nil || !errors.Is(err, sandbox.ErrClosed) || s.handler.Load() == h {
			return err
		}
	}
}

// errGone says that the route is gone.
var errGone = errors.New("the route is gone")

// unavailable says that the handler could not be loaded, and when it is tried again.
type unavailable struct {
	reason string
	again  time.Time
}

func (u *unavailable) Error() string { return u.reason }

// Unwrap tells a front end what kind of error it is.
func (u *unavailable) Unwrap() error { return exchange.ErrPaused }

// RetryAfter is when it may be worth trying again.
func (u *unavailable) RetryAfter() time.Duration { return time.Until(u.again) }

// await waits until there is a handler, in this slot or in the one that has taken its place.
func (s *Slot) await(x exchange.Exchange) (*Slot, error) {
	for {
		next, loading, err := s.look()
		if loading == nil {
			return next, err
		}
		if err = x.Wait(loading.done); errors.Is(err, exchange.ErrWallTime) {
			return nil, &unavailable{"loading the handler takes too long", time.Now()}
		} else if err != nil {
			return nil, err
		}
	}
}

// look finds what a request that has met no handler can go on with: a slot, or a wait. If need be it has the handler loaded.
func (s *Slot) look() (*Slot, *loading, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.retired && s.successor == nil:
		return nil, nil, errGone
	case s.retired:
		return s.successor, nil, nil
	case s.handler.Load() != nil:
		return s, nil, nil
	case s.loading != nil:
		return nil, s.loading, nil
	case s.failed != nil && time.Now().Before(s.failed.again):
		return nil, nil, &unavailable{"the handler could not be loaded", s.failed.again}
	case !s.registry.begin():
		return nil, nil, &unavailable{ErrClosed.Error(), time.Now()}
	}
	s.loading = &loading{done: make(chan struct{})}
	go s.load(s.loading, s.module)
	return nil, s.loading, nil
}

// load loads the handler, unless something else has come into the slot meanwhile.
func (s *Slot) load(l *loading, module Module) {
	defer s.registry.end()
	h, err := s.registry.load(s.registry.ctx, module, s.pool)
	if s.finish(l, h, err) {
		s.registry.loaded(s)
	} else if h != nil {
		h.pool.Close()
	}
	close(l.done)
}

// finish notes how loading has ended. It reports whether the slot has taken the handler.
func (s *Slot) finish(l *loading, h *handler, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loading != l {
		return false
	}
	s.loading = nil
	if err != nil {
		s.fail(err)
		return false
	}
	s.failed = nil
	s.handler.Store(h)
	return true
}

// fail notes a failure, and tells the log unless it was told of the same before.
func (s *Slot) fail(err error) {
	pause := s.registry.Pause
	told := false
	if s.failed != nil {
		pause = min(2*s.failed.pause, maxPauses*s.registry.Pause)
		told = s.failed.reason.Error() == err.Error()
	}
	s.failed = &failure{reason: err, pause: pause, again: time.Now().Add(pause)}
	if !told && s.registry.ctx.Err() == nil {
		s.registry.Log.Warn("handler cannot be loaded", "route", s.name, "reason", err)
	}
}

// refuse counts a request whose handler is not there. That of a route which has gone is answered as it would be now.
func (s *Slot) refuse(x exchange.Exchange, err error) error {
	s.account.Refused.Add(1)
	if errors.Is(err, errGone) {
		x.Send(404, plainText, []byte("404 Not Found\n"))
		return nil
	}
	return err
}

var plainText = exchange.NewFields("Content-Type", "text/plain; charset=utf-8")

// put puts a handler into the slot in place of what is there. It reports what was there, and false, with nothing changed,
// if the slot is retired.
func (s *Slot) put(h *handler, module Module) (old *handler, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return nil, false
	}
	s.keep(module)
	s.loading, s.failed = nil, nil
	return s.handler.Swap(h), true
}

// keep notes what the handler is loaded from, where it will be loaded again: the module may lie in memory.
func (s *Slot) keep(module Module) {
	if s.lazy {
		s.module = module
	}
}

// replace loads a module and has it answer from then on. It says how many requests still run on the old one.
func (s *Slot) replace(ctx context.Context, module Module) (running int, err error) {
	s.replacing.Lock()
	defer s.replacing.Unlock()
	h, err := s.registry.load(ctx, module, s.pool)
	if err != nil {
		return 0, err
	}
	old, ok := s.put(h, module)
	if !ok {
		h.pool.Close()
		return 0, errGone
	}
	s.registry.loaded(s)
	return old.close(), nil
}

// unload lets go of the handler. The next request loads it again.
func (s *Slot) unload() { s.handler.Swap(nil).close() }

// retire ends the slot. Requests that have found it go to its successor, if there is one. It says how many still run.
func (s *Slot) retire(successor *Slot) (running int) {
	s.mu.Lock()
	s.retired, s.successor, s.loading = true, successor, nil
	old := s.handler.Swap(nil)
	s.mu.Unlock()
	s.registry.forget(s)
	return old.close()
}

// close ends a handler, which nobody finds any more. It says how many requests still run on it: they end it.
func (h *handler) close() (running int) {
	if h == nil {
		return 0
	}
	h.pool.Close()
	return h.pool.Running()
}
