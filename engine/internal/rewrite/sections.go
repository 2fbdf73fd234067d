package rewrite

import (
	"fmt"
	"slices"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// assemble writes the module.
func (r *rewriter) assemble() *Module {
	a := assembler{rewriter: r, appended: r.appended()}
	// What needs types is written first, so that the type section has them all.
	e := emitter{rewriter: r}
	bodies := e.bodies(a.appended)
	functions := a.functionSection()
	imports := a.importSection()

	a.out = make([]byte, 0, len(r.Wasm)+len(bodies)+4096)
	a.out = wasm.AppendHeader(a.out)
	a.section(wasm.SectionType, a.typeSection())
	a.section(wasm.SectionImport, imports)
	a.section(wasm.SectionFunction, functions)
	a.section(wasm.SectionTable, a.tableSection())
	a.section(wasm.SectionMemory, a.memorySection())
	a.section(wasm.SectionGlobal, a.globalSection())
	a.section(wasm.SectionExport, a.exportSection())
	a.section(wasm.SectionElement, a.elementSection())
	a.copySection(wasm.SectionDataCount)
	a.section(wasm.SectionCode, bodies)
	a.copySection(wasm.SectionData)
	a.customSections()
	module := r.module // of its own: what was noted of the code is a multiple of the module, and of no use any more
	module.Wasm, module.Start = a.out, r.HasStart
	return &module
}

// assembler writes a module's sections.
type assembler struct {
	*rewriter
	appended []appended
	out      []byte
}

func (a *assembler) section(id byte, content []byte) {
	if content != nil {
		a.out = wasm.AppendSection(a.out, id, content)
	}
}

// find finds what a section of the module holds.
func (r *rewriter) find(id byte) (content wasm.Span, found bool) {
	for _, s := range r.Sections {
		if s.ID == id {
			return s.Content, true
		}
	}
	return wasm.Span{}, false
}

func (a *assembler) copySection(id byte) {
	if content, found := a.find(id); found {
		a.section(id, content.Of(a.Wasm))
	}
}

// list begins a section that holds the items of the module's own, and so many more.
func (a *assembler) list(id byte, more int) []byte {
	content, found := a.find(id)
	if !found {
		return wasm.AppendU32(nil, uint32(more))
	}
	items := wasm.NewReader(a.Wasm, content)
	out := make([]byte, 0, content.Len()+32*more+8)
	out = wasm.AppendU32(out, items.U32()+uint32(more))
	return append(out, items.Rest().Of(a.Wasm)...)
}

// signature is the index of a type of a function that is built in.
func (r *rewriter) signature(params, results []byte) uint32 {
	for i, t := range r.signatures {
		if slices.Equal(t.Params, params) && slices.Equal(t.Results, results) {
			return uint32(len(r.Types) + i)
		}
	}
	r.signatures = append(r.signatures, wasm.FuncType{Params: params, Results: results})
	return uint32(len(r.Types) + len(r.signatures) - 1)
}

// results is the type of a block with results and no parameters.
func (r *rewriter) results(types []byte) int64 {
	switch len(types) {
	case 0:
		return wasm.BlockEmpty
	case 1:
		return int64(types[0]) - 0x80
	}
	return int64(r.signature(nil, types))
}

func (a *assembler) typeSection() []byte {
	out := a.list(wasm.SectionType, len(a.signatures))
	for _, t := range a.signatures {
		out = append(out, 0x60)
		out = append(wasm.AppendU32(out, uint32(len(t.Params))), t.Params...)
		out = append(wasm.AppendU32(out, uint32(len(t.Results))), t.Results...)
	}
	return out
}

func (a *assembler) importSection() []byte {
	out := a.list(wasm.SectionImport, 1)
	out = wasm.AppendName(wasm.AppendName(out, HostModule), TickImport)
	return wasm.AppendU32(append(out, byte(wasm.KindFunc)), a.signature([]byte{wasm.I64}, []byte{wasm.I64}))
}

func (a *assembler) functionSection() []byte {
	out := a.list(wasm.SectionFunction, len(a.appended))
	for _, f := range a.appended {
		out = wasm.AppendU32(out, a.signature(f.params, f.results))
	}
	return out
}

func (a *assembler) tableSection() []byte {
	tables := a.Tables[a.ImportedTables:]
	if len(tables) == 0 {
		return nil
	}
	out := wasm.AppendU32(nil, uint32(len(tables)))
	for _, t := range tables {
		out = appendLimits(append(out, t.RefType), t.Min, a.maxEntries(t))
	}
	return out
}

func appendLimits(out []byte, least, most uint32) []byte {
	return wasm.AppendU32(wasm.AppendU32(append(out, 1), least), most)
}

// maxEntries is how large a table may become.
func (r *rewriter) maxEntries(t wasm.Table) uint32 {
	if t.HasMax {
		return min(t.Max, r.limits.MaxTableEntries)
	}
	return r.limits.MaxTableEntries
}

func (a *assembler) memorySection() []byte {
	if len(a.Memories) == a.ImportedMemories {
		return nil
	}
	return appendLimits([]byte{1}, a.Memories[0].Min, a.maxPages())
}

// maxPages is how many pages the memory may have.
func (r *rewriter) maxPages() uint32 {
	most := uint32(min(r.limits.MaxMemory/PageSize, mostPages))
	if memory := r.Memories[0]; memory.HasMax {
		return min(memory.Max, most)
	}
	return most
}

func (a *assembler) globalSection() []byte {
	const mutable = 1
	own := a.Globals[a.ImportedGlobals:]
	out := code(wasm.AppendU32(nil, uint32(len(own)+4)))
	for _, g := range own {
		mutability := byte(0)
		if g.Mutable {
			mutability = mutable
		}
		out = a.constant(append(out, g.Type, mutability), wasm.NewReader(a.Wasm, g.Init))
	}
	pages := int32(0)
	if len(a.Memories) > 0 {
		pages = int32(a.Memories[0].Min)
	}
	out.op(wasm.I64).op(mutable).const64(0).end()
	out.op(wasm.I32).op(mutable).const32(pages).end()
	out.op(wasm.I32).op(mutable).const32(0).end()
	out.op(wasm.I64).op(mutable).const64(0).end()
	return out
}

func (a *assembler) exportSection() []byte {
	var hidden []wasm.Export
	add := func(kind wasm.Kind, name string, index uint32) string {
		hidden = append(hidden, wasm.Export{Name: name, Kind: kind, Index: index})
		return name
	}
	add(wasm.KindGlobal, BudgetExport, a.budget())
	add(wasm.KindGlobal, PagesExport, a.pages())
	add(wasm.KindGlobal, DirtyExport, a.dirty())
	add(wasm.KindGlobal, MarksExport, a.written())
	if a.HasStart {
		add(wasm.KindFunc, StartExport, a.shifted(a.Start))
	}
	lanes := a.helper(uint32(len(a.helpers.list)))
	for i, g := range a.Globals {
		if !g.Mutable || wasm.IsRef(g.Type) {
			continue
		}
		shown := Global{Type: g.Type}
		if g.Type == wasm.V128 {
			shown.GetLanes = add(wasm.KindFunc, fmt.Sprintf("%sget %d", Prefix, i), lanes)
			shown.SetLanes = add(wasm.KindFunc, fmt.Sprintf("%sset %d", Prefix, i), lanes+1)
			lanes += 2
		} else {
			shown.Export = add(wasm.KindGlobal, fmt.Sprintf("%sglobal %d", Prefix, i), uint32(i))
		}
		a.module.Globals = append(a.module.Globals, shown)
	}
	out := wasm.AppendU32(nil, uint32(len(a.Exports)+len(hidden)))
	for _, e := range a.Exports {
		if e.Kind == wasm.KindFunc {
			e.Index = a.shifted(e.Index)
		}
		out = appendExport(out, e)
	}
	for _, e := range hidden {
		out = appendExport(out, e)
	}
	return out
}

func appendExport(out []byte, e wasm.Export) []byte {
	return wasm.AppendU32(append(wasm.AppendName(out, e.Name), byte(e.Kind)), e.Index)
}

func (a *assembler) elementSection() []byte {
	if _, found := a.find(wasm.SectionElement); !found {
		return nil
	}
	out := wasm.AppendU32(nil, uint32(len(a.Elements)))
	for _, e := range a.Elements {
		out = a.element(out, e)
	}
	return out
}

func (a *assembler) element(out []byte, e wasm.Element) []byte {
	expressions := e.Flags&wasm.ElementExpressions != 0
	out = wasm.AppendU32(out, e.Flags)
	if e.Flags&wasm.ElementPassive == 0 {
		if e.Flags&wasm.ElementExplicit != 0 {
			out = wasm.AppendU32(out, e.Table)
		}
		out = a.constant(out, wasm.NewReader(a.Wasm, e.Offset))
	}
	switch {
	case e.Flags&(wasm.ElementPassive|wasm.ElementExplicit) == 0: // functions
	case expressions:
		out = append(out, e.Type)
	default:
		out = append(out, 0)
	}
	out = wasm.AppendU32(out, uint32(e.Count))
	items := wasm.NewReader(a.Wasm, e.Items)
	for range e.Count {
		if expressions {
			out = a.constant(out, items)
		} else {
			out = wasm.AppendU32(out, a.shifted(items.U32()))
		}
	}
	return out
}

// constant copies a constant expression, with the functions' new indices.
func (a *assembler) constant(out []byte, r *wasm.Reader) []byte {
	at := r.Pos()
	all := r.Constant(func(op byte, index uint32, s wasm.Span) {
		if op == wasm.OpRefFunc {
			out = append(out, a.Wasm[at:s.Start]...)
			out = wasm.AppendU32(append(out, op), a.shifted(index))
			at = s.End
		}
	})
	return append(out, a.Wasm[at:all.End]...)
}

// customSections copies custom sections to the end. Only the names of functions have indices that matter.
func (a *assembler) customSections() {
	for _, s := range a.Sections {
		switch {
		case s.ID != wasm.SectionCustom, slices.Contains(a.BrokenNames, s):
		case a.isNames(s):
			a.section(wasm.SectionCustom, a.names(s))
		default:
			a.section(wasm.SectionCustom, s.Content.Of(a.Wasm))
		}
	}
}
