package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

// helper is a function that is called in place of an instruction.
type helper struct {
	kind helperKind
	a, b uint32 // the instruction's immediates
}

type helperKind uint8

const (
	helperMemoryGrow helperKind = iota
	helperMemoryCopy
	helperMemoryFill
	helperMemoryInit // a: the segment
	helperTableGrow  // a: the table
	helperTableFill  // a: the table
	helperTableCopy  // a: to, b: from
	helperTableInit  // a: the segment, b: the table
)

func helperOf(op wasm.Op) helperKind {
	switch op {
	case wasm.OpTableGrow:
		return helperTableGrow
	case wasm.OpTableFill:
		return helperTableFill
	case wasm.OpTableCopy:
		return helperTableCopy
	}
	return helperTableInit
}

// helpers are the functions that a module's code calls, in the order in which it does so first.
type helpers struct {
	list    []helper
	numbers map[helper]uint32
}

func (h *helpers) find(kind helperKind, a, b uint32) (number uint32) {
	wanted := helper{kind, a, b}
	number, found := h.numbers[wanted]
	if !found {
		if h.numbers == nil {
			h.numbers = map[helper]uint32{}
		}
		number = uint32(len(h.list))
		h.numbers[wanted] = number
		h.list = append(h.list, wanted)
	}
	return number
}

// appended is a function that the module did not have.
type appended struct {
	name            string
	params, results []byte
	locals          []byte // their declaration
	code            code
}

var (
	threeNumbers = []byte{wasm.I32, wasm.I32, wasm.I32}
	oneNumber    = []byte{wasm.I32}
	twoLanes     = []byte{wasm.I64, wasm.I64}
	noLocals     = []byte{0}
	twoLocals    = []byte{1, 2, wasm.I32}
)

// appended are all such functions, in the order of their indices.
func (r *rewriter) appended() []appended {
	list := []appended{r.tickFunction()}
	for _, h := range r.helpers.list {
		list = append(list, r.helperFunction(h))
	}
	return append(list, r.laneFunctions()...)
}

// tickFunction has the host look at the budget, and takes the one that it gives.
func (r *rewriter) tickFunction() appended {
	f := appended{name: "tick", locals: noLocals}
	f.code.global(r.budget()).call(r.tickImport()).set(r.budget()).end()
	return f
}

func (r *rewriter) helperFunction(h helper) appended {
	switch h.kind {
	case helperMemoryGrow:
		return r.memoryGrow()
	case helperMemoryCopy:
		return r.memoryCopy()
	case helperMemoryFill:
		return r.memoryFill()
	case helperMemoryInit:
		return r.memoryInit(h.a)
	case helperTableGrow:
		return r.tableGrow(h.a)
	case helperTableFill:
		return r.tableFill(h.a)
	case helperTableCopy:
		return r.tableCopy(h.a, h.b)
	}
	return r.tableInit(h.a, h.b)
}

// memoryGrow gives a module more pages, of the memory that is there as long as it lasts. The compiled memory.grow costs
// what the pages cost when they are cleared.
func (r *rewriter) memoryGrow() appended {
	f := appended{name: "memory.grow", params: oneNumber, results: oneNumber, locals: twoLocals}
	const delta, want, had = 0, 1, 2
	c := &f.code
	if r.ImportedMemories > 0 { // others see its size too
		c.get(delta).const32(mostPages).op(wasm.OpI32GtU).when().const32(-1).op(wasm.OpReturn).end()
		c.chargeFor(r.budget(), r.tick(), delta, fuelPerPageLog).get(delta).index(wasm.OpMemoryGrow, 0).end()
		return f
	}
	most := r.maxPages()
	// want = pages + delta, unless that is too much: delta > most - pages.
	c.get(delta).const32(int32(most)).global(r.pages()).tee(had).op(wasm.OpI32Sub).op(wasm.OpI32GtU)
	c.when().const32(-1).op(wasm.OpReturn).end()
	c.chargeFor(r.budget(), r.tick(), delta, fuelPerPageLog)
	c.get(had).get(delta).op(wasm.OpI32Add).tee(want).index(wasm.OpMemorySize, 0).op(wasm.OpI32GtU)
	c.when().get(want).index(wasm.OpMemorySize, 0).op(wasm.OpI32Sub).index(wasm.OpMemoryGrow, 0)
	c.const32(-1).op(wasm.OpI32Eq).when().const32(-1).op(wasm.OpReturn).end().end()
	c.get(want).set(r.pages()).get(had).end()
	return f
}

// stepped is the plan of a bulk operation with the parameters to, from (or a value) and count: an operation that would
// trap does so at once, another is done in steps that pay.
type stepped struct {
	step     int32
	fuelLog  int64 // negative: so many units for each step's item, as a power of two
	inBounds func(c *code)
	// do does a step: the operands, which are the addresses of the step, are on the stack already.
	do func(c *code)
	// Whether from is an address, and goes up with to.
	fromMoves bool
	// backward says that steps go down when to lies above from: they may overlap.
	backward bool
}

const (
	stepTo, stepFrom, stepCount = 0, 1, 2
	stepSize                    = 3
)

// write appends the code:
//
//	if out of bounds, or nothing to do: do all of it, which traps (from behind a dropped segment nothing can be taken either)
//	loop: size = min(count, step); pay; do it; go on
func (s *stepped) write(c *code, r *rewriter) {
	s.inBounds(c)
	c.op(wasm.OpI32Eqz).get(stepCount).op(wasm.OpI32Eqz).op(wasm.OpI32Or).when().get(stepTo).get(stepFrom).get(stepCount)
	s.do(c)
	c.op(wasm.OpReturn).end()
	if s.backward {
		c.get(stepTo).get(stepFrom).op(wasm.OpI32GtU).when().loop()
		s.size(c, r)
		c.get(stepCount).get(stepSize).op(wasm.OpI32Sub).put(stepCount)
		c.get(stepTo).get(stepCount).op(wasm.OpI32Add).get(stepFrom).get(stepCount).op(wasm.OpI32Add).get(stepSize)
		s.do(c)
		c.get(stepCount).branchIf(0).end().op(wasm.OpReturn).end()
	}
	c.loop()
	s.size(c, r)
	c.get(stepTo).get(stepFrom).get(stepSize)
	s.do(c)
	c.get(stepTo).get(stepSize).op(wasm.OpI32Add).put(stepTo)
	if s.fromMoves {
		c.get(stepFrom).get(stepSize).op(wasm.OpI32Add).put(stepFrom)
	}
	c.get(stepCount).get(stepSize).op(wasm.OpI32Sub).tee(stepCount).branchIf(0).end()
}

// size decides on the next step, and pays for it.
func (s *stepped) size(c *code, r *rewriter) {
	c.get(stepCount).const32(s.step).get(stepCount).const32(s.step).op(wasm.OpI32LtU).op(wasm.OpSelect).put(stepSize)
	c.chargeFor(r.budget(), r.tick(), stepSize, s.fuelLog)
}

var stepLocals = []byte{1, 1, wasm.I32}

// memoryHas appends whether the memory has count bytes at an address.
func memoryHas(c *code, address uint32) {
	sum64(c, address, stepCount)
	c.index(wasm.OpMemorySize, 0).op(wasm.OpI64ExtendU).const64(16).op(wasm.OpI64Shl)
	c.op(wasm.OpI64LeU)
}

// sum64 appends the sum of two locals, which may be too large for 32 bits.
func sum64(c *code, a, b uint32) {
	c.get(a).op(wasm.OpI64ExtendU).get(b).op(wasm.OpI64ExtendU).op(wasm.OpI64Add)
}

// has appends whether something of a fixed size has count items at an address.
func has(c *code, address uint32, size int64) {
	sum64(c, address, stepCount)
	c.const64(size).op(wasm.OpI64LeU)
}

// tableHas appends whether a table has count entries at an index.
func tableHas(c *code, index, table uint32) {
	sum64(c, index, stepCount)
	c.wide(wasm.OpTableSize, table).op(wasm.OpI64ExtendU).op(wasm.OpI64LeU)
}

func (r *rewriter) memoryCopy() appended {
	f := appended{name: "memory.copy", params: threeNumbers, locals: stepLocals}
	s := stepped{
		step: memoryStep, fuelLog: -bytesPerFuelLog, fromMoves: true, backward: true,
		inBounds: func(c *code) {
			memoryHas(c, stepTo)
			memoryHas(c, stepFrom)
			c.op(wasm.OpI32And)
		},
		do: func(c *code) { c.wide(wasm.OpMemoryCopy, 0, 0) },
	}
	r.marker(&f.code).span(stepTo, stepCount)
	s.write(&f.code, r)
	f.code.end()
	return f
}

func (r *rewriter) memoryFill() appended {
	f := appended{name: "memory.fill", params: threeNumbers, locals: stepLocals}
	s := stepped{
		step: memoryStep, fuelLog: -bytesPerFuelLog,
		inBounds: func(c *code) { memoryHas(c, stepTo) },
		do:       func(c *code) { c.wide(wasm.OpMemoryFill, 0) },
	}
	r.marker(&f.code).span(stepTo, stepCount)
	s.write(&f.code, r)
	f.code.end()
	return f
}

// memoryInit is for memory.init. A segment that was dropped is empty: its first step traps, before anything is written.
func (r *rewriter) memoryInit(segment uint32) appended {
	f := appended{name: "memory.init", params: threeNumbers, locals: stepLocals}
	s := stepped{
		step: memoryStep, fuelLog: -bytesPerFuelLog, fromMoves: true,
		inBounds: func(c *code) {
			memoryHas(c, stepTo)
			has(c, stepFrom, int64(r.Data[segment].Size))
			c.op(wasm.OpI32And)
		},
		do: func(c *code) { c.wide(wasm.OpMemoryInit, segment, 0) },
	}
	r.marker(&f.code).span(stepTo, stepCount)
	s.write(&f.code, r)
	f.code.end()
	return f
}

func (r *rewriter) tableFill(table uint32) appended {
	f := appended{name: "table.fill", params: []byte{wasm.I32, r.Tables[table].RefType, wasm.I32}, locals: stepLocals}
	s := stepped{
		step: tableStep, fuelLog: 0,
		inBounds: func(c *code) { tableHas(c, stepTo, table) },
		do:       func(c *code) { c.wide(wasm.OpTableFill, table) },
	}
	f.code.const32(1).set(r.dirty())
	s.write(&f.code, r)
	f.code.end()
	return f
}

func (r *rewriter) tableCopy(to, from uint32) appended {
	f := appended{name: "table.copy", params: threeNumbers, locals: stepLocals}
	s := stepped{
		step: tableStep, fuelLog: 0, fromMoves: true, backward: true,
		inBounds: func(c *code) {
			tableHas(c, stepTo, to)
			tableHas(c, stepFrom, from)
			c.op(wasm.OpI32And)
		},
		do: func(c *code) { c.wide(wasm.OpTableCopy, to, from) },
	}
	f.code.const32(1).set(r.dirty())
	s.write(&f.code, r)
	f.code.end()
	return f
}

func (r *rewriter) tableInit(segment, table uint32) appended {
	f := appended{name: "table.init", params: threeNumbers, locals: stepLocals}
	s := stepped{
		step: tableStep, fuelLog: 0, fromMoves: true,
		inBounds: func(c *code) {
			tableHas(c, stepTo, table)
			has(c, stepFrom, int64(r.Elements[segment].Count))
			c.op(wasm.OpI32And)
		},
		do: func(c *code) { c.wide(wasm.OpTableInit, segment, table) },
	}
	f.code.const32(1).set(r.dirty())
	s.write(&f.code, r)
	f.code.end()
	return f
}

// tableGrow grows a table in steps, after it has made sure that all of them will succeed.
func (r *rewriter) tableGrow(table uint32) appended {
	f := appended{
		name: "table.grow", params: []byte{r.Tables[table].RefType, wasm.I32}, results: oneNumber, locals: twoLocals,
	}
	const value, count, had, size = 0, 1, 2, 3
	c := &f.code
	// Too much: count > most - had. A table that is imported may be larger than most already.
	most := int32(r.maxEntries(r.Tables[table]))
	c.wide(wasm.OpTableSize, table).tee(had).const32(most).op(wasm.OpI32GtU)
	c.get(count).const32(most).get(had).op(wasm.OpI32Sub).op(wasm.OpI32GtU).op(wasm.OpI32Or)
	c.when().const32(-1).op(wasm.OpReturn).end()
	c.get(count).op(wasm.OpI32Eqz).when().get(had).op(wasm.OpReturn).end()
	c.const32(1).set(r.dirty())
	c.loop()
	c.get(count).const32(tableStep).get(count).const32(tableStep).op(wasm.OpI32LtU).op(wasm.OpSelect).put(size)
	c.chargeFor(r.budget(), r.tick(), size, 0)
	c.get(value).get(size).wide(wasm.OpTableGrow, table)
	c.const32(-1).op(wasm.OpI32Eq).when().const32(-1).op(wasm.OpReturn).end()
	c.get(count).get(size).op(wasm.OpI32Sub).tee(count).branchIf(0).end()
	c.get(had).end()
	return f
}

// laneFunctions read and write the globals of vector type.
func (r *rewriter) laneFunctions() (list []appended) {
	for i, g := range r.Globals {
		if !g.Mutable || g.Type != wasm.V128 {
			continue
		}
		get := appended{name: "get lanes", results: twoLanes, locals: noLocals}
		get.code.global(uint32(i)).lane(i64x2ExtractLane, 0).global(uint32(i)).lane(i64x2ExtractLane, 1).end()
		set := appended{name: "set lanes", params: twoLanes, locals: noLocals}
		set.code.global(uint32(i)).get(0).lane(i64x2ReplaceLane, 0).get(1).lane(i64x2ReplaceLane, 1).set(uint32(i)).end()
		list = append(list, get, set)
	}
	return list
}

const (
	i64x2ExtractLane = 0x1d
	i64x2ReplaceLane = 0x1e
)

func (c *code) lane(op, lane byte) *code {
	*c = append(*c, wasm.OpPrefixVector, op, lane)
	return c
}
