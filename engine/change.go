package engine

import (
	"context"
	"errors"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/tenancy"
)

// Replace has another module answer the requests of a route, which is named by its [Route.Name]. The module is loaded and
// started while the old one goes on; then new requests go to it at once, and those under way end on the old one, which goes
// with the last of them. When it fails nothing has changed; the error is one line that says what is wrong with the module.
//
// Calls for one route come one after the other. After Close it returns ErrClosed.
func (e *Engine) Replace(ctx context.Context, route string, module Module) error {
	return e.counted(e.registry.Replace(ctx, route, module.source()))
}

// Reload has the engine serve as another configuration says: its routes, with their handlers and limits. What has changed is
// loaded while everything goes on as before; then the new routes take over at once. Handlers whose module and settings are as
// before go on as if nothing had happened, requests under way end with the handler and the limits that they began with.
//
// When it fails nothing has changed; the error is what [New] would return. What only another engine could do is left as it
// was, and the log is told of it: Core, CoreInstances, CacheDir, MaxConnections, Log, and of the server's limits those that
// hold before a request's route is known. After Close it returns ErrClosed.
func (e *Engine) Reload(ctx context.Context, config Config) error {
	summary, left, err := e.reload(ctx, &config)
	if err != nil {
		return e.counted(err)
	}
	if len(left) > 0 {
		e.config.Log.Warn("some changes need a restart and were left out", "keys", left)
	}
	e.config.Log.Info("reloaded", "changed", summary.Changed, "removed", summary.Removed, "took", summary.Took,
		"running_on_old", summary.Running)
	return nil
}

func (e *Engine) reload(ctx context.Context, config *Config) (summary tenancy.Summary, left []string, err error) {
	if err = config.complete(); err != nil {
		return summary, nil, err
	}
	left = e.leaveOut(config)
	summary, err = e.change(ctx, config)
	return summary, left, err
}

// counted counts a change that was refused.
func (e *Engine) counted(err error) error {
	if errors.Is(err, tenancy.ErrClosed) {
		return ErrClosed
	}
	if err != nil {
		e.refused.Add(1)
	}
	return err
}

// leaveOut puts what only another engine could have otherwise back to what it is, and lists what that was.
func (e *Engine) leaveOut(config *Config) (left []string) {
	asked, byRoute := config.Limits, config.headFirst()
	keep(&left, "core", &config.Core, e.config.Core)
	keep(&left, "core_instances", &config.CoreInstances, e.config.CoreInstances)
	keep(&left, "cache_dir", &config.CacheDir, e.config.CacheDir)
	keep(&left, "max_connections", &config.MaxConnections, e.config.MaxConnections)
	to, from := config.Limits.ofServer(), e.config.Limits.ofServer()
	for i := range to {
		keep(&left, "limits."+to[i].key, to[i].value, *from[i].value)
	}
	keep(&left, "limits.head_time", &config.Limits.HeadTime, e.config.Limits.HeadTime)
	if byRoute && !e.headFirst {
		left = append(left, "route.limits.chunk_line", "route.limits.trailers", "route.limits.trailer_fields")
	}
	for route := range config.allRoutes() {
		e.leaveOutOfRoute(&route.Limits, &asked)
	}
	return left
}

// leaveOutOfRoute puts limits of a route back to what they are, where they are as those that were asked for the server, and
// where the core does not ask for a route's own.
func (e *Engine) leaveOutOfRoute(route, asked *Limits) {
	to, as, from := route.ofServer(), asked.ofServer(), e.config.Limits.ofServer()
	for i := range to {
		if *to[i].value == *as[i].value || i >= afterHead && !e.headFirst {
			*to[i].value = *from[i].value
		}
	}
}

func keep[T comparable](left *[]string, key string, value *T, present T) {
	if *value != present {
		*left = append(*left, key)
		*value = present
	}
}

// change has the engine serve the routes of a configuration, which is complete.
func (e *Engine) change(ctx context.Context, config *Config) (tenancy.Summary, error) {
	change, err := e.registry.Begin(ctx)
	if err != nil {
		return tenancy.Summary{}, err
	}
	table, err := e.table(change, config)
	if err != nil {
		change.Discard()
		return tenancy.Summary{}, err
	}
	summary := change.Commit(table)
	e.registry.Bound(config.TenantIdle, config.MaxLoaded)
	return summary, nil
}

// table makes the table of a configuration.
func (e *Engine) table(change *tenancy.Change, config *Config) (*tenancy.Table, error) {
	others, err := e.tenant(change, &Tenant{Routes: config.Routes, Limits: config.Limits})
	if err != nil {
		return nil, err
	}
	table := tenancy.NewTable(others, len(config.Tenants))
	for i := range config.Tenants {
		tenant, err := e.tenant(change, &config.Tenants[i])
		if err != nil {
			return nil, err
		}
		table.Add(tenant, config.Tenants[i].Hosts)
	}
	return table, nil
}

// tenant makes a tenant with its routes, or the one without a name that has the routes without a tenant.
func (e *Engine) tenant(change *tenancy.Change, config *Tenant) (*tenancy.Tenant, error) {
	may := sandbox.TenantConfig{Name: config.Name, Concurrent: config.Limits.Concurrent, Queue: config.Limits.Queue}
	owner := change.Owner(may)
	routes := make([]tenancy.Route, len(config.Routes))
	for i := range config.Routes {
		route := &config.Routes[i]
		slot, err := change.Slot(tenancy.SlotConfig{
			Name:   route.Name,
			Lazy:   config.Name != "",
			Module: route.Handler.source(),
			Pool:   route.pool(owner, &config.Limits),
		})
		if err != nil {
			return nil, err
		}
		routes[i] = tenancy.Route{Host: route.Host, Path: route.Path, Methods: route.Methods, Slot: slot}
		if own := route.Limits.transport(); own != e.serverLimits {
			routes[i].Limits = &own
		}
	}
	return tenancy.NewTenant(may, owner, routes), nil
}

// source is the module as the registry knows it.
func (m Module) source() tenancy.Module {
	if m.Wasm == nil && m.Open != nil {
		return tenancy.Module{Name: m.Name, Open: m.Open}
	}
	return tenancy.Module{Name: m.Name, Open: func() ([]byte, error) { return m.Wasm, nil }}
}

// pool says how the instances of a route's handler are kept. The route is complete.
func (config *Route) pool(owner *sandbox.Tenant, tenant *Limits) sandbox.PoolConfig {
	return sandbox.PoolConfig{
		Tenant:    owner,
		Isolation: isolations[config.Isolation],
		PoolSize:  config.PoolSize,
		MaxReuse:  config.MaxReuse,
		IdleTime:  config.IdleTime,
		Process:   config.process(),
		Limits:    config.Limits.sandbox(tenant),
	}
}

var isolations = map[Isolation]sandbox.Isolation{
	IsolateRequests:    sandbox.IsolateRequests,
	IsolateConnections: sandbox.IsolateConnections,
	ShareInstance:      sandbox.ShareInstance,
}
