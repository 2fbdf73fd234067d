// Package rewrite builds into handler modules what the host needs to stop, measure and reset them: a meter, a counter of
// the stack, memory whose growth can be undone, marks of what was written to it, bulk operations in steps, exports of the
// globals, and a start function that is called and not run by itself.
//
// A module is decoded and checked (package wasm), and then goes through three steps:
//
//  1. scan.go reads each function once and notes the few places that something is done about: [event]. On the way track.go
//     decides where the function marks what it writes, as marks.go says.
//  2. charge.go looks at the functions, callees before callers, and at the events of each from its last to its first. It
//     decides where code pays, how much, and which functions count their frames.
//  3. emit.go writes each function: what lies between the events is copied.
//
// sections.go puts the module together. helpers.go has the functions that are appended to it.
package rewrite

import (
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Prefix begins every name that is built in. A module that imports or exports such a name is refused.
const Prefix = "sluice:"

// The function that code calls when its budget is used up: (i64) -> i64. It is given the budget, of which either half is
// negative, and ends the call by a panic or returns the new budget.
const (
	HostModule = "sluice:host"
	TickImport = "tick"
)

// The names of hidden exports.
const (
	// BudgetExport is a mutable i64 global: fuel in the upper 32 bits (signed, in units of [weights]), and the stack that
	// is left in the lower 32 (signed, in bytes). The host sets it before it calls an export.
	BudgetExport = "sluice:budget"
	// PagesExport is a mutable i32 global: how many pages the memory has, as far as the module knows. It begins with the
	// minimum. What lies beyond it inside the real memory is the host's to clear.
	PagesExport = "sluice:pages"
	// DirtyExport is a mutable i32 global. It becomes 1 by what an image of memory and globals cannot undo: table.set,
	// table.grow, table.copy, table.init, table.fill, data.drop, elem.drop, and global.set of a reference.
	DirtyExport = "sluice:dirty"
	// MarksExport is a mutable i64 global, the [Marks] of what the module may have written since the host set it to 0.
	MarksExport = "sluice:marks"
	// StartExport is the start function: () -> ().
	StartExport = "sluice:start"
)

// PageSize is the unit in which memories grow, in bytes.
const PageSize = 64 << 10

// Module is a module that was rewritten.
type Module struct {
	// Wasm is what to compile.
	Wasm []byte
	// Globals are the mutable globals of number and vector types that the module had: what an image must hold beside its
	// memory.
	Globals []Global
	// Start says that the module had a start function, which is [StartExport] now.
	Start bool
	// LargestFrame is the largest weight of a function's frame, in bytes: what a call must have left of its stack.
	LargestFrame uint32
	// Charges is how many places pay.
	Charges int
}

// Global is a hidden export of a global.
type Global struct {
	// Type is the type of its value in the binary format: 0x7f for i32, 0x7e i64, 0x7d f32, 0x7c f64, 0x7b v128.
	Type byte
	// Export is the name of the global's export. It is empty for a v128, whose upper half the runtime's interface loses.
	Export string
	// GetLanes and SetLanes are exported functions that read and write a v128: () -> (i64, i64) and (i64, i64) -> ().
	GetLanes, SetLanes string
}

// Rewrite checks a module (WebAssembly 2.0) and returns it with all that is built in. What it accepts and the compiler
// accepts after it, the compiler would have accepted before it. An error is one line, and a [*LimitError] when the module is
// too large.
//
// A name section that cannot be read is left out.
func Rewrite(binary []byte, o Options) (*Module, error) { return rewrite(binary, o, usual) }

// RewriteModule rewrites a module as [Rewrite] does that is decoded already. It does not change it.
func RewriteModule(m *wasm.Module, o Options) (*Module, error) { return rewriteModule(m, o, usual) }

func rewrite(binary []byte, o Options, d density) (*Module, error) {
	m, err := wasm.Decode(binary)
	if err != nil {
		return nil, err
	}
	return rewriteModule(m, o, d)
}

func rewriteModule(m *wasm.Module, o Options, d density) (*Module, error) {
	r := &rewriter{Module: m, limits: o.withDefaults(), density: d}
	for _, step := range []func() error{r.check, r.scan, r.charge} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.assemble(), nil
}

// rewriter is a module that is being rewritten.
type rewriter struct {
	*wasm.Module
	limits  Options
	density density

	// declared are the functions that ref.func may name (WebAssembly 2.0 section 3.4.10), indirect those that call_indirect
	// may reach.
	declared, indirect []bool

	functions []function // those with a body
	events    []event    // of all functions, one after the other
	labels    []uint32   // the frames that each br_table may go to
	marks     []mark     // of all functions
	helpers   helpers
	// signatures are the types that are appended.
	signatures []wasm.FuncType
	module     Module
}

// imported reports whether a function is imported.
func (r *rewriter) imported(function uint32) bool { return int(function) < r.ImportedFunctions }

// LimitError says that a module is larger than the host allows.
type LimitError struct {
	What  string // what is too large
	Size  uint64
	Limit uint64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d, more than the limit of %d", e.What, e.Size, e.Limit)
}

// reservedName reports whether a name is one that is built in.
func reservedName(name string) bool { return strings.HasPrefix(name, Prefix) }
