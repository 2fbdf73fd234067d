package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// abiPrefix is what the names of all versions of the interface begin with.
const abiPrefix = "http_events_v"

// signatures are the types of functions by name.
type signatures map[string]string

// maxTableEntries bounds each table, maxTables their number: tables lie in the Go heap, 8 bytes an entry, outside of the
// limit on memory. A large Go program has some ten thousand functions, each with an entry.
const (
	maxTableEntries = 1 << 17
	maxTables       = 8
)

// checker knows what a module must be to be a handler.
type checker struct {
	// importable are the functions that a handler may import, by module.
	importable map[string]signatures
	// maxMemory is how large a memory may be, in bytes.
	maxMemory uint64
}

// check says what keeps a module from being a handler, and nil when nothing does.
func (c *checker) check(m *wasm.Module) error {
	switch problems := c.problems(m); len(problems) {
	case 0:
		return nil
	case 1:
		return errors.New(problems[0])
	default:
		return fmt.Errorf("%s (and %d more problems)", problems[0], len(problems)-1)
	}
}

// problems lists what keeps a module from being a handler, the most telling first. Each is one line and says what is
// wrong and what would be right.
func (c *checker) problems(m *wasm.Module) []string {
	var found []string
	add := func(format string, args ...any) { found = append(found, oneLine(fmt.Sprintf(format, args...))) }

	if m.ExportedFunc("_start") != nil && m.ExportedFunc("_initialize") == nil {
		add("it is a command, which exports _start and ends; build a reactor, which exports _initialize and stays " +
			"(clang -mexec-model=reactor, go build -buildmode=c-shared, rustc --crate-type=cdylib)")
	}
	for _, i := range m.Imports {
		if problem := c.importProblem(m, i); problem != "" {
			add("%s", problem)
		}
	}
	for _, want := range abi.HandlerExports {
		e := m.ExportedFunc(want.Name)
		switch {
		case e == nil:
			add("it exports no function %s; a handler exports %[1]s %[2]s", want.Name, want.Signature())
		case m.Signature(*e) != want.Signature():
			add("it exports %s %s; expected %[1]s %[3]s", want.Name, m.Signature(*e), want.Signature())
		}
	}
	if e := m.ExportedFunc("_initialize"); e != nil && m.Signature(*e) != "() -> ()" {
		add("it exports _initialize %s; expected _initialize () -> ()", m.Signature(*e))
	}
	c.memoryProblems(m, add)
	tableProblems(m, add)
	return found
}

func (c *checker) memoryProblems(m *wasm.Module, add func(format string, args ...any)) {
	switch memory := m.ExportedMemory(); {
	case memory == nil:
		add("it exports no memory under the name memory; a handler does")
	case len(m.Memories)-m.ImportedMemories > 1:
		add("it has %d memories; a handler has one", len(m.Memories))
	case uint64(memory.Min)*wasmruntime.PageSize > c.maxMemory:
		add("its memory begins with %d bytes, more than the limit of %d",
			uint64(memory.Min)*wasmruntime.PageSize, c.maxMemory)
	}
}

func tableProblems(m *wasm.Module, add func(format string, args ...any)) {
	if len(m.Tables) > maxTables {
		add("it has %d tables, more than the limit of %d", len(m.Tables), maxTables)
	}
	for _, t := range m.Tables {
		if t.Min > maxTableEntries {
			add("it has a table of %d entries, more than the limit of %d", t.Min, maxTableEntries)
		}
	}
}

// importProblem says what is wrong with an import, or nothing.
func (c *checker) importProblem(m *wasm.Module, i wasm.Import) string {
	full := i.Module + "." + i.Name
	functions, known := c.importable[i.Module]
	version, versioned := strings.CutPrefix(i.Module, abiPrefix)
	switch {
	case !known && versioned && isNumber(version):
		return fmt.Sprintf("it imports %s: it was built for %s, and this Sluice speaks %s",
			full, i.Module, abi.HandlerImportModule)
	case i.Kind == wasm.KindFunc && functions[i.Name] == "":
		return fmt.Sprintf("it imports %s; %s", full, instead(i, known))
	case i.Kind != wasm.KindFunc:
		return fmt.Sprintf("it imports %s as a %s; a handler may import functions only%s", full, i.Kind, ownMemory(i))
	case functions[i.Name] != m.TypeText(i.Type):
		return fmt.Sprintf("it imports %s as %s; expected %s", full, m.TypeText(i.Type), functions[i.Name])
	}
	return ""
}

// instead says what is there in place of a function that is not, or what to build without it. Known says that the module it
// is imported from has other functions.
func instead(i wasm.Import, known bool) string {
	for _, f := range foreign {
		if fits(f.module, i.Module) && fits(f.name, i.Name) {
			return f.advice
		}
	}
	if known {
		return i.Module + " has no function of that name"
	}
	return fmt.Sprintf("a handler may import functions of %s and %s only", abi.HandlerImportModule, wasi.ModuleName)
}

// foreign are functions that toolchains import and that are not here, the more special first. A star at the end stands for
// anything.
var foreign = []struct{ module, name, advice string }{
	{wasi.ModuleName, "sock_*", "that is an extension of WASI preview 1, and a handler has no sockets; " +
		"build without the library that opens them"},
	{"wasi_unstable", "*", "that is WASI before preview 1; build it with a newer toolchain, for wasm32-wasip1"},
	{"wasi:*", "*", "that is WASI preview 2 or later; build it for preview 1 (wasm32-wasip1)"},
	{"wasi", "thread-spawn", "a handler has one thread; build it without threads, for wasm32-wasip1"},
	{"wasi_ephemeral_*", "*", "that is no part of WASI preview 1; build without the library that needs it"},
	{"gojs", "*", "it was built for a browser; build it with GOOS=wasip1"},
	{"go", "*", "it was built for a browser; build it with GOOS=wasip1"},
	{"wbg", "*", "that is JavaScript's (wasm-bindgen), and there is none; build without the crate that needs it"},
	{"__wbindgen_*", "*", "that is JavaScript's (wasm-bindgen), and there is none; build without the crate that needs it"},
	{"env", "emscripten_*", emscripten}, {"env", "_emscripten_*", emscripten}, {"env", "__syscall_*", emscripten},
	{"env", "invoke_*", emscripten}, {"env", "__cxa_*", emscripten}, {"a", "*", emscripten},
	{"env", "seed", "that is AssemblyScript's Math.random; use random_get of " + wasi.ModuleName},
	{"env", "trace", "that is AssemblyScript's; use fd_write of " + wasi.ModuleName},
	{"env", "console.*", "that is AssemblyScript's; use fd_write of " + wasi.ModuleName},
	{"env", "*", "there is only abort in env; linkers import from there what no library defines, so link what defines it"},
}

const emscripten = "that is Emscripten's JavaScript, and there is none; build it with wasi-sdk, or with -sSTANDALONE_WASM " +
	"and without what needs it"

func fits(pattern, name string) bool {
	if prefix, star := strings.CutSuffix(pattern, "*"); star {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// ownMemory adds to the refusal of an import what to do about a memory.
func ownMemory(i wasm.Import) string {
	if i.Kind != wasm.KindMemory {
		return ""
	}
	return "; it has a memory of its own: link without --import-memory"
}

// maxLine bounds a line that tells of a module, in bytes: names in it are up to the module's author.
const maxLine = 500

// oneLine makes a text that quotes a module fit for a line of a terminal.
func oneLine(text string) string {
	if len(text) > maxLine {
		text = text[:maxLine] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
