package tenancy

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/transport"
)

// tenant makes a tenant whose routes have slots without handlers.
func tenant(name string, routes ...Route) *Tenant {
	for i := range routes {
		if routes[i].Path == "" {
			routes[i].Path = "/"
		}
		if routes[i].Slot == nil {
			routes[i].Slot = &Slot{name: name + ":" + routes[i].Host + routes[i].Path}
		}
	}
	return NewTenant(sandbox.TenantConfig{Name: name}, nil, routes)
}

func named(name string, route Route) Route {
	route.Slot = &Slot{name: name}
	return route
}

// found is what a table finds: a route's name, or a status.
func found(match transport.Match) string {
	if match.Route != nil {
		return match.Route.Name
	}
	if match.Allow != "" {
		return fmt.Sprint(match.Status, " ", match.Allow)
	}
	return fmt.Sprint(match.Status)
}

// TestRouting tells which of several routes answers.
func TestRouting(t *testing.T) {
	table := NewTable(tenant("",
		named("root", Route{}),
		named("api", Route{Path: "/api/"}),
		named("get", Route{Path: "/api/get", Methods: []string{"GET", "HEAD"}}),
		named("host", Route{Host: "Example.com"}),
		named("host docs", Route{Host: "example.com", Path: "/docs"}),
		named("v6", Route{Host: "[::1]", Path: "/v6"}),
	), 0)
	for _, test := range []struct{ authority, method, target, want string }{
		{"", "GET", "/", "root"},
		{"h", "GET", "/apifox", "root"},
		{"h", "GET", "/api", "api"},
		{"h", "GET", "/api?x=/api/get", "api"},
		{"h", "HEAD", "/api/get/1", "get"},
		{"h", "PUT", "/api/get", "405 GET, HEAD"},
		{"EXAMPLE.com:8080", "GET", "/api/get", "host"},
		{"example.com", "GET", "/docs/a", "host docs"},
		{"other", "GET", "http://example.com/docs", "root"},
		{"example.com", "GET", "http://example.com/docs?q", "host docs"},
		{"example.com", "GET", "http://example.com?q", "host"},
		{"[::1]:80", "GET", "/v6", "v6"},
		{"[::1]", "OPTIONS", "*", "root"},
	} {
		if got := found(table.Route([]byte(test.authority), []byte(test.target), []byte(test.method))); got != test.want {
			t.Errorf("%s %s for %q: %s, want %s", test.method, test.target, test.authority, got, test.want)
		}
	}
}

// TestTenants tells whose a host is.
func TestTenants(t *testing.T) {
	table := NewTable(tenant("", Route{}, Route{Host: "Mine.wild.example"}), 4)
	table.Add(tenant("a", Route{}, Route{Path: "/x", Methods: []string{"PUT"}}), []string{"A.example", "a.test", "[2001:DB8::1]"})
	table.Add(tenant("b", Route{Path: "/b"}), []string{"*.wild.example", "b.example"})
	table.Add(tenant("c", Route{}), []string{"*.deep.Wild.example", "exact.wild.example", "*.localhost"})
	table.Add(tenant("d", Route{}), []string{"wild.example"})
	for _, test := range []struct{ host, target, want string }{
		{"a.example", "/", "a:/"},
		{"A.EXAMPLE:8080", "/y", "a:/"},
		{"a.test", "/x", "405 PUT"},
		{"[2001:db8::1]:80", "/", "a:/"},
		{"sub.a.example", "/", ":/"},
		{"aXexample", "/", ":/"},

		{"b.example", "/b/1", "b:/b"},
		{"b.example", "/", "404"}, // the host is b's, so no other tenant answers
		{"one.wild.example", "/b", "b:/b"},
		{"two.ONE.wild.example:1", "/b", "b:/b"},
		{"wild.example", "/", "d:/"},
		{".wild.example", "/b", ":/"},
		{"xwild.example", "/", ":/"},
		{"exact.wild.example", "/", "c:/"},
		{"below.exact.wild.example", "/b", "b:/b"},
		{"deep.wild.example", "/b", "b:/b"},
		{"x.deep.wild.example", "/", "c:/"},
		{"mine.wild.example", "/", ":Mine.wild.example/"},

		{"", "/", ":/"},
		{".", "/", ":/"},
		{"x..localhost", "/", ":/"},
		{"x.y.localhost", "/", "c:/"},
		{"other.example", "/", ":/"},
		{string(make([]byte, 300)) + ".wild.example", "/b", ":/"},
		{string(make([]byte, 255-len(".wild.example"))) + ".wild.example", "/b", "b:/b"},
	} {
		if got := found(table.Route([]byte(test.host), []byte(test.target), []byte("GET"))); got != test.want {
			t.Errorf("%s for %q: %s, want %s", test.target, test.host, got, test.want)
		}
	}
}

// FuzzHosts compares the look-up of a host with a look at every host of every tenant.
func FuzzHosts(f *testing.F) {
	hosts := map[string]string{
		"a.example": "a", "*.a.example": "b", "*.b.a.example": "a", "c": "c", "*.c": "a", "*.example": "c", "[::1]": "b",
	}
	table := NewTable(tenant("", Route{}), len(hosts))
	for _, name := range []string{"a", "b", "c"} {
		var own []string
		for host, owner := range hosts {
			if owner == name {
				own = append(own, host)
			}
		}
		table.Add(tenant(name, Route{}), own)
	}
	for host := range hosts {
		f.Add([]byte(strings.Replace(host, "*", "x.Y", 1)))
	}
	f.Add([]byte("..a.example"))
	f.Fuzz(func(t *testing.T, host []byte) {
		if bytes.IndexByte(host, ':') >= 0 && !bytes.HasSuffix(host, []byte("]")) {
			return // a port, or what looks like one
		}
		want, length := "", 0
		name := string(lower(nil, host))
		for pattern, owner := range hosts {
			suffix, wild := strings.CutPrefix(pattern, "*")
			switch {
			case !wild && name == pattern:
				want, length = owner, len(name)+1
			case wild && fitsWildcard(name, suffix) && len(suffix) > length && len(name) <= maxHost:
				want, length = owner, len(suffix)
			}
		}
		if got := found(table.Route(host, []byte("/"), []byte("GET"))); got != want+":/" {
			t.Errorf("%q is %s, want %s", host, got, want)
		}
	})
}

// fitsWildcard reports whether a name ends with a suffix that begins with a dot, and has a label in front of it.
func fitsWildcard(name, suffix string) bool {
	front, fits := strings.CutSuffix(name, suffix)
	return fits && front != "" && !strings.HasSuffix(front, ".")
}

func TestRoutingAllocatesNothing(t *testing.T) {
	table := many(100)
	host, target, method := []byte("A.B.C.Wild-50.example:8080"), []byte("/"), []byte("GET")
	if got := found(table.Route(host, target, method)); got != "tenant-50:/" {
		t.Fatal(got)
	}
	if n := testing.AllocsPerRun(100, func() { table.Route(host, target, method) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// many makes a table with so many tenants, each with two hosts and a route.
func many(count int) *Table {
	table := NewTable(tenant("", Route{}), count)
	for i := range count {
		hosts := []string{fmt.Sprintf("host-%d.example", i), fmt.Sprintf("*.wild-%d.example", i)}
		table.Add(tenant(fmt.Sprintf("tenant-%d", i), Route{}), hosts)
	}
	return table
}

// TestTenantsAreSmall bounds what a tenant takes that nobody asks for anything.
func TestTenantsAreSmall(t *testing.T) {
	const count, most = 10_000, 2048
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := many(count)
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / count
	t.Logf("%d bytes for each of %d tenants", each, count)
	if each > most {
		t.Errorf("a tenant takes %d bytes, want %d at most", each, most)
	}
	runtime.KeepAlive(table)
}

// BenchmarkRoute finds the route of a request, for one tenant and for many.
func BenchmarkRoute(b *testing.B) {
	target, method := []byte("/"), []byte("GET")
	for _, count := range []int{1, 10_000} {
		table := many(count)
		for _, test := range []struct{ name, host string }{
			{"host", "Host-%d.example:8080"}, {"wildcard", "www.wild-%d.example"}, {"other", "www.other-%d.example"},
			{"longest", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.other-%d.example"},
		} {
			host := fmt.Appendf(nil, test.host, count/2)
			b.Run(fmt.Sprintf("%d tenants/%s", count, test.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					table.Route(host, target, method)
				}
			})
		}
	}
}
