package tenancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/transport"
)

// ErrClosed is what changes return after Close.
var ErrClosed = errors.New("the engine is closed")

// Config says how a registry loads handlers and keeps them.
type Config struct {
	// Loader loads handlers.
	Loader *sandbox.Loader
	// Idle is how long the handler of a lazy slot is kept without requests, at least; at most it is a quarter longer.
	Idle time.Duration
	// MaxLoaded is how many lazy slots have a handler at a time. Those used longest ago have to go, unless a request is
	// with them. 0: as many as there are.
	MaxLoaded int
	// Pause is how long a handler that could not be loaded is not tried again, the first time. Default 1 s.
	Pause time.Duration
	// Log takes what an operator should know.
	Log *slog.Logger
}

// Registry has the present table and the slots in it. It implements [transport.Router].
type Registry struct {
	Config
	table atomic.Pointer[Table]
	// changing is held for reading by whoever replaces one handler, and for writing by whoever changes the table.
	changing sync.RWMutex
	// permits bound how many modules are loaded at a time: compiling takes a processor, and much memory.
	permits chan struct{}
	// ctx ends when the registry is closed.
	ctx  context.Context
	stop context.CancelFunc

	replaced, reloaded atomic.Uint64

	mu     sync.Mutex
	closed bool
	// work is how many changes and loadings are under way; idle is closed when there are none in a closed registry.
	work int
	idle chan struct{}
	// slots are those of the table, by name.
	slots map[string]*Slot
	// leaving are slots that are in no table any more, and about to be retired.
	leaving map[*Slot]struct{}
	// uses are those of the lazy slots that have a handler.
	uses map[*Slot]*use
	// looking says that another look at the uses is due.
	looking bool
}

// NewRegistry makes a registry with an empty table.
func NewRegistry(config Config) *Registry {
	r := &Registry{
		Config:  config,
		permits: make(chan struct{}, runtime.GOMAXPROCS(0)),
		idle:    make(chan struct{}),
		slots:   map[string]*Slot{},
		leaving: map[*Slot]struct{}{},
		uses:    map[*Slot]*use{},
	}
	if r.Pause == 0 {
		r.Pause = time.Second
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.table.Store(NewTable(NewTenant(sandbox.TenantConfig{}, config.Loader.NewTenant(sandbox.TenantConfig{}), nil), 0))
	return r
}

// Route implements [transport.Router].
func (r *Registry) Route(authority, target, method []byte) transport.Match {
	return r.table.Load().Route(authority, target, method)
}

// Replace loads a module and has it answer a route's requests from then on, while those under way end with the handler
// they have begun with. When it fails, nothing has changed. Calls for one route come one after the other.
func (r *Registry) Replace(ctx context.Context, route string, module Module) error {
	began := time.Now()
	ctx, end, err := r.beginChange(ctx)
	if err != nil {
		return err
	}
	defer end()
	r.changing.RLock()
	defer r.changing.RUnlock()
	r.mu.Lock()
	slot := r.slots[route]
	r.mu.Unlock()
	if slot == nil {
		return fmt.Errorf("there is no route %q", route)
	}
	running, err := slot.replace(ctx, module)
	if err != nil {
		return err
	}
	r.replaced.Add(1)
	r.Log.Info("handler replaced", "route", route, "module", module.Name, "took", since(began), "running_on_old", running)
	return nil
}

// since is how long ago something began, for logs.
func since(began time.Time) time.Duration { return time.Since(began).Round(10 * time.Microsecond) }

// beginChange begins a change, which ends with the call of end. Closing the registry ends its context.
func (r *Registry) beginChange(ctx context.Context) (_ context.Context, end func(), err error) {
	if !r.begin() {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(r.ctx, cancel)
	return ctx, func() { release(); cancel(); r.end() }, nil
}

// Bound says how long the handlers of lazy slots are kept without requests, and how many.
func (r *Registry) Bound(idle time.Duration, maxLoaded int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Idle, r.MaxLoaded = idle, maxLoaded
}

// begin notes that work begins, unless the registry is closed.
func (r *Registry) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.work++
	return true
}

// end notes that work has ended.
func (r *Registry) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.work--; r.closed && r.work == 0 {
		close(r.idle)
	}
}

// load loads a handler.
func (r *Registry) load(ctx context.Context, module Module, pool sandbox.PoolConfig) (*handler, error) {
	wasm, err := module.Open()
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", module.Name, err)
	}
	return r.start(ctx, module.Name, wasm, pool)
}

// start makes a handler of a module's bytes.
func (r *Registry) start(ctx context.Context, name string, wasm []byte, pool sandbox.PoolConfig) (*handler, error) {
	select {
	case r.permits <- struct{}{}:
		defer func() { <-r.permits }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("handler %s: %w", name, ctx.Err())
	}
	module, err := r.Loader.Load(ctx, name, wasm)
	if err != nil {
		return nil, fmt.Errorf("handler %w", err)
	}
	defer module.Close() // the pool keeps what it needs
	p, err := module.NewPool(pool)
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", name, err)
	}
	return &handler{sum: module.Sum(), pool: p}, nil
}

// Tenant finds the account of a tenant.
func (r *Registry) Tenant(name string) (*account.Account, bool) {
	if tenant := r.table.Load().names[name]; tenant != nil {
		return tenant.owner.Account(), true
	}
	return nil, false
}

// Account finds the account of a route.
func (r *Registry) Account(route string) (*account.Account, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slot := r.slots[route]; slot != nil {
		return slot.account, true
	}
	return nil, false
}

// Stats are what a registry has done, and holds.
type Stats struct {
	Replaced, Reloaded uint64
	// Tenants is how many tenants have a name, and Loaded how many lazy slots have a handler.
	Tenants, Loaded int
}

// Stats tells what the registry has done, and holds.
func (r *Registry) Stats() Stats {
	stats := Stats{Replaced: r.replaced.Load(), Reloaded: r.reloaded.Load(), Tenants: len(r.table.Load().names) - 1}
	r.mu.Lock()
	defer r.mu.Unlock()
	stats.Loaded = len(r.uses)
	return stats
}

// Close ends changes and loadings that are under way, waits for them, and lets go of all handlers. When ctx ends first it
// returns ctx's error, and something may still be at work. Requests have to have ended before.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		if r.work == 0 {
			close(r.idle)
		}
	}
	r.mu.Unlock()
	r.stop()
	select {
	case <-r.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, slot := range r.all() {
		slot.retire(nil)
	}
	return nil
}

// all lists the slots that may have a handler.
func (r *Registry) all() (slots []*Slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, slot := range r.slots {
		slots = append(slots, slot)
	}
	for slot := range r.leaving {
		slots = append(slots, slot)
	}
	return slots
}
