package sandbox

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// Isolation says who shares an instance of a handler.
type Isolation uint8

// The policies of isolation.
const (
	// IsolateRequests gives each request an instance in the state of the image.
	IsolateRequests Isolation = iota
	// IsolateConnections gives all requests of a connection the same instance, and each connection one in the state of the
	// image.
	IsolateConnections
	// ShareInstance has one instance serve all sessions.
	ShareInstance
)

// What a pool keeps unless its configuration says otherwise.
const (
	DefaultPoolSize = 64
	DefaultIdleTime = time.Minute
)

// PoolConfig says how a pool behaves. Its zero value is all defaults.
type PoolConfig struct {
	// Route stands for the pool in logs.
	Route string
	// Tenant is whose handler it is. Default: a tenant of the pool's own.
	Tenant *Tenant
	// Isolation says who shares an instance.
	Isolation Isolation
	// PoolSize is how many instances are kept without work. Default [DefaultPoolSize].
	PoolSize int
	// MaxReuse is how many sessions an instance has before it is replaced. 0: any number.
	MaxReuse int
	// IdleTime is how long an instance is kept without work, at least; at most it is twice as long. Default
	// [DefaultIdleTime].
	IdleTime time.Duration
	// Process is what the handler has of a process.
	Process Process
	// Limits bound what the handler may take.
	Limits Limits
	// Account is told of requests, faults, CPU time, instances and their memories. Default: one that is summed up in the
	// tenant's.
	Account *account.Account
	// Log takes what handlers print, and errors of Sluice itself. Default: slog.Default().
	Log *slog.Logger
}

// Limits bound what a handler may take. A zero field is its default.
type Limits struct {
	// Memory is how large the memory of an instance may become, in bytes. Default: what the loader allows.
	Memory uint64
	// CPU is the CPU time of a session, of a stream from one wait to the next. Default [DefaultCPU].
	CPU time.Duration
	// Start is the CPU time in which an instance gets ready. Default [DefaultStart].
	Start time.Duration
	// Wall is how long a handler may sleep in one session, all together. Default: what the loader allows.
	Wall time.Duration
	// Response is the size of an answer's body in bytes. 0: any.
	Response int64
	// EventRate is how many events a session hears in a second; more come later. 0: any number.
	EventRate int
	// Log is how much a handler may print in a session, in bytes. Default [DefaultLog].
	Log int
	// Concurrent is how many requests of the route may be with the handler at a time, and Queue how many wait. Concurrent 0:
	// as many as the tenant may have.
	Concurrent, Queue int
}

// Pool answers the exchanges of a route with instances of a handler. It implements [exchange.Handler].
type Pool struct {
	// What every request looks at comes first, and together: of a pool that was not used for long nothing is in the processor's
	// caches.

	// closed is set under the lock, and read without it where a request comes in.
	closed    atomic.Bool
	isolation Isolation
	// gate is the route's, nil when it has none, and tenantGate the one that its tenant's routes share.
	gate, tenantGate *Gate
	account          *account.Account
	log              *slog.Logger
	eventGap         time.Duration // between two events of a session, on average
	maxReuse         int
	size             int

	mu sync.Mutex
	// running is how many sessions have an instance, or are about to.
	running int
	idle    idle
	// trimming is the next look at those that are idle, nil when none is due.
	trimming *time.Timer

	breaker breaker
	limits  Limits

	module   *Module
	route    string
	tenant   *Tenant
	idleTime time.Duration
	// surroundings are what the instances have of WASI.
	surroundings surroundings
	// longest is the longest slice of all instances that were ended, in nanoseconds.
	longest atomic.Int64
	// actor is the instance that all sessions share, if they do. Guarded by sharing.
	actor   *actor
	sharing sync.Mutex
	// image is the state in which sessions begin. Set before the pool serves.
	image *image
}

// NewPool makes a pool and its first instance, to see that it starts and what it subscribes to. An error is one line.
func (m *Module) NewPool(config PoolConfig) (*Pool, error) {
	if m.closed.Load() || !m.compiled.acquire() {
		return nil, ErrClosed
	}
	p := m.newPool(config)
	first, err := p.newInstance()
	if err != nil {
		m.compiled.release()
		return nil, errors.New(firstLine(err))
	}
	p.image = first.image
	p.account.Instances.Add(1)
	p.account.Memory.Add(p.image.size())
	p.count(first)
	p.running++
	p.put(first)
	return p, nil
}

func (m *Module) newPool(config PoolConfig) *Pool {
	p := &Pool{
		module: m, route: config.Route, tenant: config.Tenant, isolation: config.Isolation, size: config.PoolSize,
		maxReuse: config.MaxReuse, idleTime: config.IdleTime, limits: config.Limits, account: config.Account, log: config.Log,
		surroundings: newSurroundings(m.name, config.Process), idle: newIdle(runtime.GOMAXPROCS(0)),
	}
	if p.tenant == nil {
		p.tenant = m.loader.NewTenant(TenantConfig{})
	}
	p.tenantGate = p.tenant.gate
	if p.account == nil {
		p.account = account.New(p.tenant.account)
	}
	if p.size == 0 {
		p.size = DefaultPoolSize
	}
	if p.idleTime == 0 {
		p.idleTime = DefaultIdleTime
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	p.log = p.log.With(slog.String("route", config.Route), slog.String("module", m.name))
	p.limits.complete(m.loader)
	if rate := p.limits.EventRate; rate > 0 {
		p.eventGap = time.Second / time.Duration(rate)
	}
	if p.limits.Concurrent > 0 {
		p.gate = NewGate("route "+p.route, p.limits.Concurrent, p.limits.Queue)
	}
	return p
}

// complete puts defaults where nothing is set.
func (l *Limits) complete(loader *Loader) {
	if l.Memory == 0 {
		l.Memory = loader.maxMemory
	}
	if l.CPU == 0 {
		l.CPU = DefaultCPU
	}
	if l.Start == 0 {
		l.Start = DefaultStart
	}
	if l.Wall == 0 {
		l.Wall = loader.maxSleep
	}
	if l.Log == 0 {
		l.Log = DefaultLog
	}
}

// Subscriptions are the events that the handler wants.
func (p *Pool) Subscriptions() abi.Subscriptions { return p.image.events }

// Serve implements [exchange.Handler]. What it returns is one of the exchange's errors, a [*Fault], or what has a method
// Status for a request that the handler has no room for. A closed pool returns [ErrClosed] and leaves the exchange as it
// is, for another pool to serve.
func (p *Pool) Serve(x exchange.Exchange) error {
	if err := p.enter(x); err != nil {
		return err
	}
	defer p.leave()
	if p.isolation == ShareInstance {
		return p.judge(p.serveShared(x))
	}
	i, err := p.instanceFor(x)
	if err != nil {
		return p.judge(err)
	}
	defer p.release(i, x)
	return p.judge(i.serve(x))
}

// enter has an exchange wait for its turn.
func (p *Pool) enter(x exchange.Exchange) error {
	if p.closed.Load() {
		return ErrClosed
	}
	err := p.breaker.allow()
	if err == nil {
		err = p.pass(x)
	}
	if err != nil {
		p.account.Refused.Add(1)
		return err
	}
	p.account.Requests.Add(1)
	p.account.Running.Add(1)
	return nil
}

// pass goes through the gates of the route and of the tenant.
func (p *Pool) pass(x exchange.Exchange) error {
	if err := p.gate.Enter(x); err != nil {
		return err
	}
	err := p.tenantGate.Enter(x)
	if err != nil {
		p.gate.Leave()
	}
	return err
}

func (p *Pool) leave() {
	p.account.Running.Add(-1)
	p.tenantGate.Leave()
	p.gate.Leave()
}

// judge counts how an exchange has ended, and logs what is not the handler's fault.
func (p *Pool) judge(err error) error {
	if err == nil {
		p.breaker.success(p.log)
		return nil
	}
	p.blame(err)
	return err
}

func (p *Pool) blame(err error) {
	var fault *Fault
	switch {
	case errors.Is(err, ErrClosed):
		p.account.Requests.Add(-1) // another pool serves it, and counts it
		p.breaker.undecided()
	case errors.Is(err, exchange.ErrWallTime):
		p.account.Faults[account.FaultWall].Add(1)
		p.breaker.failure(p.log, err)
	case !errors.As(err, &fault):
		p.breaker.undecided()
	default:
		p.account.Faults[fault.Counted()].Add(1)
		if fault.Kind == FaultInternal {
			p.log.Error("bug in Sluice, not in the handler", "error", fault.Reason)
		}
		p.breaker.failure(p.log, fault)
	}
}

// charge books what a session has used.
func (p *Pool) charge(fuel int64, cpu time.Duration) {
	p.account.Fuel.Add(fuel)
	if cpu > 0 {
		p.account.CPU.Add(int64(cpu))
	}
}

// instanceFor is the instance that the exchange belongs to: a clean one, or that of its connection.
func (p *Pool) instanceFor(x exchange.Exchange) (*instance, error) {
	if p.isolation == IsolateConnections {
		if i, ok := x.Bindings().Get(p.route).(*instance); ok && i.pool == p {
			return i, nil
		}
	}
	i, err := p.take(x)
	if err == nil && p.isolation == IsolateConnections {
		x.Bindings().Set(p.route, i)
	}
	return i, err
}

// release lets go of an instance after a session, unless it is kept with the connection. To make it clean need not delay the
// answer.
func (p *Pool) release(i *instance, x exchange.Exchange) {
	switch {
	case p.isolation == IsolateRequests:
		x.After(i)
	case i.worn():
		x.Bindings().Set(p.route, nil)
	}
}

// take gives out an idle instance, or a new one.
func (p *Pool) take(x exchange.Exchange) (*instance, error) {
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.running++
	i := p.idle.take(x.Affinity())
	p.mu.Unlock()
	if i != nil {
		i.processor = x.Affinity()
		return i, nil
	}
	x.Yield() // an instance takes time, above all a large one
	i, err := p.newInstance()
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
		return nil, err
	}
	i.processor = x.Affinity()
	p.account.Instances.Add(1)
	p.count(i)
	return i, nil
}

// put takes an instance back and makes it clean, if it can be.
func (p *Pool) put(i *instance) {
	p.count(i)
	if !p.keep(i, !i.worn() && i.restore()) {
		p.free(i)
	}
}

func (p *Pool) keep(i *instance, clean bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if !clean || p.closed.Load() || p.idle.count >= p.size {
		return false
	}
	p.idle.put(i, i.processor)
	if p.trimming == nil {
		p.trimming = time.AfterFunc(p.idleTime, p.trim)
	}
	return true
}

// count tells the account by how much the memory of an instance has grown.
func (p *Pool) count(i *instance) {
	if now := int64(i.linear.Size()); now != i.counted {
		p.account.Memory.Add(now - i.counted)
		i.counted = now
	}
}

func (p *Pool) free(i *instance) {
	p.longest.Store(max(p.longest.Load(), int64(i.meter.Longest())))
	i.free()
	p.account.Memory.Add(-i.counted)
	p.account.Instances.Add(-1)
}

// Running is how many sessions the pool has an instance for, or is about to make one for.
func (p *Pool) Running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// trim closes the instances that were not needed since the last look.
func (p *Pool) trim() {
	p.mu.Lock()
	unneeded := p.idle.trim()
	if p.trimming = nil; p.idle.count > 0 {
		p.trimming = time.AfterFunc(p.idleTime, p.trim)
	}
	p.mu.Unlock()
	for _, i := range unneeded {
		p.free(i)
	}
}

// Close ends the pool. Instances at work end with their sessions.
func (p *Pool) Close() {
	p.mu.Lock()
	idle, closed := p.idle.clear(), p.closed.Swap(true)
	if p.trimming != nil {
		p.trimming.Stop() // it would keep the pool and its image in memory
	}
	p.mu.Unlock()
	if closed {
		return
	}
	for _, i := range idle {
		p.free(i)
	}
	p.account.Memory.Add(-p.image.size())
	p.module.compiled.release()
}
