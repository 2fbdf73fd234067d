package sandbox

import (
	"errors"
	"log/slog"
	"sync"
	"time"

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
	log      *slog.Logger

	mu sync.Mutex
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
		return nil, errClosed
	}
	p := &Pool{module: m, maxIdle: config.MaxIdle, idleTime: config.IdleTime, maxSleep: config.MaxSleep, log: config.Log}
	if p.maxIdle == 0 {
		p.maxIdle = DefaultMaxIdle
	}
	if p.idleTime == 0 {
		p.idleTime = DefaultIdleTime
	}
	if p.maxSleep == 0 {
		p.maxSleep = m.loader.maxSleep
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	p.log = p.log.With(slog.String("route", config.Route), slog.String("module", m.name))
	return p, nil
}

// Serve implements [exchange.Handler]. What it returns is one of the exchange's errors, a [*Fault], or what has a method
// Status for a request that the handler has no room for.
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
	if last := len(p.idle) - 1; last >= 0 {
		i := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		p.unused = min(p.unused, last)
		p.mu.Unlock()
		return i, nil
	}
	p.mu.Unlock()
	return p.module.newInstance(p.log, p.maxSleep)
}

// put takes an instance back, unless its session ended badly: then nobody knows in what state the handler is.
func (p *Pool) put(i *instance) {
	if i.touched || i.call.Spent() || !p.keep(i) {
		i.close()
	}
}

func (p *Pool) keep(i *instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.maxIdle {
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
		i.close()
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
		i.close()
	}
	p.module.compiled.release()
}
