package engine_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/sluicehttp/sluice/engine"
)

// opened is a module that is read when it is needed, and counts how often.
type opened struct {
	module Module
	times  atomic.Int64
}

func (o *opened) lazy() Module {
	return Module{Name: o.module.Name, Open: func() ([]byte, error) {
		o.times.Add(1)
		return o.module.Wasm, nil
	}}
}

// one is a tenant with one route for every path.
func one(name string, module Module, hosts ...string) Tenant {
	return Tenant{Name: name, Hosts: hosts, Routes: []Route{{Handler: module}}}
}

// Tenants answer for their hosts alone, and their handlers are there only while they are needed.
func TestTenants(t *testing.T) {
	a, b := &opened{module: plain(1)}, &opened{module: plain(2)}
	config := Config{
		TenantIdle: 200 * time.Millisecond,
		Routes:     []Route{{Handler: plain(0)}},
		Tenants: []Tenant{
			one("a", a.lazy(), "a.example", "*.a.example"),
			{Name: "b", Hosts: []string{"b.example"}, Routes: []Route{{Path: "/b", Methods: []string{"POST"}, Handler: b.lazy()}}},
			one("broken", Module{Name: "x.wasm", Open: func() ([]byte, error) { return nil, errors.New("no such file") }}, "broken.example"),
		},
	}
	e, addr := start(t, config)
	if stats := e.Stats(); stats.Tenants != 3 || stats.Loaded != 0 || stats.Modules != 1 || a.times.Load() != 0 {
		t.Errorf("before the first request: %+v", stats)
	}
	for _, test := range []struct{ host, path, want string }{
		{"other.example", "/", "200 00000000"},
		{"a.example", "/", "200 00000001"},
		{"www.A.example:80", "/x", "200 00000001"},
		{"b.example", "/b", "200 00000002"},
		{"b.example", "/", "404 404 Not "},
		{"broken.example", "/", "503 503 Serv"},
	} {
		check(t, ask(t, addr, test.host, test.path, ""), test.want)
	}
	if stats := e.Stats(); stats.Loaded != 2 || stats.Modules != 3 {
		t.Errorf("after the first requests: %+v", stats)
	}
	for name, want := range map[string][2]uint64{"": {1, 0}, "a": {2, 0}, "b": {1, 0}, "broken": {0, 1}} {
		stats, found := e.TenantStats(name)
		if got := [2]uint64{stats.Requests, stats.Refused}; !found || got != want {
			t.Errorf("tenant %q: %v requests and refused ones, want %v", name, got, want)
		}
		if name != "broken" && (stats.Memory < 128<<10 || stats.Instances == 0 || stats.Fuel == 0 || stats.Running != 0) {
			t.Errorf("tenant %q: %+v", name, stats)
		}
	}
	if _, found := e.TenantStats("c"); found {
		t.Error("there is a tenant c")
	}
	for name, want := range map[string]uint64{"/": 1, "a:/": 2, "b:/b": 1, "b:/": 0} {
		stats, found := e.RouteStats(name)
		if stats.Requests != want || found != (want > 0) {
			t.Errorf("route %q: found %v, %d requests, want %d", name, found, stats.Requests, want)
		}
	}

	for end := time.Now().Add(patience); e.Stats().Modules > 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("handlers that are not needed stay: %+v", e.Stats())
		}
	}
	if stats, _ := e.TenantStats("a"); stats.Memory != 0 || stats.Instances != 0 || stats.Requests != 2 {
		t.Errorf("of a tenant without requests there is %+v", stats)
	}
	if err := e.Replace(t.Context(), "a:/", plain(3)); err != nil {
		t.Fatal(err)
	}
	check(t, ask(t, addr, "a.example", "/", ""), "200 00000003")
	if a.times.Load() != 1 {
		t.Errorf("the module was read %d times, want once", a.times.Load())
	}

	config.Tenants = []Tenant{one("c", plain(4), "a.example"), config.Tenants[1]}
	if err := e.Reload(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	check(t, ask(t, addr, "a.example", "/", ""), "200 00000004")
	check(t, ask(t, addr, "www.a.example", "/", ""), "200 00000000")
	if _, found := e.TenantStats("a"); found {
		t.Error("there is still a tenant a")
	}
	if stats, _ := e.TenantStats("b"); stats.Requests != 1 {
		t.Errorf("the figures of a tenant that stays begin anew: %+v", stats)
	}
}

// A tenant's limits hold for its routes, which can only make them narrower.
func TestLimitsOfTenants(t *testing.T) {
	tenant := one("a", plain(1), "a.example")
	tenant.Limits.Buffered = 3
	tenant.Routes = append(tenant.Routes, Route{Path: "/less", Handler: plain(2), Limits: Limits{Buffered: 2}})
	_, addr := start(t, Config{Routes: []Route{{Handler: plain(0)}}, Tenants: []Tenant{tenant}})
	for _, test := range []struct{ host, path, body, want string }{
		{"other.example", "/", "1234", "200 00000000"},
		{"a.example", "/", "1234", "413 413 Cont"},
		{"a.example", "/", "123", "200 00000001"},
		{"a.example", "/less", "123", "413 413 Cont"},
		{"a.example", "/less", "12", "200 00000002"},
	} {
		check(t, ask(t, addr, test.host, test.path, test.body), test.want)
	}
}

func TestTenantErrors(t *testing.T) {
	a, b := one("a", plain(1), "a.example"), one("b", plain(2), "b.example")
	tenants := func(change func(a, b *Tenant)) []Tenant {
		a, b := a, b
		a.Routes, b.Routes = append([]Route(nil), a.Routes...), append([]Route(nil), b.Routes...)
		change(&a, &b)
		return []Tenant{a, b}
	}
	own := []Route{{Handler: plain(0)}, {Host: "own.example", Handler: plain(0)}, {Name: "x:y", Path: "/x", Handler: plain(0)}}
	for _, test := range []struct {
		tenants []Tenant
		want    string
	}{
		{tenants(func(a, b *Tenant) { a.Name = "" }),
			`tenant 1: "" is not a name; one has 1 to 64 letters, digits, dots, hyphens and underscores`},
		{tenants(func(a, b *Tenant) { b.Name = "a:b" }),
			`tenant 2: "a:b" is not a name; one has 1 to 64 letters, digits, dots, hyphens and underscores`},
		{tenants(func(a, b *Tenant) { b.Name = strings.Repeat("b", 65) }), `tenant 2: "` + strings.Repeat("b", 65) +
			`" is not a name; one has 1 to 64 letters, digits, dots, hyphens and underscores`},
		{tenants(func(a, b *Tenant) { b.Name = "a" }), `tenant 2: tenant 1 has the name "a" already; give each its own`},
		{tenants(func(a, b *Tenant) { b.Name = "x" }), `route 3: the name "x:y" is for routes of tenant "x"; give it another`},
		{tenants(func(a, b *Tenant) { b.Hosts = nil }), `tenant "b": no hosts; give at least one`},
		{tenants(func(a, b *Tenant) { b.Hosts = []string{"c.example", "A.EXAMPLE"} }),
			`tenant "b": host "a.example" is that of tenant "a"; it can have one owner only`},
		{tenants(func(a, b *Tenant) { b.Hosts = []string{"*.b.example", "*.B.example"} }), `tenant "b": host "*.b.example" is there twice`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{"Own.example"} }),
			`tenant "a": host "own.example" is that of a route without a tenant; it can have one owner only`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{""} }),
			`tenant "a": host "" is no host name; write one like "example.com", or "*.example.com" for all below it`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{"*."} }),
			`tenant "a": host "*." is no host name; write one like "example.com", or "*.example.com" for all below it`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{"a.*.example"} }),
			`tenant "a": host "a.*.example" is no host name; write one like "example.com", or "*.example.com" for all below it`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{strings.Repeat("a", 254)} }), `tenant "a": host "` + strings.Repeat("a", 254) +
			`" is no host name; write one like "example.com", or "*.example.com" for all below it`},
		{tenants(func(a, b *Tenant) { a.Hosts = []string{"a.example:80"} }),
			`tenant "a": host "a.example:80" holds more than a host name; write it without scheme, port and path`},
		{tenants(func(a, b *Tenant) { a.Routes = nil }), `tenant "a": no routes; give at least one, with a handler`},
		{tenants(func(a, b *Tenant) { a.Routes[0].Host = "a.example" }),
			`tenant "a": route 1: host "a.example" is the route's alone; give hosts to the tenant`},
		{tenants(func(a, b *Tenant) { a.Routes[0].Handler = Module{Name: "m"} }),
			`tenant "a": route 1: there is no handler; give its module Wasm or Open`},
		{tenants(func(a, b *Tenant) { a.Routes = append(a.Routes, a.Routes[0]) }),
			`tenant "a": route 2: host "" and path "/" have a route already; give each its own`},
		{tenants(func(a, b *Tenant) { a.Routes[0].Isolation = "none" }),
			`tenant "a": route 1: isolation "none" is not known; there are "request", "connection" and "shared"`},
	} {
		_, err := New(t.Context(), Config{Core: CoreNative, Routes: own, Tenants: test.tenants, Log: quiet})
		if err == nil || err.Error() != test.want {
			t.Errorf("\n got %v\nwant %s", err, test.want)
		}
	}
}

// What a route or a tenant may take is out of range, or more than those around it may.
func TestLimitErrorsOfTenants(t *testing.T) {
	for _, test := range []struct {
		server, tenant, route Limits
		want                  string
	}{
		{server: Limits{Memory: 1}, want: "limit memory is 1; it can be 65536 to 4294901760"},
		{server: Limits{CPU: 1}, want: "limit cpu is 1ns; it can be 1ms to 876000h0m0s"},
		{server: Limits{Concurrent: -1}, want: "limit concurrent is -1; it can be 1 to 1048576"},
		{server: Limits{Response: -1}, want: "limit response is -1; it can be 0 to 9223372036854775807"},
		{tenant: Limits{Queue: 1 << 21}, want: `limit queue of tenant "a" is 2097152; it can be 1 to 1048576`},
		{tenant: Limits{EventRate: -1}, want: `limit event_rate of tenant "a" is -1; it can be 0 to 1073741824`},
		{tenant: Limits{Log: -1}, want: `limit log of tenant "a" is -1; it can be 1 to 1073741824`},
		{tenant: Limits{HeadTime: 1}, want: `limit head_time of tenant "a" cannot be set: the route is known only when the head is complete`},
		{tenant: Limits{Head: 33000}, want: `limit head of tenant "a" is 33000 and the server's is 32768; it can be no larger, ` +
			"because the head is read before its route is known"},
		{tenant: Limits{Fields: 5}, route: Limits{Fields: 6}, want: `limit fields of route "a:/" is 6 and the tenant's is 5; it can be no larger, ` +
			"because the head is read before its route is known"},
		{route: Limits{Memory: 65 << 20}, want: `limit memory of route "a:/" is 68157440 and the tenant's is 67108864; it can be no larger`},
		{route: Limits{CPU: time.Second}, want: `limit cpu of route "a:/" is 1s and the tenant's is 50ms; it can be no larger`},
		{route: Limits{HandlerWall: time.Minute}, want: `limit handler_wall of route "a:/" is 1m0s and the tenant's is 30s; it can be no larger`},
		{tenant: Limits{Response: 5}, route: Limits{Response: 6}, want: `limit response of route "a:/" is 6 and the tenant's is 5; it can be no larger`},
		// These can be.
		{tenant: Limits{Memory: 128 << 20, CPU: time.Second, Concurrent: 1000, Response: 5, HandlerWall: time.Minute},
			route: Limits{Memory: 100 << 20, CPU: time.Second, Concurrent: 10, Queue: 1}},
		{route: Limits{Response: 5, EventRate: 10}},
	} {
		tenant := one("a", plain(1), "a.example")
		tenant.Limits, tenant.Routes[0].Limits = test.tenant, test.route
		e, err := New(t.Context(), Config{Core: CoreNative, Limits: test.server, Tenants: []Tenant{tenant}, Log: quiet})
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("\n got %s\nwant %s", got, test.want)
		}
		if err == nil {
			if err := e.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a route without a tenant may take is no more than the server's, but its other limits may be wider.
func TestLimitErrorsOfRoutes(t *testing.T) {
	for _, test := range []struct {
		route Route
		want  string
	}{
		{Route{Limits: Limits{CPU: time.Second}}, `limit cpu of route "/" is 1s and the server's is 50ms; it can be no larger`},
		{Route{PoolSize: -1}, `limit pool_size of route "/" is -1; it can be 1 to 65536`},
		{Route{MaxReuse: -1}, `limit max_reuse of route "/" is -1; it can be 0 to 1073741824`},
		{Route{IdleTime: 1}, `limit idle_time of route "/" is 1ns; it can be 100ms to 876000h0m0s`},
		{Route{Isolation: "x"}, `route 1: isolation "x" is not known; there are "request", "connection" and "shared"`},
	} {
		_, err := New(t.Context(), Config{Routes: []Route{test.route}})
		if err == nil || err.Error() != test.want {
			t.Errorf("\n got %v\nwant %s", err, test.want)
		}
	}
	for key, config := range map[string]Config{
		"limit tenant_idle is 1ns; it can be 100ms to 876000h0m0s": {TenantIdle: 1},
		"limit max_loaded is -1; it can be 1 to 1048576":           {MaxLoaded: -1},
	} {
		config.Routes = []Route{{}}
		if _, err := New(t.Context(), config); err == nil || err.Error() != key {
			t.Errorf("\n got %v\nwant %s", err, key)
		}
	}
}

// thousands are tenants nobody has asked for anything yet.
func thousands(count int) []Tenant {
	tenants := make([]Tenant, count)
	for i := range tenants {
		name := fmt.Sprintf("tenant-%d", i)
		module := Module{Name: name + ".wasm", Open: func() ([]byte, error) { return plain(i).Wasm, nil }}
		tenants[i] = one(name, module, name+".example", "*."+name+".example")
	}
	return tenants
}

// Ten thousand tenants take little time and little memory until they are asked for something.
func TestThousandsOfTenants(t *testing.T) {
	const count, most = 10_000, 4 << 10
	tenants := thousands(count)
	start(t, Config{Routes: []Route{{Handler: plain(0)}}}) // what is made once in a process
	before := heap()
	began := time.Now()
	e, addr := start(t, Config{Routes: []Route{{Handler: plain(0)}}, Tenants: tenants})
	took := time.Since(began)
	alone := heap()
	began = time.Now()
	if err := e.Reload(t.Context(), Config{Core: CoreNative, Routes: []Route{{Handler: plain(0)}}}); err != nil {
		t.Fatal(err)
	}
	each := (alone - heap()) / count
	t.Logf("%d tenants: %v to start, %v to reload, %d bytes each; %d bytes for the engine", count, took, time.Since(began), each, alone-before)
	if each > most {
		t.Errorf("a tenant takes %d bytes, want %d at most", each, most)
	}
	if err := e.Reload(t.Context(), Config{Core: CoreNative, Routes: []Route{{Handler: plain(0)}}, Tenants: tenants}); err != nil {
		t.Fatal(err)
	}
	check(t, ask(t, addr, "www.tenant-7777.example", "/", ""), "200 00007777")
	if stats := e.Stats(); stats.Tenants != count || stats.Loaded != 1 {
		t.Errorf("%+v", stats)
	}
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
