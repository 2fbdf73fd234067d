package sandbox

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// What a pool keeps unless its configuration says otherwise.
const (
	DefaultMaxIdle  = 64
	DefaultIdleTime = time.Minute
)

// PoolConfig says how a pool behaves. Its zero value is all defaults.
type PoolConfig struct {
	// Route stands for the pool in logs.
	Route string
	// MaxIdle is how many instances are kept without work. Default [DefaultMaxIdle].
	MaxIdle int
	// IdleTime is how long an instance is kept without work, at least; at most it is twice as long. Default
	// [DefaultIdleTime].
	IdleTime time.Duration
	// MaxSleep is how long a handler may sleep in one session, all together. Default: what the loader allows.
	MaxSleep time.Duration
	// Account is told of the pool's instances and of their memories. Default: one of the pool's own.
	Account *account.Account
	// Log takes what handlers print, and errors of Sluice itself. Default: slog.Default().
	Log *slog.Logger
}

// Pool answers the exchanges of a route with instances of a handler. An instance has one session at a time; there are as
// many as there are exchanges at a time. It implements [exchange.Handler].
type Pool struct {
	module   *Module
	maxIdle  int
	idleTime time.Duration
	maxSleep time.Duration
	account  *account.Account
	log      *slog.Logger

	mu sync.Mutex
	// running is how many sessions have an instance, or are about to.
	running int
	// idle instances, the one used last at the end: it is taken first, while the processor's caches still hold it.
	idle []*instance
	// unused is how many of them, from the start, were not needed since the last look at them.
	unused int
	// trimming says that another look is due.
	trimming bool
	closed   bool
}

// NewPool makes a pool without instances. It fails when the module is closed.
func (m *Module) NewPool(config PoolConfig) (*Pool, error) {
	if m.closed.Load() || !m.compiled.acquire() {
		return nil, ErrClosed
	}
	p := &Pool{
		module: m, maxIdle: config.MaxIdle, idleTime: config.IdleTime, maxSleep: config.MaxSleep,
		account: config.Account, log: config.Log,
	}
	if p.maxIdle == 0 {
		p.maxIdle = DefaultMaxIdle
	}
	if p.idleTime == 0 {
		p.idleTime = DefaultIdleTime
	}
	if p.maxSleep == 0 {
		p.maxSleep = m.loader.maxSleep
	}
	if p.account == nil {
		p.account = account.New(nil)
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	p.log = p.log.With(slog.String("route", config.Route), slog.String("module", m.name))
	return p, nil
}

// Serve implements [exchange.Handler]. What it returns is one of the exchange's errors, a [*Fault], or what has a method
// Status for a request that the handler has no room for. A closed pool returns [ErrClosed] and leaves the exchange as it
// is, for another pool to serve.
func (p *Pool) Serve(x exchange.Exchange) error {
	i, err := p.take()
	if err != nil {
		return p.report(err)
	}
	defer p.put(i)
	if err = i.serve(x); err != nil {
		return p.report(err)
	}
	return nil
}

// report logs what is not the handler's fault.
func (p *Pool) report(err error) error {
	var fault *Fault
	if errors.As(err, &fault) && fault.Kind == FaultInternal {
		p.log.Error("bug in Sluice, not in the handler", "error", fault.Reason)
	}
	return err
}

// take gives out the instance that was used last, or a new one.
func (p *Pool) take() (*instance, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.running++
	if last := len(p.idle) - 1; last >= 0 {
		i := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		p.unused = min(p.unused, last)
		p.mu.Unlock()
		return i, nil
	}
	p.mu.Unlock()
	i, err := p.module.newInstance(p.log, p.maxSleep)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
		return nil, err
	}
	p.account.Instances.Add(1)
	p.count(i)
	return i, nil
}

// put takes an instance back, unless its session ended badly: then nobody knows in what state the handler is.
func (p *Pool) put(i *instance) {
	p.count(i)
	if !p.keep(i, !i.touched && !i.call.Spent()) {
		p.close(i)
	}
}

func (p *Pool) keep(i *instance, clean bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if !clean || p.closed || len(p.idle) >= p.maxIdle {
		return false
	}
	p.idle = append(p.idle, i)
	if !p.trimming {
		p.trimming = true
		p.unused = 0
		time.AfterFunc(p.idleTime, p.trim)
	}
	return true
}

// count tells the account by how much the memory of an instance has grown.
func (p *Pool) count(i *instance) {
	if now := int64(i.module.Memory().Size()); now != i.counted {
		p.account.Memory.Add(now - i.counted)
		i.counted = now
	}
}

func (p *Pool) close(i *instance) {
	i.close()
	p.account.Memory.Add(-i.counted)
	p.account.Instances.Add(-1)
}

// Running is how many sessions the pool has an instance for, or is about to make one for.
func (p *Pool) Running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// trim closes the instances that were not needed since the last look: as the one used last is always taken first, they
// are those at the start that were there all the time.
func (p *Pool) trim() {
	p.mu.Lock()
	unneeded := append([]*instance(nil), p.idle[:p.unused]...)
	left := copy(p.idle, p.idle[p.unused:])
	clear(p.idle[left:])
	p.idle = p.idle[:left]
	p.unused = left
	if p.trimming = left > 0; p.trimming {
		time.AfterFunc(p.idleTime, p.trim)
	}
	p.mu.Unlock()
	for _, i := range unneeded {
		p.close(i)
	}
}

// Close ends the pool. Instances at work end with their sessions.
func (p *Pool) Close() {
	p.mu.Lock()
	idle, closed := p.idle, p.closed
	p.idle, p.unused, p.closed = nil, 0, true
	p.mu.Unlock()
	if closed {
		return
	}
	for _, i := range idle {
		p.close(i)
	}
	p.module.compiled.release()
}
