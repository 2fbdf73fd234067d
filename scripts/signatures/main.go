// Command signatures compares what built modules import and export with abi/signatures.golden. Run it from the root of
// the repository:
//
//	go run ./scripts/signatures core    engine/internal/core/core.wasm
//	go run ./scripts/signatures handler build/examples/*/*.wasm
//
// It prints a line about every module, and fails when one of them is not what the golden says or imports something that
// no module of this project may have.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

const golden = "abi/signatures.golden"

func main() {
	if len(os.Args) < 3 || os.Args[1] != "core" && os.Args[1] != "handler" {
		fmt.Fprintln(os.Stderr, "usage: signatures core|handler FILE...")
		os.Exit(2)
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	known, err := parseGolden(string(text))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", golden, err)
		os.Exit(1)
	}
	contract := contractFor(os.Args[1], known)
	failed := false
	for _, path := range os.Args[2:] {
		m, err := load(path)
		if err != nil {
			fmt.Printf("%s: %v\n", path, err)
			failed = true
			continue
		}
		problems := contract.check(m)
		for _, p := range problems {
			fmt.Printf("%s: %s\n", path, p)
		}
		failed = failed || len(problems) > 0
	}
	if failed {
		os.Exit(1)
	}
}

func load(path string) (*module, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parse(wasm)
	if err != nil {
		return nil, err
	}
	fmt.Printf("%s: %d bytes, memory %d KiB, %d imports, %d exports\n",
		path, len(wasm), m.pages*64, len(m.imports), len(m.exports))
	return m, nil
}

// wasi is what the runtime of mainline Go imports, and all that a core may have of WASI: output, time, randomness,
// arguments and environment. Nothing here opens a file or a socket, or reads one.
var wasi = map[string]string{
	"args_get":          "(i32 i32) -> (i32)",
	"args_sizes_get":    "(i32 i32) -> (i32)",
	"clock_time_get":    "(i32 i64 i32) -> (i32)",
	"environ_get":       "(i32 i32) -> (i32)",
	"environ_sizes_get": "(i32 i32) -> (i32)",
	"fd_write":          "(i32 i32 i32 i32) -> (i32)",
	"poll_oneoff":       "(i32 i32 i32 i32) -> (i32)",
	"proc_exit":         "(i32) -> ()",
	"random_get":        "(i32 i32) -> (i32)",
	"sched_yield":       "() -> (i32)",
}

// files are what package os of mainline Go imports, and stdio of C, whether files are used or not. A handler may: there are none
// to open.
var files = map[string]string{
	"fd_seek":             "(i32 i64 i32 i32) -> (i32)",
	"fd_close":            "(i32) -> (i32)",
	"fd_fdstat_get":       "(i32 i32) -> (i32)",
	"fd_fdstat_set_flags": "(i32 i32) -> (i32)",
	"fd_prestat_dir_name": "(i32 i32 i32) -> (i32)",
	"fd_prestat_get":      "(i32 i32) -> (i32)",
	"fd_read":             "(i32 i32 i32 i32) -> (i32)",
	"path_filestat_get":   "(i32 i32 i32 i32 i32) -> (i32)",
	"path_open":           "(i32 i32 i32 i32 i32 i64 i64 i32 i32) -> (i32)",
}

// abort is what AssemblyScript ends with.
var abort = map[string]string{"abort": "(i32 i32 i32 i32) -> ()"}

// start are the exports that the host calls once before all others.
var start = map[string]string{"_initialize": "() -> ()", "_start": "() -> ()"}

// contract is what a module has to keep. Its maps give signatures by name.
type contract struct {
	imports  map[string]map[string]string // allowed, by module
	required map[string]string            // exports
	optional map[string]string            // exports
	exact    bool                         // there may be no other export
}

// contractFor gives the contract of a core or of a handler.
func contractFor(kind string, known map[string]map[string]string) contract {
	if kind == "core" {
		c := contract{
			imports:  map[string]map[string]string{"wasi_snapshot_preview1": wasi},
			required: maps.Clone(known["sluice_core"]),
			optional: map[string]string{
				// TinyGo exports its allocator, wanted or not.
				"malloc": "(i32) -> (i32)", "calloc": "(i32 i32) -> (i32)", "realloc": "(i32 i32) -> (i32)", "free": "(i32) -> ()",
			},
			exact: true,
		}
		maps.Copy(c.optional, start)
		c.required["memory"] = "memory"
		return c
	}
	system := maps.Clone(wasi)
	maps.Copy(system, files)
	c := contract{
		imports: map[string]map[string]string{
			"wasi_snapshot_preview1": system, "http_events_v1": known["http_events_v1"], "env": abort,
		},
		required: maps.Clone(known["handler"]),
		optional: start,
	}
	c.required["memory"] = "memory"
	return c
}

// check lists what is wrong with a module.
func (c contract) check(m *module) []string {
	var problems []string
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	for _, i := range m.imports {
		switch want, ok := c.imports[i.module][i.name]; {
		case !ok:
			complain("imports %s %s, which is forbidden", i.module, i.name)
		case i.signature != want:
			complain("imports %s %s %s, which must be %s", i.module, i.name, i.signature, want)
		}
	}
	missing := maps.Clone(c.required)
	for _, e := range m.exports {
		delete(missing, e.name)
		want, ok := c.required[e.name]
		if !ok {
			want, ok = c.optional[e.name]
		}
		switch {
		case ok && e.signature != want:
			complain("exports %s %s, which must be %s", e.name, e.signature, want)
		case !ok && c.exact:
			complain("exports %s %s, which nobody asked for", e.name, e.signature)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		complain("does not export %s %s", name, missing[name])
	}
	return problems
}

// parseGolden reads lines of module, name and signature.
func parseGolden(text string) (map[string]map[string]string, error) {
	known := map[string]map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("cannot read %q", line)
		}
		if known[parts[0]] == nil {
			known[parts[0]] = map[string]string{}
		}
		known[parts[0]][parts[1]] = parts[2]
	}
	for _, name := range []string{"sluice_core", "http_events_v1", "handler"} {
		if len(known[name]) == 0 {
			return nil, fmt.Errorf("nothing about %s", name)
		}
	}
	return known, nil
}
