// Package tenancy finds the handler of a request, and sees to it that the handler is there.
//
// A [Table] finds the tenant of a host, and among the tenant's routes the one that fits. Every route has a [Slot], the place
// of its handler, in which the handler can be replaced while requests come. A [Registry] holds the present table, changes it
// as a whole, loads tenants' handlers when they are needed and lets go of them when they are not.
package tenancy

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// Table finds routes. It is immutable.
type Table struct {
	// hosts and wildcards find tenants by host, in lower case: wildcards by what follows the "*.".
	hosts, wildcards map[string]*Tenant
	// deepest is how many dots the deepest of the wildcards has.
	deepest int
	// others is the tenant of all other hosts.
	others *Tenant
	// names finds tenants by name.
	names map[string]*Tenant
}

// Tenant is who owns hosts, and the routes that answer for them.
type Tenant struct {
	// config says what the tenant may take, and owner is what its pools share. The name is empty for the tenant of all hosts
	// that no other owns.
	config sandbox.TenantConfig
	owner  *sandbox.Tenant
	// routes are in the order in which they are tried: the first that fits answers.
	routes []route
}

// Route sends requests to a slot.
type Route struct {
	// Host must be the request's, if it is not empty.
	Host string
	// Path is a prefix of the request's path, up to a slash; it begins with a slash.
	Path string
	// Methods are the allowed methods; none: all.
	Methods []string
	// Slot has the handler.
	Slot *Slot
	// Limits are the route's own; nil: the server's.
	Limits *transport.Limits
}

// route is a [Route] made ready for matching.
type route struct {
	host    string // lower case; empty: any
	path    string // without a slash at its end, so "" for "/"
	methods []string
	allow   string
	slot    *Slot
	target  transport.Route
}

// NewTenant makes a tenant, whose owner was made of the same configuration.
func NewTenant(config sandbox.TenantConfig, owner *sandbox.Tenant, routes []Route) *Tenant {
	t := &Tenant{config: config, owner: owner, routes: make([]route, len(routes))}
	for i, config := range routes {
		t.routes[i] = route{
			host:    strings.ToLower(config.Host),
			path:    strings.TrimSuffix(config.Path, "/"),
			methods: config.Methods,
			allow:   strings.Join(config.Methods, ", "),
			slot:    config.Slot,
			target:  transport.Route{Name: config.Slot.name, Handler: config.Slot, Limits: config.Limits},
		}
	}
	t.sort()
	return t
}

// sort brings routes with a host before those without, and longer paths before shorter ones.
func (t *Tenant) sort() {
	slices.SortStableFunc(t.routes, func(a, b route) int {
		if a.host == "" != (b.host == "") {
			return cmp.Compare(len(b.host), len(a.host))
		}
		return cmp.Compare(len(b.path), len(a.path))
	})
}

// NewTable makes a table for size tenants, of which one has all hosts that no other has.
func NewTable(others *Tenant, size int) *Table {
	t := &Table{
		hosts:     make(map[string]*Tenant, size),
		wildcards: map[string]*Tenant{},
		others:    others,
		names:     make(map[string]*Tenant, size),
	}
	t.names[others.config.Name] = others
	for i := range others.routes {
		if host := others.routes[i].host; host != "" {
			t.hosts[host] = others // before any wildcard
		}
	}
	return t
}

// Add gives hosts to a tenant, names or "*." and a name, which stands for all below it but not for itself. No two tenants
// have the same. Only before the table is used.
func (t *Table) Add(tenant *Tenant, hosts []string) {
	t.names[tenant.config.Name] = tenant
	for _, host := range hosts {
		host = strings.ToLower(host)
		if suffix, wild := strings.CutPrefix(host, "*."); wild {
			t.wildcards[suffix] = tenant
			t.deepest = max(t.deepest, strings.Count(suffix, "."))
		} else {
			t.hosts[host] = tenant
		}
	}
}

// Route implements [transport.Router].
func (t *Table) Route(authority, target, method []byte) transport.Match {
	host, path := hostname(authority), targetPath(target)
	tenant := t.tenant(host)
	for i := range tenant.routes {
		candidate := &tenant.routes[i]
		if !candidate.fits(host, path) {
			continue
		}
		if !candidate.allows(method) {
			return transport.Match{Status: 405, Allow: candidate.allow}
		}
		return transport.Match{Route: &candidate.target}
	}
	return transport.Match{Status: 404}
}

// maxHost is the length of the longest host that can have a tenant, in bytes: a domain name has at most 253 (RFC 1035
// section 2.3.4).
const maxHost = 255

// tenant finds who owns a host: by its name, or by the longest wildcard that fits.
func (t *Table) tenant(host []byte) *Tenant {
	if len(host) > maxHost || len(t.names) == 1 {
		return t.others
	}
	var room [maxHost]byte
	name := lower(room[:0], host)
	if found := t.hosts[string(name)]; found != nil { // the compiler makes no copy for a look-up
		return found
	}
	return t.wild(name)
}

// wild finds whose wildcard a host fits. However many labels a host has, no more are tried than a wildcard has.
func (t *Table) wild(name []byte) *Tenant {
	if len(t.wildcards) == 0 {
		return t.others
	}
	for dots := bytes.Count(name, dot); dots > 0; dots-- {
		label, rest, _ := bytes.Cut(name, dot)
		name = rest
		if dots-1 > t.deepest || len(label) == 0 {
			continue
		}
		if found := t.wildcards[string(name)]; found != nil {
			return found
		}
	}
	return t.others
}

var dot = []byte{'.'}

// lower appends text in lower case, as far as it is ASCII: hosts compare without regard to case (RFC 9110 section 4.2.3).
func lower(to, text []byte) []byte {
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		to = append(to, c)
	}
	return to
}

// fits reports whether host and path are the route's.
func (r *route) fits(host, path []byte) bool {
	if r.host != "" && !http1.EqualFold(host, r.host) {
		return false
	}
	if len(path) < len(r.path) || string(path[:len(r.path)]) != r.path {
		return false
	}
	return len(path) == len(r.path) || path[len(r.path)] == '/' || r.path == ""
}

// allows reports whether the route answers a method.
func (r *route) allows(method []byte) bool {
	for _, allowed := range r.methods {
		if string(method) == allowed {
			return true
		}
	}
	return len(r.methods) == 0
}

// hostname is an authority without its port.
func hostname(authority []byte) []byte {
	colon := bytes.LastIndexByte(authority, ':')
	if colon < 0 || bytes.IndexByte(authority[colon:], ']') >= 0 {
		return authority
	}
	return authority[:colon]
}

// targetPath is the path of a request target (RFC 9112 section 3.2): of an absolute target the part behind the authority,
// and nothing for "*".
func targetPath(target []byte) []byte {
	if len(target) > 0 && target[0] != '/' {
		scheme := bytes.Index(target, []byte("://"))
		if scheme < 0 {
			return nil
		}
		target = target[scheme+len("://"):]
		end := bytes.IndexAny(target, "/?")
		if end < 0 {
			return nil
		}
		target = target[end:]
	}
	if query := bytes.IndexByte(target, '?'); query >= 0 {
		target = target[:query]
	}
	return target
}
