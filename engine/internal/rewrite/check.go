package rewrite

import (
	"errors"
	"fmt"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// check refuses what is too large, and what would be valid only because of what is built in: indices beyond the module's
// own functions, types and globals, a reference to a function that nothing declares, names that are ours, and limits that
// capping would mend. The rest is for the compiler to check.
func (r *rewriter) check() error {
	for _, step := range []func() error{
		r.checkCounts, r.checkTypes, r.checkNames, r.checkMemory, r.checkTables, r.checkStart, r.checkReferences,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (r *rewriter) checkCounts() error {
	for _, count := range []struct {
		what     string
		is, most int
	}{
		{"types", len(r.Types), r.limits.MaxTypes},
		{"functions", len(r.Functions), r.limits.MaxFunctions},
		{"tables", len(r.Tables), r.limits.MaxTables},
		{"globals", len(r.Globals), r.limits.MaxGlobals},
		{"exports", len(r.Exports), r.limits.MaxExports},
		{"element segments", len(r.Elements), r.limits.MaxSegments},
		{"data segments", len(r.Data), r.limits.MaxSegments},
	} {
		if count.is > count.most {
			return tooMany("number of "+count.what, count.is, count.most)
		}
	}
	if bodies := len(r.Functions) - r.ImportedFunctions; bodies != len(r.Bodies) {
		return fmt.Errorf("there are %d functions, and the code of %d", bodies, len(r.Bodies))
	}
	if len(r.Memories) > 1 {
		return fmt.Errorf("there are %d memories; more than one is not supported", len(r.Memories))
	}
	return nil
}

func tooMany(what string, is, most int) error {
	return &LimitError{what, uint64(is), uint64(most)}
}

func (r *rewriter) checkTypes() error {
	for i, t := range r.Types {
		if most := max(len(t.Params), len(t.Results)); most > r.limits.MaxParams {
			return tooMany(fmt.Sprintf("parameters or results of type %d", i), most, r.limits.MaxParams)
		}
	}
	for i, t := range r.Functions {
		if int64(t) >= int64(len(r.Types)) {
			return fmt.Errorf("function %d has type %d of %d", i, t, len(r.Types))
		}
	}
	return nil
}

func (r *rewriter) checkNames() error {
	for _, i := range r.Imports {
		if reservedName(i.Module) || reservedName(i.Name) {
			return fmt.Errorf("it imports %q.%q: names that begin with %q are the host's", i.Module, i.Name, Prefix)
		}
	}
	sizes := map[wasm.Kind]int{wasm.KindFunc: len(r.Functions), wasm.KindTable: len(r.Tables),
		wasm.KindMemory: len(r.Memories), wasm.KindGlobal: len(r.Globals)}
	for _, e := range r.Exports {
		if reservedName(e.Name) {
			return fmt.Errorf("it exports %q: names that begin with %q are the host's", e.Name, Prefix)
		}
		if int64(e.Index) >= int64(sizes[e.Kind]) {
			return fmt.Errorf("the export %q is %s %d of %d", e.Name, e.Kind, e.Index, sizes[e.Kind])
		}
	}
	return nil
}

// mostPages is how many pages 32 bits address.
const mostPages = 1 << 16

func (r *rewriter) checkMemory() error {
	for _, memory := range r.Memories {
		switch size := uint64(memory.Min) * PageSize; {
		case memory.HasMax && (memory.Max < memory.Min || memory.Max > mostPages):
			return fmt.Errorf("the memory has from %d up to %d pages", memory.Min, memory.Max)
		case size > r.limits.MaxMemory:
			return &LimitError{"bytes that the memory begins with", size, r.limits.MaxMemory}
		}
	}
	return nil
}

func (r *rewriter) checkTables() error {
	for i, table := range r.Tables {
		switch {
		case table.HasMax && table.Max < table.Min:
			return fmt.Errorf("table %d has from %d up to %d entries", i, table.Min, table.Max)
		case table.Min > r.limits.MaxTableEntries:
			return &LimitError{fmt.Sprintf("entries of table %d", i), uint64(table.Min), uint64(r.limits.MaxTableEntries)}
		}
	}
	return nil
}

func (r *rewriter) checkStart() error {
	if !r.HasStart {
		return nil
	}
	if int64(r.Start) >= int64(len(r.Functions)) {
		return fmt.Errorf("the start function is function %d of %d", r.Start, len(r.Functions))
	}
	if t := r.Types[r.Functions[r.Start]]; len(t.Params)+len(t.Results) > 0 {
		return fmt.Errorf("the start function is %s; expected () -> ()", t.Signature())
	}
	return nil
}

// checkReferences finds the functions that are declared, and those that tables may hold.
func (r *rewriter) checkReferences() (err error) {
	r.declared, r.indirect = make([]bool, len(r.Functions)), make([]bool, len(r.Functions))
	for _, e := range r.Exports {
		if e.Kind == wasm.KindFunc {
			r.declared[e.Index] = true
		}
	}
	see := func(function uint32) {
		if int64(function) >= int64(len(r.Functions)) {
			err = fmt.Errorf("a reference to function %d of %d", function, len(r.Functions))
			return
		}
		r.declared[function], r.indirect[function] = true, true
	}
	constant := func(op byte, index uint32, _ wasm.Span) {
		switch {
		case op == wasm.OpRefFunc:
			see(index)
		case int64(index) >= int64(len(r.Globals)):
			err = fmt.Errorf("a constant expression has global %d of %d", index, len(r.Globals))
		}
	}
	for _, g := range r.Globals[r.ImportedGlobals:] {
		wasm.NewReader(r.Wasm, g.Init).Constant(constant)
	}
	for _, e := range r.Elements {
		if e.Flags&wasm.ElementPassive == 0 {
			wasm.NewReader(r.Wasm, e.Offset).Constant(constant)
		}
		items := wasm.NewReader(r.Wasm, e.Items)
		for range e.Count {
			if e.Flags&wasm.ElementExpressions != 0 {
				items.Constant(constant)
			} else {
				see(items.U32())
			}
		}
	}
	for _, d := range r.Data {
		if !d.Passive {
			wasm.NewReader(r.Wasm, d.Offset).Constant(constant)
		}
	}
	if err == nil && r.HasDataCount && int64(r.DataCount) != int64(len(r.Data)) {
		err = errors.New("the data count section does not tell the number of data segments")
	}
	return err
}
