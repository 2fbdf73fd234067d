package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/guest/http1"
)

// completeRoutes gives the routes of a tenant, nil for those without one, with defaults where nothing is set. It looks for
// what cannot be.
func completeRoutes(given []Route, limits *Limits, tenant *Tenant) ([]Route, error) {
	routes := slices.Clone(given)
	places, names := make(map[string]bool, len(routes)), make(map[string]int, len(routes))
	for i := range routes {
		route := &routes[i]
		if err := route.complete(tenant); err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		if err := route.checkProcess(); err != nil {
			err.Route = i
			return nil, err
		}
		if err := route.completeLimits(limits, tenant); err != nil {
			err.Route, err.Name = i, route.Name
			return nil, err
		}
		place := strings.ToLower(route.Host) + strings.TrimSuffix(route.Path, "/")
		if places[place] {
			return nil, fmt.Errorf("route %d: host %q and path %q have a route already; give each its own", i+1, route.Host, route.Path)
		}
		places[place] = true
		if earlier, taken := names[route.Name]; taken {
			return nil, fmt.Errorf("route %d: route %d has the name %q already; give each its own", i+1, earlier+1, route.Name)
		}
		names[route.Name] = i
	}
	return routes, nil
}

// complete puts defaults where nothing is set, and looks for what a route cannot have.
func (config *Route) complete(tenant *Tenant) error {
	if config.Path == "" {
		config.Path = "/"
	}
	if config.Path[0] != '/' {
		return fmt.Errorf("path %q does not begin with a slash", config.Path)
	}
	if strings.ContainsAny(config.Path, "?#* ") {
		return fmt.Errorf("path %q holds one of ?, #, * or a space; a path is a plain prefix", config.Path)
	}
	if config.Host != "" {
		if tenant != nil {
			return fmt.Errorf("host %q is the route's alone; give hosts to the tenant", config.Host)
		}
		if err := checkHost(config.Host); err != nil {
			return err
		}
	}
	for _, method := range config.Methods {
		if !http1.IsToken([]byte(method)) {
			return fmt.Errorf("method %q is not a token; methods look like GET", method)
		}
	}
	if config.Name == "" {
		config.Name = config.Host + config.Path
	}
	if tenant != nil {
		config.Name = tenant.Name + ":" + config.Name
		if config.Handler.Wasm == nil && config.Handler.Open == nil {
			return fmt.Errorf("there is no handler; give its module Wasm or Open")
		}
	}
	return config.completeIsolation()
}

func checkHost(host string) error {
	if strings.ContainsAny(host, "/ :") && !strings.HasPrefix(host, "[") {
		return fmt.Errorf("host %q holds more than a host name; write it without scheme, port and path", host)
	}
	return nil
}

func (config *Route) completeIsolation() error {
	switch config.Isolation {
	case "":
		config.Isolation = IsolateRequests
	case IsolateRequests, IsolateConnections, ShareInstance:
	default:
		return fmt.Errorf("isolation %q is not known; there are %q, %q and %q", config.Isolation,
			IsolateRequests, IsolateConnections, ShareInstance)
	}
	return nil
}

// completeLimits puts the limits around it where a route sets nothing, and looks for what cannot be.
func (config *Route) completeLimits(around *Limits, tenant *Tenant) *LimitError {
	whose := "server"
	if tenant != nil {
		whose = "tenant"
	}
	if err := config.Limits.completeWithin(around, whose); err != nil {
		return err
	}
	if err := config.Limits.narrower(around, whose, tenant != nil); err != nil {
		return err
	}
	if err := completeAll(config.counts(), (&Route{PoolSize: DefaultPoolSize}).counts()); err != nil {
		return err
	}
	return completeAll(config.times(), (&Route{IdleTime: DefaultIdleTime}).times())
}

func (config *Route) counts() []limit[int] {
	return []limit[int]{
		{"pool_size", &config.PoolSize, 1, 1 << 16},
		{"max_reuse", &config.MaxReuse, 0, 1 << 30},
	}
}

func (config *Route) times() []limit[time.Duration] {
	return []limit[time.Duration]{{"idle_time", &config.IdleTime, minTime, maxTime}}
}
