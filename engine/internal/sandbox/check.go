package sandbox

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// abiPrefix is what the names of all versions of the interface begin with.
const abiPrefix = "http_events_v"

// signatures are the types of functions by name.
type signatures map[string]string

// checker knows what a module must be to be a handler.
type checker struct {
	// importable are the functions that a handler may import, by module.
	importable map[string]signatures
	// maxMemory is how large a memory may be, in bytes.
	maxMemory uint64
}

// problems lists what keeps a module from being a handler, the most telling first. Each is one line and says what is
// wrong and what would be right.
func (c *checker) problems(m *binaryModule) []string {
	var found []string
	add := func(format string, args ...any) { found = append(found, oneLine(fmt.Sprintf(format, args...))) }

	if m.exportedFunc("_start") != nil && m.exportedFunc("_initialize") == nil {
		add("it is a command, which exports _start and ends; build a reactor, which exports _initialize and stays " +
			"(clang -mexec-model=reactor, go build -buildmode=c-shared, rustc --crate-type=cdylib)")
	}
	for _, i := range m.imports {
		if problem := c.importProblem(i); problem != "" {
			add("%s", problem)
		}
	}
	for _, want := range abi.HandlerExports {
		e := m.exportedFunc(want.Name)
		switch {
		case e == nil:
			add("it exports no function %s; a handler exports %[1]s %[2]s", want.Name, want.Signature())
		case m.signature(*e) != want.Signature():
			add("it exports %s %s; expected %[1]s %[3]s", want.Name, m.signature(*e), want.Signature())
		}
	}
	if e := m.exportedFunc("_initialize"); e != nil && m.signature(*e) != "() -> ()" {
		add("it exports _initialize %s; expected _initialize () -> ()", m.signature(*e))
	}
	c.memoryProblems(m, add)
	tableProblems(m, add)
	return found
}

func (c *checker) memoryProblems(m *binaryModule, add func(format string, args ...any)) {
	switch memory := m.memory(); {
	case memory == nil:
		add("it exports no memory under the name memory; a handler does")
	case len(m.memories) > 1:
		add("it has %d memories; a handler has one", len(m.memories))
	case uint64(memory.min)*wasmruntime.PageSize > c.maxMemory:
		add("its memory begins with %d bytes, more than the limit of %d",
			uint64(memory.min)*wasmruntime.PageSize, c.maxMemory)
	}
}

func tableProblems(m *binaryModule, add func(format string, args ...any)) {
	if len(m.tables) > maxTables {
		add("it has %d tables, more than the limit of %d", len(m.tables), maxTables)
	}
	for _, t := range m.tables {
		if t.min > maxTableEntries {
			add("it has a table of %d entries, more than the limit of %d", t.min, maxTableEntries)
		}
	}
}

// importProblem says what is wrong with an import, or nothing.
func (c *checker) importProblem(i imported) string {
	full := i.module + "." + i.name
	functions, known := c.importable[i.module]
	version, versioned := strings.CutPrefix(i.module, abiPrefix)
	switch {
	case !known && versioned && isNumber(version):
		return fmt.Sprintf("it imports %s: it was built for %s, and this Sluice speaks %s",
			full, i.module, abi.HandlerImportModule)
	case !known:
		return fmt.Sprintf("it imports %s; a handler may import functions of %s and %s only",
			full, abi.HandlerImportModule, wasi_snapshot_preview1.ModuleName)
	case i.kind != kindFunc:
		return fmt.Sprintf("it imports %s as a %s; a handler may import functions only", full, i.kind)
	case functions[i.name] == "":
		return fmt.Sprintf("it imports %s; %s has no function of that name", full, i.module)
	case functions[i.name] != i.signature:
		return fmt.Sprintf("it imports %s as %s; expected %s", full, i.signature, functions[i.name])
	}
	return ""
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

// exportedFunc finds a function by the name under which it is exported.
func (m *binaryModule) exportedFunc(name string) *exported {
	for i := range m.exports {
		if e := &m.exports[i]; e.name == name && e.kind == kindFunc {
			return e
		}
	}
	return nil
}

// memory finds the memory that is exported as one.
func (m *binaryModule) memory() *limits {
	for _, e := range m.exports {
		if e.name == "memory" && e.kind == kindMemory && uint64(e.index) < uint64(len(m.memories)) {
			return &m.memories[e.index]
		}
	}
	return nil
}

// importsFunc reports whether a function is imported.
func (m *binaryModule) importsFunc(module, name string) bool {
	for _, i := range m.imports {
		if i.module == module && i.name == name {
			return true
		}
	}
	return false
}
