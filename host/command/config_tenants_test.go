package command

import (
	"bytes"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

func TestConfigTenants(t *testing.T) {
	writeConfig(t, `
[server]
tenant_idle = "1m"
max_loaded = 7

[limits]
memory = "32MiB"
cpu = "100ms"
concurrent = 1
queue = 2
response = "1GiB"
event_rate = 3
log = 4

[[route]]
handler = "a.wasm"
isolation = "shared"
pool_size = 1
max_reuse = 2
idle_time = "3s"
limits = { memory = "1 MiB", cpu = "5ms", concurrent = 1, queue = 1, response = 6, event_rate = 7, log = 8 }

[[tenant]]
name = "One.2-3_4"
hosts = ["One.example", "*.one.example"]
limits = { cpu = "1s", buffered = 5 }

[[tenant.route]]
path = "/a"
methods = ["GET"]
handler = "a.wasm"
[tenant.route.limits]
cpu = "10ms"

[[tenant.route]]
name = "rest"
handler = "b.wasm"
isolation = "connection"

[[tenant]]
Name = "two"
hosts = ["two.example"]
route = [{ handler = "a.wasm", limits.fields = 2 }]
`)
	var got settings
	if err := got.useFile("sluice.toml"); err != nil {
		t.Fatal(err)
	}
	if files := []string{"sluice.toml", "a.wasm", "a.wasm", "b.wasm", "a.wasm"}; !reflect.DeepEqual(got.files, files) {
		t.Errorf("files: %v, want %v", got.files, files)
	}
	for _, tenant := range got.engine.Tenants {
		for i := range tenant.Routes {
			handler := &tenant.Routes[i].Handler
			wasm, err := handler.Open()
			if want := map[string]string{"a.wasm": "A", "b.wasm": "B"}[handler.Name]; err != nil || string(wasm) != want {
				t.Errorf("%s: %q, %v, want %q", handler.Name, wasm, err, want)
			}
			handler.Open = nil // cannot be compared
		}
	}
	a, b := engine.Module{Name: "a.wasm"}, engine.Module{Name: "b.wasm"}
	want := engine.Config{
		TenantIdle: time.Minute,
		MaxLoaded:  7,
		Limits: engine.Limits{Memory: 32 << 20, CPU: 100 * time.Millisecond, Concurrent: 1, Queue: 2, Response: 1 << 30,
			EventRate: 3, Log: 4},
		Routes: []engine.Route{{
			Path: "/", Handler: engine.Module{Name: "a.wasm", Wasm: []byte("A")},
			Isolation: engine.ShareInstance, PoolSize: 1, MaxReuse: 2, IdleTime: 3 * time.Second,
			Limits: engine.Limits{Memory: 1 << 20, CPU: 5 * time.Millisecond, Concurrent: 1, Queue: 1, Response: 6, EventRate: 7, Log: 8},
		}},
		Tenants: []engine.Tenant{
			{Name: "One.2-3_4", Hosts: []string{"One.example", "*.one.example"}, Limits: engine.Limits{CPU: time.Second, Buffered: 5},
				Routes: []engine.Route{
					{Path: "/a", Methods: []string{"GET"}, Handler: a, Limits: engine.Limits{CPU: 10 * time.Millisecond}},
					{Path: "/", Name: "rest", Handler: b, Isolation: engine.IsolateConnections},
				}},
			{Name: "two", Hosts: []string{"two.example"}, Routes: []engine.Route{{Path: "/", Handler: a, Limits: engine.Limits{Fields: 2}}}},
		},
	}
	if !reflect.DeepEqual(got.engine, want) {
		t.Errorf("\n got %+v\nwant %+v", got.engine, want)
	}
	if err := os.Remove("b.wasm"); err != nil {
		t.Fatal(err)
	}
	if err := new(settings).useFile("sluice.toml"); err == nil {
		t.Error("a handler that is not there was taken")
	}
}

func TestConfigTenantErrors(t *testing.T) {
	const (
		one      = "[[tenant]]\nname = 'one'\nhosts = ['one.example', '*.one.example']\n"
		two      = "[[tenant]]\nname = 'two'\nhosts = ['two.example']\n"
		route    = "[[tenant.route]]\nhandler = 'a.wasm'\n"
		ownRoute = "[[route]]\nhandler = 'a.wasm'\n"
	)
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", one + "host = 'x'\n", "4:1: unknown key \"tenant.host\"; known here: name, hosts, limits, route"},
		{"unknown key of a route", one + route + "host = 'x'\n", "6:1: unknown key \"tenant.route.host\"; known here: name, path, methods, handler, args, env, isolation, pool_size, max_reuse, idle_time, limits"},
		{"unknown limit of a tenant", one + "[tenant.limits]\nfuel = 1\n", "5:1: unknown key \"tenant.limits.fuel\"; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"time of a tenant's heads", one + "limits.head_time = '1s'\n", "4:1: unknown key \"tenant.limits.head_time\"; a head is read before its route is known, so its time is the same for all routes; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"table for tenants", "[tenant]\nname = 'one'\n", "1:2: tenant must be tables headed [[tenant]]"},
		{"table for routes", one + "[tenant.route]\nhandler = 'a.wasm'\n", "4:2: tenant.route must be tables headed [[tenant.route]]"},
		{"routes without a tenant", route, "1:3: tenant must be tables headed [[tenant]]"},
		{"tenants in several cases", one + route + "[[TENANT]]\nname = 'b'\n", "6:3: all tenants must be headed in the same case; write [[tenant]]"},
		{"routes in several cases", one + route + "[[tenant.ROUTE]]\nhandler = 'b.wasm'\n", "6:3: all routes must be headed in the same case; write [[tenant.route]]"},
		{"number for hosts", one + route + "[[tenant]]\nhosts = 5\n", "7:9: tenant.hosts must be an array of strings"},

		{"no name", one + route + "[[tenant]]\nhosts = ['b.example']\n", "6:3: the tenant has no name; add name = \"somebody\""},
		{"name", "[[tenant]]\nname = 'a b'\n", "2:8: a tenant's name has 1 to 64 letters, digits, dots, hyphens and underscores"},
		{"duplicate name", one + route + two + route + "[[tenant]]\nhosts = ['c.example']\nname = 'one'\n" + route,
			"13:8: the tenant on line 1 has the name \"one\" already; give one of them another"},
		{"no hosts", "[[tenant]]\nname = 'one'\n", "1:3: the tenant has no hosts; add hosts = [\"example.com\"]"},
		{"no routes", one, "1:3: the tenant has no routes; add a [[tenant.route]] with the handler that answers"},
		{"host with port", "[[tenant]]\nname = 'one'\nhosts = ['a.example', 'b.example:80']\n" + route,
			"3:23: \"b.example:80\" is no host; write a name alone, such as \"example.com\", or \"*.example.com\" for all below it"},
		{"pattern in a host", "[[tenant]]\nname = 'one'\nhosts = ['a.*.example']\n" + route,
			"3:10: \"a.*.example\" is no host; write a name alone, such as \"example.com\", or \"*.example.com\" for all below it"},
		{"host of another", one + route + two + "name2 = 1\n", "9:1: unknown key \"tenant.name2\"; known here: name, hosts, limits, route"},
		{"host of two tenants", one + route + "[[tenant]]\nname = 'two'\nhosts = [\n  'two.example',\n  '*.ONE.example'\n]\n" + route,
			"10:3: host *.one.example has an owner already, on line 3; a host can have one owner only"},
		{"host twice", "[[tenant]]\nname = 'one'\nhosts = ['a.example', 'A.example']\n" + route,
			"3:23: host a.example has an owner already, on line 3; a host can have one owner only"},
		{"host of a route", ownRoute + "host = 'One.example'\n" + one + route,
			"6:10: host one.example has an owner already, on line 3; a host can have one owner only"},

		{"no handler", one + "[[tenant.route]]\npath = '/'\n", "4:3: the route has no handler; add handler = \"file.wasm\""},
		{"handler not there", one + route + "path = '/a'\n" + "[[tenant.route]]\nhandler = 'c.wasm'\n",
			"8:11: cannot read c.wasm: no such file or directory; paths are relative to the configuration file's folder"},
		{"handler is a folder", one + "[[tenant.route]]\nhandler = '.'\n",
			"5:11: cannot read .: is no file; paths are relative to the configuration file's folder"},
		{"path of the second tenant's route", one + route + two + route + "path = 'x'\n", "11:8: path must begin with \"/\"; write \"/x\""},
		{"duplicate route", one + route + route, "6:3: the route on line 4 already answers /; give one of them another host or path"},
		{"duplicate name of a route", one + route + "name = '/b'\n" + route + "path = '/b'\n", "7:3: the route on line 4 has the name \"/b\" already; give one of them another"},
		{"duplicate name of an own route", ownRoute + "name = 'x'\n" + ownRoute + "name = 'x'\npath = '/b'\n",
			"6:8: the route on line 1 has the name \"x\" already; give one of them another"},

		{"isolation", one + route + "isolation = 'none'\n", "6:13: tenant.route.isolation must be request, connection or shared"},
		{"size of a pool", ownRoute + "pool_size = 0\n", "3:13: route.pool_size must be a whole number, 1 or more"},
		{"idle time", ownRoute + "idle_time = 5\n", "3:13: route.idle_time must be a positive duration with its unit, such as 500ms, 10s or 2m"},
		{"limit of a tenant", one + "limits.memory = 'much'\n" + route, "4:17: tenant.limits.memory must be a number of bytes, 1 or more, such as 65536 or \"64KiB\" (units: KiB, MiB, GiB)"},
		{"limit of a tenant's route", one + route + two + route + "limits = { cpu = '5' }\n",
			"11:18: tenant.route.limits.cpu must be a positive duration with its unit, such as 500ms, 10s or 2m"},
		{"rate", "[limits]\nevent_rate = 0\n" + ownRoute, "2:14: limits.event_rate must be a whole number, 1 or more"},
		{"loaded", "[server]\nmax_loaded = 0\n" + ownRoute, "2:14: server.max_loaded must be a whole number, 1 or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, test.text)
			err := new(settings).useFile("sluice.toml")
			if want := "sluice.toml:" + test.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

// What the engine says about a limit of a tenant or its routes is said with the limit's place.
func TestLimitErrorsOfTenants(t *testing.T) {
	const (
		one   = "[[tenant]]\nname = 'one'\nhosts = ['one.example']\n"
		two   = "[[tenant]]\nname = 'two'\nhosts = ['two.example']\n"
		route = "[[tenant.route]]\nhandler = 'a.wasm'\n"
	)
	for _, test := range []struct{ name, text, want string }{
		{"tenant", one + route + two + "limits.memory = 1\n" + route, "9:17: limit memory of tenant \"two\" is 1; it can be 65536 to 4294901760"},
		{"tenant's route", one + route + two + "[tenant.limits]\ncpu = '40ms'\n" + route + "path = '/a'\n" + route + "limits.cpu = '1m'\n",
			`16:14: limit cpu of route "two:/" is 1m0s and the tenant's is 40ms; it can be no larger`},
		{"inherited", "[limits]\ncpu = '20ms'\n" + one + "[[tenant.route]]\nhandler = 'a.wasm'\nlimits.cpu = '30ms'\n",
			`8:14: limit cpu of route "one:/" is 30ms and the tenant's is 20ms; it can be no larger`},
		{"own route", "[[route]]\nhandler = 'a.wasm'\nlimits.memory = '1GiB'\n",
			`3:17: limit memory of route "/" is 1073741824 and the server's is 67108864; it can be no larger`},
		{"key of a route", one + route + "pool_size = 100_000\n", `6:13: limit pool_size of route "one:/" is 100000; it can be 1 to 65536`},
		{"key of the server", "[server]\ntenant_idle = '1ms'\n" + one + route, "2:15: limit tenant_idle is 1ms; it can be 100ms to 876000h0m0s"},
		{"environment", one + route + two + route + "[tenant.route.env]\n'A=B' = 'c'\n",
			`12:9: route "two:/": the name of environment variable "A=B" holds an equals sign`},
		{"argument", one + "[[tenant.route]]\nhandler = 'a.wasm'\nargs = ['', \"\\u0000\"]\n",
			`6:13: route "one:/": argument 2 holds a byte of value 0`},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, test.text)
			var stdout, stderr bytes.Buffer
			status := Run([]string{"--config", "sluice.toml", "--addr", "127.0.0.1:0"}, nil, &stdout, &stderr)
			if want := "sluice: sluice.toml:" + test.want + "\n"; status != 1 || stderr.String() != want {
				t.Errorf("\n got %d %s\nwant 1 %s", status, stderr.String(), want)
			}
		})
	}
}
