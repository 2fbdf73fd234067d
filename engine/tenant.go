package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tenant is somebody who has hosts, and whose handlers answer for them. Tenants know nothing of each other: each has limits
// for all its requests together, and figures of what it takes.
//
// The handlers of tenants are loaded by the first request that needs them, and go when there were none for [Config.TenantIdle].
// One that cannot be loaded is tried again after a pause; meanwhile its requests are answered 503.
type Tenant struct {
	// Name stands for the tenant in logs: 1 to 64 letters, digits, dots, hyphens and underscores. No other tenant has it.
	Name string
	// Hosts are host names without port, compared without regard to case, or "*." and a name, which stands for every name
	// below it. A name goes before wildcards, and a longer wildcard before a shorter one. No other tenant has them, and no
	// route without a tenant.
	Hosts []string
	// Routes are the handlers and the requests each of them answers. At least one.
	Routes []Route
	// Limits are the tenant's; a zero field is the server's. Those on a head can only be less than the server's, and HeadTime
	// cannot be set.
	Limits Limits
}

// completeTenants puts defaults and the server's limits where tenants set nothing, and looks for what cannot be.
func (c *Config) completeTenants() error {
	c.Tenants = slices.Clone(c.Tenants)
	owners := make(map[string]string, len(c.Tenants))
	for i := range c.Routes {
		if host := c.Routes[i].Host; host != "" {
			owners[strings.ToLower(host)] = ""
		}
	}
	names := make(map[string]int, len(c.Tenants))
	for i := range c.Tenants {
		tenant := &c.Tenants[i]
		if err := tenant.complete(i, &c.Limits); err != nil {
			return err
		}
		if earlier, taken := names[tenant.Name]; taken {
			return fmt.Errorf("tenant %d: tenant %d has the name %q already; give each its own", i+1, earlier+1, tenant.Name)
		}
		names[tenant.Name] = i
		if err := tenant.claim(owners); err != nil {
			return fmt.Errorf("tenant %q: %w", tenant.Name, err)
		}
	}
	for i := range c.Routes {
		if owner, _, found := strings.Cut(c.Routes[i].Name, ":"); found {
			if _, taken := names[owner]; taken {
				return fmt.Errorf("route %d: the name %q is for routes of tenant %q; give it another", i+1, c.Routes[i].Name, owner)
			}
		}
	}
	return nil
}

// complete puts defaults and the server's limits where nothing is set, and looks for what a tenant cannot have.
func (t *Tenant) complete(index int, server *Limits) (err error) {
	if !isTenantName(t.Name) {
		return fmt.Errorf("tenant %d: %q is not a name; one has 1 to 64 letters, digits, dots, hyphens and underscores", index+1, t.Name)
	}
	if err := t.Limits.completeWithin(server, "server"); err != nil {
		err.Tenant, err.TenantName = index, t.Name
		return err
	}
	if len(t.Routes) == 0 {
		return fmt.Errorf("tenant %q: no routes; give at least one, with a handler", t.Name)
	}
	t.Routes, err = completeRoutes(t.Routes, &t.Limits, t)
	if limit := (*LimitError)(nil); errors.As(err, &limit) {
		limit.Tenant, limit.TenantName = index, t.Name
		return err
	}
	if process := (*ProcessError)(nil); errors.As(err, &process) {
		process.Tenant = index
		return err
	}
	if err != nil {
		return fmt.Errorf("tenant %q: %w", t.Name, err)
	}
	return nil
}

func isTenantName(name string) bool {
	for _, c := range []byte(name) {
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 64
}

// claim makes the tenant the owner of its hosts, which must be nobody's.
func (t *Tenant) claim(owners map[string]string) error {
	if len(t.Hosts) == 0 {
		return errors.New("no hosts; give at least one")
	}
	for _, host := range t.Hosts {
		name := strings.TrimPrefix(host, "*.")
		if name == "" || strings.Contains(name, "*") || len(host) > maxHost {
			return fmt.Errorf(`host %q is no host name; write one like "example.com", or "*.example.com" for all below it`, host)
		}
		if err := checkHost(name); err != nil {
			return err
		}
		host = strings.ToLower(host)
		owner, taken := owners[host]
		switch {
		case taken && owner == "":
			return fmt.Errorf("host %q is that of a route without a tenant; it can have one owner only", host)
		case taken && owner == t.Name:
			return fmt.Errorf("host %q is there twice", host)
		case taken:
			return fmt.Errorf("host %q is that of tenant %q; it can have one owner only", host, owner)
		}
		owners[host] = t.Name
	}
	return nil
}

// maxHost is the length of the longest host name in bytes (RFC 1035 section 2.3.4).
const maxHost = 253
