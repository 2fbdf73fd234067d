package sandbox

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluicehttp/sluice/abi"
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
	case !known:
		return fmt.Sprintf("it imports %s; a handler may import functions of %s and %s only",
			full, abi.HandlerImportModule, wasi_snapshot_preview1.ModuleName)
	case i.Kind != wasm.KindFunc:
		return fmt.Sprintf("it imports %s as a %s; a handler may import functions only", full, i.Kind)
	case functions[i.Name] == "":
		return fmt.Sprintf("it imports %s; %s has no function of that name", full, i.Module)
	case functions[i.Name] != m.TypeText(i.Type):
		return fmt.Sprintf("it imports %s as %s; expected %s", full, m.TypeText(i.Type), functions[i.Name])
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
