package command

import (
	"fmt"
	"net"
	"strings"

	"github.com/sluicehttp/sluice/engine"
)

// routeTable is [[route]].
type routeTable struct {
	Name string `toml:"name"`
	Host string `toml:"host"`
	routeFields
}

// routeFields are what routes with and without a tenant have.
type routeFields struct {
	Path      string            `toml:"path"`
	Methods   []string          `toml:"methods"`
	Handler   string            `toml:"handler"`
	Args      []string          `toml:"args"`
	Env       map[string]string `toml:"env"`
	Isolation *scalar           `toml:"isolation"`
	PoolSize  *scalar           `toml:"pool_size"`
	MaxReuse  *scalar           `toml:"max_reuse"`
	IdleTime  *scalar           `toml:"idle_time"`
	Limits    routeLimitsTable  `toml:"limits"`
}

// routeTables are those of the file, or of a tenant.
type routeTables struct {
	// key is that of all of them: "route", or "tenant.0.route".
	key    string
	tables []routeTable
}

func ownRoutes(tables []routeTable) routeTables { return routeTables{"route", tables} }

// at is the key of a route or of something in it.
func (t *routeTables) at(index int, inside ...any) string {
	key := fmt.Sprintf("%s.%d", t.key, index)
	for _, part := range inside {
		key = fmt.Sprintf("%s.%v", key, part)
	}
	return key
}

// handlers finds the modules of handlers.
type handlers interface {
	module(file string) (engine.Module, error)
}

// routes makes the routes of tables that were checked.
func routes(routeTables routeTables, source *source, handlers handlers) ([]engine.Route, error) {
	routes := make([]engine.Route, len(routeTables.tables))
	for i := range routeTables.tables {
		table, route := &routeTables.tables[i], &routes[i]
		module, err := handlers.module(source.relative(table.Handler))
		if err != nil {
			return nil, source.errorAt(routeTables.at(i, "handler"), "%w", err)
		}
		*route = engine.Route{
			Name: table.Name, Host: table.Host, Path: table.Path, Methods: table.Methods,
			Handler: module, Args: table.Args, Env: table.Env,
		}
		if table.Path == "" {
			route.Path = "/"
		}
		if err := source.parse(routeTables.at(i), table.values(route)); err != nil {
			return nil, err
		}
		if err := source.parse(routeTables.at(i, "limits"), table.Limits.values(&route.Limits)); err != nil {
			return nil, err
		}
	}
	return routes, nil
}

func (f *routeFields) values(route *engine.Route) []value {
	return []value{
		{"isolation", f.Isolation, (*isolation)(&route.Isolation)},
		{"pool_size", f.PoolSize, (*count)(&route.PoolSize)},
		{"max_reuse", f.MaxReuse, (*count)(&route.MaxReuse)},
		{"idle_time", f.IdleTime, (*duration)(&route.IdleTime)},
	}
}

// loaded are modules that are read at once, each file once.
type loaded map[string]engine.Module

func newLoaded() loaded { return loaded{} }

func (l loaded) module(file string) (engine.Module, error) {
	if module, read := l[file]; read {
		return module, nil
	}
	module, err := readModule(file, relativePaths)
	if err == nil {
		l[file] = module
	}
	return module, err
}

// unread are modules that only have a name.
type unread struct{}

func (unread) module(file string) (engine.Module, error) { return engine.Module{Name: file}, nil }

const relativePaths = "paths are relative to the configuration file's folder"

// checkRoutes finds what the file's grammar allows and that still makes no sense.
func checkRoutes(routes routeTables, source *source) error {
	header := "[[" + withoutIndexes(routes.key) + "]]"
	if len(routes.tables) > 0 && !source.has(routes.at(0)) {
		return source.errorAt(routes.key, "%s must be tables headed %s", withoutIndexes(routes.key), header)
	}
	if written := source.tables[routes.key]; written > 0 && written != len(routes.tables) { // the decoder drops some
		return source.errorAt(routes.key, "all routes must be headed in the same case; write %s", header)
	}
	places, names := map[string]int{}, map[string]int{}
	for i := range routes.tables {
		table := &routes.tables[i]
		if err := table.check(&routes, source, i); err != nil {
			return err
		}
		place := table.place()
		if earlier, taken := places[place]; taken {
			return source.errorAt(routes.at(i), "the route on line %d already answers %s; give one of them another host or path",
				source.line(routes.at(earlier)), place)
		}
		places[place] = i
		if earlier, taken := names[table.name()]; taken {
			return source.errorAt(routes.at(i, "name"), "the route on line %d has the name %q already; give one of them another",
				source.line(routes.at(earlier)), table.name())
		}
		names[table.name()] = i
	}
	return nil
}

func (r *routeTable) check(routes *routeTables, source *source, index int) error {
	if r.Handler == "" {
		return source.errorAt(routes.at(index, "handler"), `the route has no handler; add handler = "file.wasm"`)
	}
	if source.has(routes.at(index, "path")) && !strings.HasPrefix(r.Path, "/") {
		return source.errorAt(routes.at(index, "path"), `path must begin with "/"; write "/%s"`, r.Path)
	}
	if strings.ContainsAny(r.Path, "?#* ") {
		return source.errorAt(routes.at(index, "path"), "path must be a plain prefix, without ?, #, * and spaces")
	}
	if !isHost(r.Host) {
		return source.errorAt(routes.at(index, "host"), `host must be a name alone, such as "example.com", without scheme, port or path`)
	}
	for i, method := range r.Methods {
		if !isToken(method) {
			return source.errorAt(routes.at(index, "methods", i), `%q is not a method; write a name such as "GET"`, method)
		}
	}
	return nil
}

// isHost says whether there is nothing but a host name.
func isHost(name string) bool {
	_, _, err := net.SplitHostPort(name)
	return err != nil && !strings.ContainsAny(name, "/ ")
}

// name is the route's name, which is its host and path when it has no other.
func (r *routeTable) name() string {
	switch {
	case r.Name != "":
		return r.Name
	case r.Path == "":
		return r.Host + "/"
	}
	return r.Host + r.Path
}

// place is what a route answers. Neither the case of its host nor a slash at the end of its path makes a difference.
func (r *routeTable) place() string {
	return strings.ToLower(r.Host) + strings.TrimSuffix(r.Path, "/") + "/"
}

// isToken says whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
