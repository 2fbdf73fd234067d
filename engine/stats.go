package engine

import (
	"time"

	"github.com/sluicehttp/sluice/engine/internal/account"
)

// Stats are what an engine has done since it was made, and what it holds.
type Stats struct {
	// Accepted is the number of connections that were accepted, Open how many of them are open.
	Accepted uint64
	Open     int
	// States counts the open connections by state.
	States map[string]int
	// Reasons counts what ended work early or kept it waiting, by limit or by error code.
	Reasons map[string]uint64

	// Replaced and Reloaded are how many calls of Replace and Reload took effect, Refused how many did not. Making the
	// engine does not count.
	Replaced, Reloaded, Refused uint64

	// Tenants is how many tenants there are, Loaded how many of their handlers are loaded.
	Tenants, Loaded int
	// Modules is how many modules' machine code is kept: one for all whose code is equal.
	Modules int
	// Instances is how many instances of handlers there are, at work or not, those of replaced handlers included.
	Instances int
}

// Stats tells what the engine has done so far, and what it holds.
func (e *Engine) Stats() Stats {
	server, registry := e.server.Stats(), e.registry.Stats()
	return Stats{
		Accepted:  server.Accepted,
		Open:      server.Open,
		States:    server.States,
		Reasons:   server.Reasons,
		Replaced:  registry.Replaced,
		Reloaded:  registry.Reloaded - 1, // the first was New
		Refused:   e.refused.Load(),
		Tenants:   registry.Tenants,
		Loaded:    registry.Loaded,
		Modules:   e.loader.Compiled(),
		Instances: e.loader.Instances(),
	}
}

// HandlerStats is what handlers have taken, those of a route or of a tenant, and what they hold now. What a route has taken
// is counted since there was a route of that name; so with tenants.
type HandlerStats struct {
	// Requests is how many requests handlers were given, Refused how many were answered without one, because it could not be
	// loaded or a limit left no room for them.
	Requests, Refused uint64
	// CPU is the time in which the handlers' code computed beyond its first slices, of some 50 µs each. Fuel is all that it
	// did, in units of about one instruction.
	CPU  time.Duration
	Fuel uint64
	// Memory is how many bytes the instances hold, Instances how many there are.
	Memory    int64
	Instances int
	// Running is how many requests are with handlers.
	Running int
	// Faults counts how often handlers failed, by kind: a limit's key in the configuration, or what happened.
	Faults map[string]uint64
}

// TenantStats tells what a tenant's handlers have taken so far, and hold. The name is empty for routes without a tenant. There
// may be no such tenant.
func (e *Engine) TenantStats(name string) (stats HandlerStats, found bool) {
	return handlerStats(e.registry.Tenant(name))
}

// RouteStats tells what the handler of a route has taken so far, and holds. A tenant's route is named by the tenant's name, a
// colon, and its own. There may be no such route.
func (e *Engine) RouteStats(name string) (stats HandlerStats, found bool) {
	return handlerStats(e.registry.Account(name))
}

func handlerStats(counts *account.Account, found bool) (HandlerStats, bool) {
	if !found {
		return HandlerStats{}, false
	}
	stats := HandlerStats{
		Requests:  uint64(counts.Requests.Load()),
		Refused:   uint64(counts.Refused.Load()),
		CPU:       time.Duration(counts.CPU.Load()),
		Fuel:      uint64(counts.Fuel.Load()),
		Memory:    counts.Memory.Load(),
		Instances: int(counts.Instances.Load()),
		Running:   int(counts.Running.Load()),
		Faults:    map[string]uint64{},
	}
	for kind := range account.Fault(account.Faults) {
		if count := counts.Faults[kind].Load(); count > 0 {
			stats.Faults[kind.String()] = uint64(count)
		}
	}
	return stats, true
}
