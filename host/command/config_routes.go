package command

import (
	"net"
	"strings"

	"github.com/sluicehttp/sluice/engine"
)

type routeTable struct {
	Name    string            `toml:"name"`
	Host    string            `toml:"host"`
	Path    string            `toml:"path"`
	Methods []string          `toml:"methods"`
	Handler string            `toml:"handler"`
	Args    []string          `toml:"args"`
	Env     map[string]string `toml:"env"`
	Limits  routeLimitsTable  `toml:"limits"`
}

// routes checks the routes of a file and loads their handlers.
func routes(tables []routeTable, source *source) ([]engine.Route, error) {
	if err := checkRoutes(tables, source); err != nil {
		return nil, err
	}
	routes := make([]engine.Route, len(tables))
	modules := make(map[string]engine.Module)
	for i, table := range tables {
		file := source.relative(table.Handler)
		if _, loaded := modules[file]; !loaded {
			module, err := readModule(file, "paths are relative to the configuration file's folder")
			if err != nil {
				return nil, source.errorAt(routeKey(i, "handler"), "%w", err)
			}
			modules[file] = module
		}
		routes[i] = engine.Route{
			Name: table.Name, Host: table.Host, Path: table.Path, Methods: table.Methods,
			Handler: modules[file], Args: table.Args, Env: table.Env,
		}
		if table.Path == "" {
			routes[i].Path = "/"
		}
		if err := source.parse(routeKey(i, "limits"), table.Limits.values(&routes[i].Limits)); err != nil {
			return nil, err
		}
	}
	return routes, nil
}

// checkRoutes finds what the file's grammar allows and that still makes no sense.
func checkRoutes(tables []routeTable, source *source) error {
	if len(tables) == 0 {
		return source.errorf("there are no routes; add a [[route]] with the handler that answers")
	}
	if !source.has(routeKey(0)) {
		return source.errorAt("route", "route must be tables headed [[route]]")
	}
	if written := source.tables["route"]; written > 0 && written != len(tables) {
		return source.errorAt("route", "all routes must be headed in the same case; write [[route]]") // the decoder drops some
	}
	first := make(map[string]int)
	for i := range tables {
		if err := tables[i].check(source, i); err != nil {
			return err
		}
		place := tables[i].place()
		if earlier, taken := first[place]; taken {
			return source.errorAt(routeKey(i), "the route on line %d already answers %s; give one of them another host or path",
				source.line(routeKey(earlier)), place)
		}
		first[place] = i
	}
	return nil
}

func (r *routeTable) check(source *source, index int) error {
	if r.Handler == "" {
		return source.errorAt(routeKey(index, "handler"), `the route has no handler; add handler = "file.wasm"`)
	}
	if source.has(routeKey(index, "path")) && !strings.HasPrefix(r.Path, "/") {
		return source.errorAt(routeKey(index, "path"), `path must begin with "/"; write "/%s"`, r.Path)
	}
	if strings.ContainsAny(r.Path, "?#* ") {
		return source.errorAt(routeKey(index, "path"), "path must be a plain prefix, without ?, #, * and spaces")
	}
	if _, _, err := net.SplitHostPort(r.Host); err == nil || strings.ContainsAny(r.Host, "/ ") {
		return source.errorAt(routeKey(index, "host"), `host must be a name alone, such as "example.com", without scheme, port or path`)
	}
	for i, method := range r.Methods {
		if !isToken(method) {
			return source.errorAt(routeKey(index, "methods", i), `%q is not a method; write a name such as "GET"`, method)
		}
	}
	return nil
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
