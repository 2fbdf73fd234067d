package tenancy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
)

// Change is a table that is being made beside the present one. It ends with Commit or Discard.
type Change struct {
	registry *Registry
	ctx      context.Context
	end      func()
	began    time.Time

	slots map[string]*Slot
	// fresh are the slots that are not in the present table.
	fresh []*Slot
	// kept are those that are, with the module that they are to be loaded from later on.
	kept map[*Slot]Module
	// changed are the routes whose handler, or the way it is run, is another than before.
	changed []string
}

// Begin begins a change of the table. It waits for others to end.
func (r *Registry) Begin(ctx context.Context) (*Change, error) {
	ctx, end, err := r.beginChange(ctx)
	if err != nil {
		return nil, err
	}
	r.changing.Lock()
	return &Change{
		registry: r, ctx: ctx, end: end, began: time.Now(), slots: map[string]*Slot{}, kept: map[*Slot]Module{},
	}, nil
}

// Owner gives what the pools of a tenant share: what they share now, if the tenant may take as much as now. Otherwise it
// counts where the present tenant of that name does.
func (c *Change) Owner(config sandbox.TenantConfig) *sandbox.Tenant {
	if present := c.registry.table.Load().names[config.Name]; present != nil {
		if present.config == config {
			return present.owner
		}
		config.Account = present.owner.Account()
	}
	return c.registry.Loader.NewTenant(config)
}

// Slot makes the slot of a route, or finds the present one if it would be the same. A handler that is at work and has
// changed is loaded, and so is that of a slot which is not lazy; an error is about that.
func (c *Change) Slot(config SlotConfig) (*Slot, error) {
	present := c.registry.slots[config.Name] // what changes the map holds the same lock
	slot := c.registry.newSlot(config, present)
	if config.Lazy && (present == nil || present.handler.Load() == nil) {
		return c.add(slot, present != nil && slot.runsAs(present)), nil
	}
	wasm, err := config.Module.Open()
	if err != nil {
		return nil, fmt.Errorf("handler %s: %w", config.Module.Name, err)
	}
	if h := present.loaded(); h != nil && h.sum == sha256.Sum256(wasm) && slot.runsAs(present) {
		c.slots[config.Name], c.kept[present] = present, config.Module
		return present, nil
	}
	h, err := c.registry.start(c.ctx, config.Module.Name, wasm, slot.pool)
	if err != nil {
		return nil, err
	}
	slot.put(h, config.Module)
	return c.add(slot, false), nil
}

// newSlot makes a slot. It counts where the present slot of its route does.
func (r *Registry) newSlot(config SlotConfig, present *Slot) *Slot {
	slot := &Slot{
		name: config.Name, lazy: config.Lazy, registry: r, pool: config.Pool,
	}
	slot.keep(config.Module)
	if present != nil {
		slot.account = present.account
	} else {
		slot.account = account.New(config.Pool.Tenant.Account())
	}
	slot.pool.Route, slot.pool.Account, slot.pool.Log = config.Name, slot.account, r.Log
	return slot
}

// runsAs reports whether two slots run their handlers the same way.
func (s *Slot) runsAs(other *Slot) bool {
	a, b := s.pool, other.pool
	same := s.lazy == other.lazy && a.Tenant == b.Tenant && a.Account == b.Account && a.Log == b.Log
	a.Tenant, a.Account, a.Log = nil, nil, nil // others use them, and what is in them is not compared
	b.Tenant, b.Account, b.Log = nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

// loaded is the handler of a slot, nil if it has none or there is no slot.
func (s *Slot) loaded() *handler {
	if s == nil {
		return nil
	}
	return s.handler.Load()
}

func (c *Change) add(slot *Slot, same bool) *Slot {
	c.slots[slot.name] = slot
	c.fresh = append(c.fresh, slot)
	if !same {
		c.changed = append(c.changed, slot.name)
	}
	return slot
}

// Discard ends a change without effect.
func (c *Change) Discard() {
	for _, slot := range c.fresh {
		slot.retire(nil)
	}
	c.registry.changing.Unlock()
	c.end()
}

// Summary is what a change has done.
type Summary struct {
	// Changed are the routes that are new, or whose handler or the way it is run is another. Removed are those that are
	// gone.
	Changed, Removed []string
	// Running is how many requests still run on handlers that are no longer in the table.
	Running int
	// Took is the time from the beginning.
	Took time.Duration
}

// departure is how long a slot is kept after it was taken out of the table: a request may have found it a moment before.
const departure = time.Second

// Commit puts a table, whose slots are the change's, in place of the present one. Requests that have found a slot of the old
// table go on with the new one of that name. Of a route that is gone they go on for a moment.
func (c *Change) Commit(table *Table) Summary {
	defer c.end()
	r := c.registry
	defer r.changing.Unlock()
	r.mu.Lock()
	old := r.slots
	r.slots = c.slots
	r.mu.Unlock()
	r.table.Store(table)

	summary := Summary{Changed: c.changed}
	for slot, module := range c.kept {
		slot.setModule(module)
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		slot := old[name]
		successor := c.slots[name]
		switch {
		case successor == nil:
			summary.Removed = append(summary.Removed, name)
			summary.Running += r.leave(slot)
		case successor != slot:
			summary.Running += slot.retire(successor)
		}
	}
	for _, slot := range c.fresh {
		if slot.loaded() != nil {
			r.loaded(slot)
		}
	}
	r.reloaded.Add(1)
	summary.Took = since(c.began)
	return summary
}

// setModule says what the handler is to be loaded from the next time.
func (s *Slot) setModule(module Module) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(module)
}

// leave retires a slot whose route is gone, after a moment. It says how many requests run on it.
func (r *Registry) leave(s *Slot) (running int) {
	h := s.loaded()
	if h == nil {
		return s.retire(nil)
	}
	r.mu.Lock()
	r.leaving[s] = struct{}{}
	r.mu.Unlock()
	time.AfterFunc(departure, func() { s.retire(nil) })
	return h.pool.Running()
}
