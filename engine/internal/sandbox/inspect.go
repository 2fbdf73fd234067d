package sandbox

import (
	"context"
	"log/slog"
	"strings"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Inspection describes a module and says whether it is a handler.
type Inspection struct {
	// ABI is the version of the interface that the module imports, for instance "http_events_v1". Empty when there is none.
	ABI string
	// Subscriptions are the events that the handler wants, by their names in events.witx. Empty unless the module loads.
	Subscriptions []string
	// Imports are what the module imports. What is not a function has its kind for a signature.
	Imports []InspectedFunc
	// Exports are the functions that the module exports.
	Exports []InspectedFunc
	// Memory is the memory that the module exports as "memory". Nil when there is none.
	Memory *InspectedMemory
	// Size is the size of the module in bytes.
	Size int
	// Problems are what keeps the module from loading, a line each: what is wrong, and what would be right. Empty when it
	// loads.
	Problems []string
}

// InspectedFunc is a function that a module imports or exports.
type InspectedFunc struct {
	// Module is where an import comes from. Empty for an export.
	Module string
	// Name is the function's name in its module.
	Name string
	// Signature is its type, for instance "(i32, i32) -> i32".
	Signature string
	// Known says that a handler may import the function with this signature, or that the host calls this export.
	Known bool
	// Idle says why an import does nothing here, for instance "there are no files": it answers with an error, but for
	// standard streams. Empty for others.
	Idle string
}

// InspectedMemory is the size of a memory in pages of 64 KiB.
type InspectedMemory struct {
	MinPages uint32
	// MaxPages counts when HasMax is set.
	MaxPages uint32
	HasMax   bool
}

// Inspect describes a module. Of its code only what makes an instance ready is run, and only when nothing else is wrong.
// An error means that there could be no runtime.
func Inspect(ctx context.Context, binary []byte, config wasmruntime.Config) (*Inspection, error) {
	r, err := wasmruntime.New(ctx, config)
	if err != nil {
		return nil, err
	}
	defer r.Close(ctx)
	l, err := NewLoader(ctx, r, Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return l.inspect(ctx, binary), nil
}

func (l *Loader) inspect(ctx context.Context, binary []byte) *Inspection {
	found := &Inspection{Size: len(binary)}
	decoded, err := wasm.Decode(binary)
	if err != nil {
		found.Problems = []string{oneLine(err.Error())}
		return found
	}
	found.describe(decoded, &l.checker)
	if found.Problems = l.checker.problems(decoded); len(found.Problems) > 0 {
		return found
	}
	m, err := l.load(ctx, "", binary)
	if err != nil {
		found.Problems = []string{err.Error()}
		return found
	}
	defer m.Close()
	p, err := m.NewPool(PoolConfig{Log: l.log})
	if err != nil {
		found.Problems = []string{err.Error()}
		return found
	}
	defer p.Close()
	for event := abi.Event(0); p.Subscriptions()>>event != 0; event++ {
		if p.Subscriptions()&(1<<event) != 0 {
			found.Subscriptions = append(found.Subscriptions, event.String())
		}
	}
	return found
}

// describe tells what a module imports and exports.
func (found *Inspection) describe(m *wasm.Module, c *checker) {
	for _, i := range m.Imports {
		if strings.HasPrefix(i.Module, abiPrefix) {
			found.ABI = i.Module
		}
		signature := m.TypeText(i.Type)
		if i.Kind != wasm.KindFunc {
			signature = i.Kind.String()
		}
		f := InspectedFunc{Module: i.Module, Name: i.Name, Signature: signature, Known: c.importProblem(m, i) == ""}
		if f.Known && f.Module == wasi.ModuleName {
			f.Idle = wasi.Idle(f.Name)
		}
		found.Imports = append(found.Imports, f)
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.KindFunc {
			signature := m.Signature(e)
			found.Exports = append(found.Exports,
				InspectedFunc{Name: e.Name, Signature: signature, Known: calledExports[e.Name] == signature})
		}
	}
	if memory := m.ExportedMemory(); memory != nil {
		found.Memory = &InspectedMemory{MinPages: memory.Min, MaxPages: memory.Max, HasMax: memory.HasMax}
	}
}

// calledExports are the exports that the host calls.
var calledExports = func() signatures {
	called := signatures{"_initialize": "() -> ()"}
	for _, f := range abi.HandlerExports {
		called[f.Name] = f.Signature()
	}
	return called
}()
