package command

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/sluicehttp/sluice/engine"
)

// tenantTable is [[tenant]].
type tenantTable struct {
	Name   string             `toml:"name"`
	Hosts  []string           `toml:"hosts"`
	Limits routeLimitsTable   `toml:"limits"`
	Routes []tenantRouteTable `toml:"route"`
}

// tenantRouteTable is [[tenant.route]]. It has no host: all of a tenant's routes have the tenant's.
type tenantRouteTable struct {
	Name string `toml:"name"`
	routeFields
}

// tenantKey is the key of a [[tenant]] or of something in it.
func tenantKey(index int, inside ...any) string {
	key := fmt.Sprintf("tenant.%d", index)
	for _, part := range inside {
		key = fmt.Sprintf("%s.%v", key, part)
	}
	return key
}

// routeTables are the tenant's routes.
func (t *tenantTable) routeTables(index int) routeTables {
	routes := routeTables{key: tenantKey(index, "route"), tables: make([]routeTable, len(t.Routes))}
	for i, table := range t.Routes {
		routes.tables[i] = routeTable{Name: table.Name, routeFields: table.routeFields}
	}
	return routes
}

// tenants makes the tenants of tables that were checked.
func tenants(tables []tenantTable, source *source) ([]engine.Tenant, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	found := existing{}
	tenants := make([]engine.Tenant, len(tables))
	for i := range tables {
		table, tenant := &tables[i], &tenants[i]
		tenant.Name, tenant.Hosts = table.Name, table.Hosts
		if err := source.parse(tenantKey(i, "limits"), table.Limits.values(&tenant.Limits)); err != nil {
			return nil, err
		}
		var err error
		if tenant.Routes, err = routes(table.routeTables(i), source, found); err != nil {
			return nil, err
		}
	}
	return tenants, nil
}

// existing are modules that are read when they are needed. Now they have only to be there.
type existing map[string]engine.Module

func (e existing) module(file string) (engine.Module, error) {
	if module, found := e[file]; found {
		return module, nil
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return engine.Module{}, cannotRead(file, err, relativePaths)
	case !info.Mode().IsRegular():
		return engine.Module{}, cannotRead(file, errors.New("is no file"), relativePaths)
	}
	e[file] = engine.Module{Name: file, Open: func() ([]byte, error) {
		module, err := readModule(file, "put it back")
		return module.Wasm, err
	}}
	return e[file], nil
}

// checkTenants finds what the file's grammar allows of tenants and that still makes no sense.
func checkTenants(file *configFile, source *source) error {
	tables := file.Tenants
	if len(tables) > 0 && !source.has(tenantKey(0)) {
		return source.errorAt("tenant", "tenant must be tables headed [[tenant]]")
	}
	if written := source.tables["tenant"]; written > 0 && written != len(tables) { // the decoder drops some
		return source.errorAt("tenant", "all tenants must be headed in the same case; write [[tenant]]")
	}
	owners := file.hostsOfRoutes()
	names := map[string]int{}
	for i := range tables {
		if err := tables[i].check(source, i); err != nil {
			return err
		}
		if earlier, taken := names[tables[i].Name]; taken {
			return source.errorAt(tenantKey(i, "name"), "the tenant on line %d has the name %q already; give one of them another",
				source.line(tenantKey(earlier)), tables[i].Name)
		}
		names[tables[i].Name] = i
		if err := tables[i].claim(owners, source, i); err != nil {
			return err
		}
	}
	return nil
}

// hostsOfRoutes are the hosts of routes without a tenant, each with the key that gives it to a route.
func (f *configFile) hostsOfRoutes() map[string]string {
	owners := map[string]string{}
	for i := range f.Routes {
		if host := f.Routes[i].Host; host != "" {
			owners[strings.ToLower(host)] = routeKey(i, "host")
		}
	}
	return owners
}

var tenantName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (t *tenantTable) check(source *source, index int) error {
	switch {
	case t.Name == "":
		return source.errorAt(tenantKey(index, "name"), `the tenant has no name; add name = "somebody"`)
	case !tenantName.MatchString(t.Name):
		return source.errorAt(tenantKey(index, "name"), "a tenant's name has 1 to 64 letters, digits, dots, hyphens and underscores")
	case len(t.Hosts) == 0:
		return source.errorAt(tenantKey(index, "hosts"), `the tenant has no hosts; add hosts = ["example.com"]`)
	case len(t.Routes) == 0:
		return source.errorAt(tenantKey(index, "route"), "the tenant has no routes; add a [[tenant.route]] with the handler that answers")
	}
	return checkRoutes(t.routeTables(index), source)
}

// claim makes the tenant the owner of its hosts, which must be nobody's. Owners are keys in the file.
func (t *tenantTable) claim(owners map[string]string, source *source, index int) error {
	for i, host := range t.Hosts {
		key := tenantKey(index, "hosts", i)
		name := strings.TrimPrefix(host, "*.")
		if name == "" || strings.Contains(name, "*") || !isHost(name) {
			return source.errorAt(key, `%q is no host; write a name alone, such as "example.com", or "*.example.com" for all below it`, host)
		}
		host = strings.ToLower(host)
		if owner, taken := owners[host]; taken {
			return source.errorAt(key, "host %s has an owner already, on line %d; a host can have one owner only", host, source.line(owner))
		}
		owners[host] = key
	}
	return nil
}
