package command

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"

	"github.com/sluicehttp/sluice/engine"
)

// writeConfig makes a folder with sluice.toml and a handler to name in it, and goes there.
func writeConfig(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{"sluice.toml": text, "a.wasm": "A", "b.wasm": "B"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfig(t *testing.T) {
	writeConfig(t, `
server = { addr = ":80", core = "native", cache_dir = "cache", grace = "1m30s", max_connections = 1_000 }

[limits]
start_line = 0x1000
head = "16KiB"
fields = 64
chunk_line = "1 KiB"
trailers = "100"
trailer_fields = 8
buffered = "1GiB"
log = "1MiB"
head_time = "1s"
body_idle = "2s"
keep_alive_idle = "3s"
write_idle = "4s"
handler_wall = "5s"

[[route]]
name = "one"
host = "Example.com"
path = "/a"
methods = ["GET", "M-SEARCH"]
handler = "a.wasm"

[route.limits]
start_line = 1024
head = "8KiB"
fields = 16
chunk_line = "2KiB"
trailers = "1KiB"
trailer_fields = 1
buffered = "4 MiB"
log = 100
body_idle = "1m"
keep_alive_idle = "200ms"
write_idle = "3m"
handler_wall = "1h"

[[route]]
handler = "./a.wasm"
limits = { Fields = 2 }

[[route]]
handler = "a.wasm"
path = "/b"
args = ["-v", ""]
[Route.Limits]
handler_wall = "1s"
[route.env]
KEY = "value"
key = "other"
"a.b" = ""
`)
	var got settings
	if err := got.useFile("sluice.toml"); err != nil {
		t.Fatal(err)
	}
	a := engine.Module{Name: "a.wasm", Wasm: []byte("A")}
	want := settings{addr: ":80", grace: duration(90 * time.Second), engine: engine.Config{
		Core:           engine.CoreNative,
		CacheDir:       "cache",
		MaxConnections: 1000,
		Limits: engine.Limits{
			StartLine: 4096, Head: 16384, Fields: 64, ChunkLine: 1024, Trailers: 100, TrailerFields: 8, Buffered: 1 << 30, Log: 1 << 20,
			HeadTime: time.Second, BodyIdle: 2 * time.Second, KeepAliveIdle: 3 * time.Second, WriteIdle: 4 * time.Second,
			HandlerWall: 5 * time.Second,
		},
		Routes: []engine.Route{
			{Name: "one", Host: "Example.com", Path: "/a", Methods: []string{"GET", "M-SEARCH"}, Handler: a, Limits: engine.Limits{
				StartLine: 1024, Head: 8192, Fields: 16, ChunkLine: 2048, Trailers: 1024, TrailerFields: 1, Buffered: 4 << 20, Log: 100,
				BodyIdle: time.Minute, KeepAliveIdle: 200 * time.Millisecond, WriteIdle: 3 * time.Minute, HandlerWall: time.Hour,
			}},
			{Path: "/", Handler: a, Limits: engine.Limits{Fields: 2}},
			{Path: "/b", Handler: a, Limits: engine.Limits{HandlerWall: time.Second},
				Args: []string{"-v", ""}, Env: map[string]string{"KEY": "value", "key": "other", "a.b": ""}},
		},
	}}
	got.source, got.files = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Paths in a file are relative to its folder, wherever the program runs.
func TestConfigElsewhere(t *testing.T) {
	writeConfig(t, "server.cache_dir = 'cache'\n[[route]]\nhandler = 'a.wasm'\n")
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	var got settings
	if err := got.useFile(filepath.Join(folder, "sluice.toml")); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "cache"); got.engine.CacheDir != want {
		t.Errorf("cache_dir: got %s, want %s", got.engine.CacheDir, want)
	}
	if got, want := got.engine.Routes[0].Handler.Name, filepath.Join(folder, "a.wasm"); got != want {
		t.Errorf("handler: got %s, want %s", got, want)
	}
}

func TestConfigErrors(t *testing.T) {
	const route = "[[route]]\nhandler = 'a.wasm'\n"
	for _, test := range []struct{ name, text, want string }{
		{"syntax", "[server\n", "1:8: expected ']' to close table name"},
		{"duplicate key", "[server]\naddr = ':1'\naddr = ':2'\n", "3:1: key addr is already defined"},

		{"unknown key", "[server]\n  adr = ':1'\n", "2:3: unknown key \"server.adr\"; known here: addr, core, cache_dir, grace, max_connections, compile_time, compile_memory, tenant_idle, max_loaded"},
		{"unknown table", "[sever]\naddr = ':1'\n", "1:2: unknown key \"sever\"; known here: server, limits, route, tenant, build"},
		{"unknown key of a route", route + "paht = '/'\n", "3:1: unknown key \"route.paht\"; known here: name, host, path, methods, handler, args, env, isolation, pool_size, max_reuse, idle_time, limits"},
		{"unknown table in a table", "[limits.http]\nhead = 1\n", "1:2: unknown key \"limits.http\"; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, head_time, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"unknown key, in line", "limits.fields = 1\nserver = { addr = ':1', ADR = ':1' }\n", "2:25: unknown key \"server.ADR\"; known here: addr, core, cache_dir, grace, max_connections, compile_time, compile_memory, tenant_idle, max_loaded"},
		{"unknown key, in line in line", route + "limits = { buffered.x = 1 }\n", "3:12: unknown key \"route.limits.buffered.x\"; route.limits.buffered is a value"},
		{"odd keys, in line", "server = { addr = ':1', '5'.\"\" = ':1' }\n", "1:25: unknown key \"server.5.\"; known here: addr, core, cache_dir, grace, max_connections, compile_time, compile_memory, tenant_idle, max_loaded"},
		{"unknown limit of a route", route + "[route.limits]\nhaed = 1\n", "4:1: unknown key \"route.limits.haed\"; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"time of a route's head", route + route + "[route.limits]\nfields = 1\n  head_time = '1s'\n", "7:3: unknown key \"route.limits.head_time\"; a head is read before its route is known, so its time is the same for all routes; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"time of a route's head, in line", "route = [{ handler = 'a.wasm', limits = { Head_Time = '1s' } }]\n", "1:43: unknown key \"route.limits.Head_Time\"; a head is read before its route is known, so its time is the same for all routes; known here: start_line, head, fields, chunk_line, trailers, trailer_fields, buffered, body_idle, keep_alive_idle, write_idle, handler_wall, memory, cpu, concurrent, queue, response, event_rate, log"},
		{"key below a value", "limits.head.max = 1\n", "1:1: unknown key \"limits.head.max\"; limits.head is a value"},

		{"limits without a route", "[route.limits]\nhead = 1\n", "1:2: route must be tables headed [[route]]"},
		{"string for a route's limits", route + "limits = 'few'\n", "3:10: route.limits must be a table"},
		{"array of tables for a route's limits", route + "[[route.limits]]\nhead = 1\n", "3:3: route.limits must be a table"},
		{"string for a table", "server = ':1'\n", "1:10: server must be a table"},
		{"array of tables for a table", "[[server]]\naddr = ':1'\n", "1:3: server must be a table"},
		{"table for an array of tables", "[route]\nhandler = 'a.wasm'\n", "1:2: route must be tables headed [[route]]"},
		{"dotted keys for an array of tables", "route.handler = 'a.wasm'\n", "1:1: route must be tables headed [[route]]"},
		{"array in other case", "[Limits]\nHEAD = [1]\n", "2:8: Limits.HEAD must be a number or a string"},
		{"other case", "[SERVER]\nAddr = '8080'\n", "2:8: server.addr must be host:port, such as 127.0.0.1:8080, [::1]:8080, or :8080 for every interface"},
		{"number for a string", "[[route]]\nhandler = 5\n", "2:11: route.handler must be a string"},
		{"number for a directory", "[server]\ncache_dir = 5\n", "2:13: server.cache_dir must be a string"},
		{"string for an array", route + "methods = 'GET'\n", "3:11: route.methods must be an array of strings"},
		{"number in an array", route + "methods = ['GET', 5]\n", "3:19: route.methods must be an array of strings"},
		{"string for arguments", route + "args = '-v'\n", "3:8: route.args must be an array of strings"},
		{"string for the environment", route + "env = 'A=B'\n", "3:7: route.env must be a table of strings"},
		{"array for the environment", route + "env = ['A=B']\n", "3:7: route.env must be a table of strings"},
		{"number for a variable", route + "[route.env]\nKEY = 5\n", "4:7: route.env.KEY must be a string"},
		{"table for a variable", route + "[route.env.KEY]\nA = 'b'\n", "3:2: route.env.KEY must be a string"},
		{"array for a value", "[limits]\nhead = [1]\n", "2:8: limits.head must be a number or a string"},

		{"address", "[server]\naddr = '8080'\n", "2:8: server.addr must be host:port, such as 127.0.0.1:8080, [::1]:8080, or :8080 for every interface"},
		{"core", "[server]\ncore = 'fast'\n", "2:8: server.core must be wasm or native"},
		{"number for a core", "[server]\ncore = 1\n", "2:8: server.core must be wasm or native"},
		{"duration", "[limits]\nhead_time = '10'\n", "2:13: limits.head_time must be a positive duration with its unit, such as 500ms, 10s or 2m"},
		{"number for a duration", "[limits]\nhead_time = 10\n", "2:13: limits.head_time must be a positive duration with its unit, such as 500ms, 10s or 2m"},
		{"negative duration", "[server]\ngrace = '-1s'\n", "2:9: server.grace must be a positive duration with its unit, such as 500ms, 10s or 2m"},
		{"size", "[limits]\nhead = '64KB'\n", "2:8: limits.head must be a number of bytes, 1 or more, such as 65536 or \"64KiB\" (units: KiB, MiB, GiB)"},
		{"size of zero", "[limits]\nhead = 0\n", "2:8: limits.head must be a number of bytes, 1 or more, such as 65536 or \"64KiB\" (units: KiB, MiB, GiB)"},
		{"size beyond 64 bits", "[limits]\nhead = '9999999999GiB'\n", "2:8: limits.head must be a number of bytes, 1 or more, such as 65536 or \"64KiB\" (units: KiB, MiB, GiB)"},
		{"count", "[limits]\nfields = '1KiB'\n", "2:10: limits.fields must be a whole number, 1 or more"},
		{"fraction for a count", "[server]\nmax_connections = 1.5\n", "2:19: server.max_connections must be a whole number, 1 or more"},
		{"size of a route", route + route + "path = '/b'\n[route.limits]\nfields = 1\nhead = '64KB'\n", "8:8: route.limits.head must be a number of bytes, 1 or more, such as 65536 or \"64KiB\" (units: KiB, MiB, GiB)"},
		{"count of a route", route + "limits.fields = 0\n", "3:17: route.limits.fields must be a whole number, 1 or more"},
		{"duration of an inline route", "route = [{ handler = 'a.wasm', path = '/b', limits = { handler_wall = 5 } }]\n", "1:71: route.limits.handler_wall must be a positive duration with its unit, such as 500ms, 10s or 2m"},

		{"empty", "", " there are no routes; add a [[route]] with the handler that answers"},
		{"no routes", "[server]\naddr = ':1'\n", " there are no routes; add a [[route]] with the handler that answers"},
		{"routes in several cases", route + "[[ROUTE]]\nhandler = 'a.wasm'\n", "3:3: all routes must be headed in the same case; write [[route]]"},
		{"no handler", route + "\n[[route]]\npath = '/a'\n", "4:3: the route has no handler; add handler = \"file.wasm\""},
		{"empty handler", "[[route]]\nhandler = ''\n", "2:11: the route has no handler; add handler = \"file.wasm\""},
		{"handler not there", "[[route]]\nhandler = 'c.wasm'\n", "2:11: cannot read c.wasm: no such file or directory; paths are relative to the configuration file's folder"},
		{"handler is a folder", "[[route]]\nhandler = '.'\n", "2:11: cannot read .: is a directory; paths are relative to the configuration file's folder"},
		{"path", route + "path = 'api'\n", "3:8: path must begin with \"/\"; write \"/api\""},
		{"empty path", route + "path = ''\n", "3:8: path must begin with \"/\"; write \"/\""},
		{"pattern for a path", route + "path = '/a/*'\n", "3:8: path must be a plain prefix, without ?, #, * and spaces"},
		{"host with port", route + "host = 'a.example:80'\n", "3:8: host must be a name alone, such as \"example.com\", without scheme, port or path"},
		{"host with scheme", route + "host = 'http://a.example'\n", "3:8: host must be a name alone, such as \"example.com\", without scheme, port or path"},
		{"method", route + "methods = [\n  'GET',\n  'PO ST',\n]\n", "5:3: \"PO ST\" is not a method; write a name such as \"GET\""},
		{"empty method", route + "methods = ['']\n", "3:12: \"\" is not a method; write a name such as \"GET\""},
		{"method of an inline route", "route = [{handler = 'a.wasm', methods = ['GET', 'a/b']}]\n", "1:49: \"a/b\" is not a method; write a name such as \"GET\""},
		{"duplicate route", route + route, "3:3: the route on line 1 already answers /; give one of them another host or path"},
		{"duplicate route but for a slash", route + "path = '/a'\n" + route + "path = '/a/'\n", "4:3: the route on line 1 already answers /a/; give one of them another host or path"},
		{"duplicate route in other words", route + "host = 'A.example'\n[[route]]\nhandler = 'b.wasm'\nhost = 'a.EXAMPLE'\npath = '/'\n",
			"4:3: the route on line 1 already answers a.example/; give one of them another host or path"},
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

// What the engine says about a limit is said with the limit's place.
func TestLimitErrors(t *testing.T) {
	const route = "[[route]]\nhandler = 'a.wasm'\n"
	for _, test := range []struct{ name, text, want string }{
		{"size", route + "[limits]\nhead = '64KiB'\n", "4:8: limit head is 65536; it can be 1 to 61440"},
		{"number", "limits = { fields = 1025 }\n" + route, "1:21: limit fields is 1025; it can be 1 to 1024"},
		{"time", "[Limits]\nBody_Idle = '1ms'\n" + route, "2:13: limit body_idle is 1ms; it can be 100ms to 876000h0m0s"},
		{"route's head", "[limits]\nhead = 4096\n" + route + "[route.limits]\nfields = 1\n" +
			route + "path = '/b'\n[route.limits]\nfields = 2\nhead = '8KiB'\n",
			`12:8: limit head of route "/b" is 8192 and the server's is 4096; it can be no larger, because the head is read before its route is known`},
		{"route's time", "[Limits]\nhandler_wall = '1s'\n[[ROUTE]]\nhandler = 'a.wasm'\nname = 'one'\nlimits.handler_wall = '1ms'\n",
			`6:23: limit handler_wall of route "one" is 1ms; it can be 100ms to 876000h0m0s`},
		{"route's fields in other case", "[[Route]]\nhandler = 'a.wasm'\n[ROUTE.Limits]\nFields = 129\n",
			`4:10: limit fields of route "/" is 129 and the server's is 128; it can be no larger, because the head is read before its route is known`},
		{"inline route's size", "route = [{handler = 'a.wasm', limits = {buffered = '2GiB'}}]\n",
			`1:52: limit buffered of route "/" is 2147483648; it can be 1 to 1073741824`},
		{"connections", "[server]\nmax_connections = 2_000_000\n" + route,
			"2:19: limit max_connections is 2000000; it can be 1 to 1048576"},
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

// FuzzConfig looks for files that the decoder accepts and whose keys the program then does not find.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(exampleConfig))
	f.Add([]byte("server.addr = ':1'\nroute = [{handler = 'a.wasm', methods = ['GET']}]\n"))
	f.Add([]byte("ROUTE = [{ Path = '' }]\n"))
	f.Add([]byte("[[route]]\nhandler = 'a.wasm'\n[route.limits]\nhead = 0\n[[route]]\nlimits = { head_time = '1s' }\n"))
	f.Add([]byte("[[Route]]\nhandler = 'a.wasm'\n[route.limits]\nFields = 1\n[[ROUTE]]\nhandler = 'a.wasm'\npath = '/b'\n"))
	f.Add([]byte("[route]\n\"handler\" = 'a.wasm'\n[limits]\nhead = 0\n"))
	f.Add([]byte("[[tenant]]\nname = 'a'\nhosts = ['a']\nlimits.cpu = '1s'\n[[tenant.route]]\nhandler = 'a.wasm'\nlimits.log = 1\n"))
	f.Add([]byte("tenant = [{name = 'a', hosts = ['*.a'], route = [{handler = 'a.wasm', pool_size = 1, limits = {queue = 1}}]}]\n"))
	path := filepath.Join(f.TempDir(), "sluice.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := new(settings).useFile(path); err != nil && !strings.HasPrefix(err.Error(), path+":") {
			t.Errorf("the file is not named: %v", err)
		}
		var file configFile
		if toml.Unmarshal(text, &file) != nil {
			return
		}
		source := newSource(path, text)
		if file.check(source) != nil {
			return
		}
		for table, values := range file.allValues() {
			for _, value := range values {
				if key := join(table, value.key); value.given != nil && !source.has(key) {
					t.Errorf("%s is not found", key)
				}
			}
		}
	})
}

// What the engine says about arguments and environment is said with their place.
func TestProcessErrors(t *testing.T) {
	const route = "[[route]]\nhandler = 'a.wasm'\n"
	large := strings.Repeat("x", 40<<10)
	for _, test := range []struct{ name, text, want string }{
		{"argument", route + "args = ['a',\n  \"b\\u0000\"]\n", `4:3: route "/": argument 2 holds a byte of value 0`},
		{"no name", route + "[route.env]\n'' = 'x'\n", `4:6: route "/": an environment variable has no name`},
		{"name", route + route + "path = '/b'\n[route.env]\nA = 'x'\n'B=C' = 'x'\n",
			`8:9: route "/b": the name of environment variable "B=C" holds an equals sign`},
		{"name with a byte of value 0", route + "env = { \"A\\u0000\" = 'x' }\n",
			`3:21: route "/": environment variable "A\x00" holds a byte of value 0`},
		{"value", route + "env.Home = \"\\u0000\"\n", `3:12: route "/": environment variable "Home" holds a byte of value 0`},
		{"size", route + "args = ['" + large + "']\n[route.env]\nA = '" + large + "x'\n",
			`4:2: route "/": arguments and environment have 81925 bytes together; they can have 65536`},
		{"size of arguments", route + "args = ['" + large + "', '" + large + "']\n",
			`3:1: route "/": arguments and environment have 81922 bytes together; they can have 65536`},
	} {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, test.text)
			var s settings
			if err := s.useFile("sluice.toml"); err != nil {
				t.Fatal(err)
			}
			_, err := engine.New(t.Context(), s.engine)
			if err == nil {
				t.Fatal("accepted")
			}
			if got, want := s.locate(err).Error(), "sluice.toml:"+test.want; got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

// allValues are the values of routes and tenants, by the keys of their tables.
func (f *configFile) allValues() map[string][]value {
	all := map[string][]value{}
	add := func(routes routeTables) {
		for i := range routes.tables {
			all[routes.at(i)] = routes.tables[i].values(new(engine.Route))
			all[routes.at(i, "limits")] = routes.tables[i].Limits.values(new(engine.Limits))
		}
	}
	add(ownRoutes(f.Routes))
	for i := range f.Tenants {
		all[tenantKey(i, "limits")] = f.Tenants[i].Limits.values(new(engine.Limits))
		add(f.Tenants[i].routeTables(i))
	}
	return all
}

// What `sluice help config` shows is true: every key is there, no other, and the defaults are the engine's and the
// flags'.
func TestExampleConfig(t *testing.T) {
	var example configFile
	if err := toml.NewDecoder(strings.NewReader(exampleConfig)).DisallowUnknownFields().Decode(&example); err != nil {
		t.Fatal(describe("example.toml", []byte(exampleConfig), err))
	}
	var walk func(table reflect.Type, name string)
	walk = func(table reflect.Type, name string) {
		for _, field := range keysOf(table) {
			key := field.Tag.Get("toml")
			whole := join(name, key)
			switch {
			case len(keysOf(field.Type)) > 0, field.Type.Kind() == reflect.Map:
				if !strings.Contains(exampleConfig, "\n["+whole+"]") && !strings.Contains(exampleConfig, "\n[["+whole+"]]") {
					t.Errorf("the table %s is not in the example", whole)
				}
				walk(field.Type, whole)
			case !strings.Contains(exampleConfig, "\n"+key+" = ") && !strings.Contains(exampleConfig, "\n# "+key+" = "):
				t.Errorf("%s is not in the example", whole)
			}
		}
	}
	walk(reflect.TypeOf(example), "")

	var got settings
	source := newSource("example.toml", []byte(exampleConfig))
	if err := got.useValues(&example, source); err != nil {
		t.Fatal(err)
	}
	for table, values := range example.allValues() {
		if err := source.parse(table, values); err != nil {
			t.Error(err)
		}
	}
	var flags serveFlags
	flags.add(pflag.NewFlagSet("", pflag.ContinueOnError))
	want := settings{addr: flags.addr, grace: flags.grace, engine: engine.Config{
		Core:           engine.Core(flags.core),
		MaxConnections: engine.DefaultMaxConnections,
		Compiler:       engine.Compiler{Time: engine.DefaultCompileTime, Memory: engine.DefaultCompileMemory},
		Limits: engine.Limits{
			StartLine: engine.DefaultStartLine, Head: engine.DefaultHead, Fields: engine.DefaultFields,
			ChunkLine: engine.DefaultChunkLine, Trailers: engine.DefaultTrailers, TrailerFields: engine.DefaultTrailerFields,
			Buffered: engine.DefaultBuffered, HeadTime: engine.DefaultHeadTime, BodyIdle: engine.DefaultBodyIdle,
			KeepAliveIdle: engine.DefaultKeepAliveIdle, WriteIdle: engine.DefaultWriteIdle, HandlerWall: engine.DefaultHandlerWall,
			Memory: engine.DefaultMemory, CPU: engine.DefaultCPU, Concurrent: engine.DefaultConcurrent, Queue: engine.DefaultQueue,
			Log: engine.DefaultLog,
		},
		TenantIdle: engine.DefaultTenantIdle, MaxLoaded: engine.DefaultMaxLoaded,
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
