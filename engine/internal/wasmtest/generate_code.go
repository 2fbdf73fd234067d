package wasmtest

import "slices"

// The size of a generated body: its instructions, but for those that end what was begun, how deep its blocks lie in each
// other, and how deep its expressions do.
const (
	bodyInstructions = 400
	bodyBlocks       = 6
	bodyDepth        = 5
)

// generateBody makes the body of a function.
//
// It follows the validation algorithm of the specification (WebAssembly 2.0 appendix A.3) the other way round: it knows
// the types on the stack, picks an instruction, and pushes the operands that are not there yet. Behind an unconditional
// jump it makes use of the stack being polymorphic.
func generateBody(g *generator, s Signature) []byte {
	b := &body{generator: g, signature: s, locals: slices.Clone(s.Params), left: bodyInstructions}
	for _, t := range g.typesAmong(allTypes, 4) {
		b.local(t)
	}
	b.enter(nil, s.Results, s.Results)
	if !g.one(8) {
		b.guard()
	}
	b.fill()
	b.emit(opEnd)
	declared := b.locals[len(s.Params):]
	out := U32(uint32(len(declared)))
	for _, t := range declared {
		out = append(out, 1, t)
	}
	return append(out, b.code...)
}

// body is a function that is being made.
type body struct {
	*generator
	signature Signature
	locals    []ValueType
	counters  []int // the locals that count the rounds of loops
	scratch   int   // a local of type v128 for values that are used no more, or 0
	code      Code
	stack     []ValueType
	labels    []label // the innermost last
	left      int     // instructions
	depth     int     // of expressions
	floor     int     // how much of the stack the expression that is being made may not take
}

// label is a block, loop, branch of an if, or the function itself.
type label struct {
	operands []ValueType // what a branch to it takes
	results  []ValueType
	base     int  // how much of the stack lies below it
	dead     bool // behind an unconditional jump
	loop     bool // a branch goes to the beginning
}

func (b *body) emit(code ...byte) { b.code = append(b.code, code...) }

func (b *body) emitIndex(op byte, index int) {
	b.code = append(append(b.code, op), U32(uint32(index))...)
}

func (b *body) push(types ...ValueType) { b.stack = append(b.stack, types...) }

func (b *body) top() *label { return &b.labels[len(b.labels)-1] }

func (b *body) local(t ValueType) (index int) {
	b.locals = append(b.locals, t)
	return len(b.locals) - 1
}

// enter begins a block whose parameters lie on the stack no more.
func (b *body) enter(params, operands, results []ValueType) {
	b.labels = append(b.labels, label{operands: operands, results: results, base: len(b.stack)})
	b.push(params...)
}

// fill makes instructions until it has enough, then the results of the block, and leaves it. What comes next in the code
// is end or else.
func (b *body) fill() {
	for b.left > 0 && b.step() {
	}
	b.finish()
}

// finish leaves the results of the innermost block on the stack, and the block.
func (b *body) finish() {
	l := b.top()
	above := b.stack[l.base:]
	switch {
	case l.dead && len(above) == 0 && b.one(2), slices.Equal(above, l.results):
	case !l.loop && b.one(2):
		b.operands(l.results...)
		b.emit(opBr, 0)
	default:
		for _, t := range slices.Backward(above) {
			b.sink(t)
		}
		for _, t := range l.results {
			if !b.read(opLocalGet, b.locals, t) {
				b.emit(b.constant(t)...)
			}
		}
	}
	b.stack = append(b.stack[:l.base], l.results...)
	b.labels = b.labels[:len(b.labels)-1]
}

// operands sees to it that the topmost values on the stack have these types, and takes them off.
func (b *body) operands(types ...ValueType) {
	l := b.top()
	above := b.stack[max(l.base, b.floor):]
	if l.dead && len(above) == 0 && b.floor <= l.base {
		types = types[b.below(len(types)+1):]
	}
	have := min(len(above), len(types))
	for !slices.Equal(above[len(above)-have:], types[:have]) {
		have--
	}
	for _, t := range types[have:] {
		b.value(t)
	}
	b.stack = b.stack[:len(b.stack)-len(types)]
}

// sink takes the topmost value off the stack and into the digest.
func (b *body) sink(t ValueType) {
	if b.top().dead {
		b.emit(opDrop)
		return
	}
	switch t {
	case I32:
		b.emit(opExtend64)
	case F32:
		b.emit(opBitsOfF32, opExtend64)
	case F64:
		b.emit(opBitsOfF64)
	case V128:
		if b.scratch == 0 {
			b.scratch = b.local(V128)
		}
		const opExtractLane = 29
		b.emitIndex(opLocalTee, b.scratch)
		b.emit(prefixVector, opExtractLane, 0)
		b.emitIndex(opLocalGet, b.scratch)
		b.emit(prefixVector, opExtractLane, 1, opAdd64)
	case FuncRef, ExternRef:
		b.emit(opRefIsNull, opExtend64)
	}
	b.emit(slices.Concat(GetGlobal(digest), Code{opConst64, 31, opMultiply64, opAdd64, opGlobalSet}, U32(digest))...)
}

// guard makes the function return at once when too many calls were made.
func (b *body) guard() {
	b.emit(SetGlobal(guard, Code(slices.Concat(GetGlobal(guard), Const(1), Code{opSub})))...)
	b.emit(slices.Concat(GetGlobal(guard), Const(0), Code{opLess})...)
	b.leave()
}

// leave returns from the function if the condition in the code before it holds.
func (b *body) leave() {
	b.emit(opIf, noResult)
	for _, t := range b.signature.Results {
		b.emit(b.constant(t)...)
	}
	b.emit(opReturn, opEnd)
}

// step makes an instruction that is there for what it does, with its operands. It is false when the block shall end.
func (b *body) step() bool {
	b.left--
	steps := []func(){
		func() { b.value(allTypes[b.below(len(allTypes))]) },
		b.setLocal, b.setGlobal, b.setGlobal,
		b.store, b.store, b.store,
		b.call, b.call, b.callIndirect,
		b.block, b.block, b.loop, b.loop, b.branch, b.branch,
		b.jumpIf, b.jumpIf, b.jumpTable, b.jump,
		b.growMemory, b.moveMemory, b.moveMemory, b.moveTable, b.moveTable, b.setTable,
		b.drop,
	}
	choice := b.below(len(steps) + 1)
	if choice == 0 {
		// The function itself goes on as long as there are bytes for it.
		return len(b.labels) == 1 && len(b.rest) > 0
	}
	steps[choice-1]()
	return true
}

func (b *body) setLocal() {
	if len(b.locals) == 0 {
		return
	}
	i := b.below(len(b.locals))
	if slices.Contains(b.counters, i) {
		return
	}
	b.operands(b.locals[i])
	if b.one(2) {
		b.emitIndex(opLocalTee, i)
		b.push(b.locals[i])
		return
	}
	b.emitIndex(opLocalSet, i)
}

func (b *body) setGlobal() {
	i := b.below(len(b.program.Globals))
	if v := b.program.Globals[i]; v.Mutable && i != guard && i != digest {
		b.operands(v.Type)
		b.emitIndex(opGlobalSet, i)
	}
}

func (b *body) drop() {
	if len(b.stack) > b.top().base {
		t := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if b.one(4) {
			b.emit(opDrop)
		} else {
			b.sink(t)
		}
	}
}

// address pushes an address that mostly lies in the memory.
func (b *body) address() {
	b.operands(I32)
	b.push(I32)
	b.mask()
}

// mask makes an address of the topmost value.
func (b *body) mask() {
	if !b.one(48) {
		b.emit(append(Const(int32(1<<(4+b.below(12)))-1), opAnd)...)
	}
}

func (b *body) store() {
	a := accesses[b.below(len(accesses))]
	if !b.program.Memory || !a.store {
		return
	}
	b.address()
	b.operands(I32, a.value)
	b.access(a)
}

// access is a load or store whose operands are there.
func (b *body) access(a access) {
	offset := b.below(64)
	if b.one(48) {
		offset = b.below(1 << 16)
	}
	b.emit(slices.Concat(a.code, U32(uint32(b.below(int(a.size)+1))), U32(uint32(offset)))...)
	if a.lanes > 0 {
		b.emit(byte(b.below(int(a.lanes))))
	}
}

func (b *body) call() {
	i := b.below(len(b.functions))
	f := b.functions[i].signature
	b.operands(f.Params...)
	b.emitIndex(opCall, i)
	b.push(f.Results...)
}

func (b *body) callIndirect() {
	table, ok := b.table(FuncRef)
	if !ok {
		return
	}
	f := b.functions[b.below(len(b.functions))]
	b.operands(f.signature.Params...)
	b.push(f.signature.Params...)
	b.entry(table)
	b.operands(append(slices.Clone(f.signature.Params), I32)...)
	b.emitIndex(opCallIndirect, int(f.typeIndex))
	b.emit(U32(uint32(table))...)
	b.push(f.signature.Results...)
}

// table picks a table of a type.
func (b *body) table(t ValueType) (index int, ok bool) {
	var fit []int
	for i, have := range b.program.Tables {
		if have == t {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return fit[b.below(len(fit))], true
}

// entry pushes an index that mostly lies in a table.
func (b *body) entry(table int) {
	if least := b.tableMin[table]; least > 0 && !b.one(48) {
		b.emit(Const(int32(b.below(least)))...)
		b.push(I32)
		return
	}
	b.value(I32)
}

// blockType writes the type of a block in one of the ways that fit.
func (b *body) blockType(s Signature) {
	switch {
	case len(s.Params) == 0 && len(s.Results) == 0 && !b.one(4):
		b.emit(noResult)
	case len(s.Params) == 0 && len(s.Results) == 1 && !b.one(4):
		b.emit(s.Results[0])
	default:
		b.emit(S64(int64(b.module.Type(s)))...)
	}
}

// begin begins a structured instruction: false when there is no room for it.
func (b *body) begin(op byte, condition ...ValueType) (s Signature, ok bool) {
	if len(b.labels) >= bodyBlocks {
		return s, false
	}
	s = Signature{b.typesAmong(allTypes, 2), b.typesAmong(allTypes, 2)}
	b.operands(append(slices.Clone(s.Params), condition...)...)
	b.emit(op)
	b.blockType(s)
	return s, true
}

func (b *body) block() {
	if s, ok := b.begin(opBlock); ok {
		b.enter(s.Params, s.Results, s.Results)
		b.fill()
		b.emit(opEnd)
	}
}

func (b *body) branch() {
	s, ok := b.begin(opIf, I32)
	if !ok {
		return
	}
	b.enter(s.Params, s.Results, s.Results)
	b.fill()
	if !slices.Equal(s.Params, s.Results) || !b.one(3) {
		b.emit(opElse)
		b.stack = b.stack[:len(b.stack)-len(s.Results)]
		b.enter(s.Params, s.Results, s.Results)
		b.fill()
	}
	b.emit(opEnd)
}

// loop makes a loop that is left by a return after some rounds, if not before. One in many has no such end.
func (b *body) loop() {
	endless := b.one(32)
	rounds := []int{1, 2, 3, 5, 8, 100, 2, 3000}[b.below(8)]
	counter := b.local(I32)
	b.counters = append(b.counters, counter)
	b.emit(Set(uint32(counter), Const(int32(rounds)))...)
	s, ok := b.begin(opLoop)
	if !ok {
		return
	}
	b.enter(s.Params, s.Params, s.Results)
	b.top().loop = true
	if !endless {
		b.emit(slices.Concat(Get(uint32(counter)), Const(1), Code{opSub, opLocalTee}, U32(uint32(counter)),
			Const(0), Code{opLess})...)
		b.leave()
	}
	for b.left > 0 && b.step() {
	}
	b.operands(append(slices.Clone(s.Params), I32)...)
	b.emit(opBrIf, 0)
	b.push(s.Params...)
	b.finish()
	b.emit(opEnd)
}

// target picks a label.
func (b *body) target() (depth int, l label) {
	depth = b.below(len(b.labels))
	return depth, b.labels[len(b.labels)-1-depth]
}

// die is what comes behind an unconditional jump.
func (b *body) die() {
	l := b.top()
	l.dead = true
	b.stack = b.stack[:l.base]
}

func (b *body) jump() {
	switch b.below(8) {
	case 0:
		b.operands(b.signature.Results...)
		b.emit(opReturn)
	case 1:
		if !b.one(4) {
			return
		}
		b.emit(opUnreachable)
	default:
		depth, l := b.target()
		b.operands(l.operands...)
		b.emitIndex(opBr, depth)
	}
	b.die()
}

func (b *body) jumpIf() {
	depth, l := b.target()
	b.operands(append(slices.Clone(l.operands), I32)...)
	b.emitIndex(opBrIf, depth)
	b.push(l.operands...)
}

func (b *body) jumpTable() {
	_, l := b.target()
	var fit []int
	for depth := range b.labels {
		if slices.Equal(b.labels[len(b.labels)-1-depth].operands, l.operands) {
			fit = append(fit, depth)
		}
	}
	b.operands(append(slices.Clone(l.operands), I32)...)
	entries := b.below(6)
	b.emitIndex(opBrTable, entries)
	for range entries + 1 {
		b.emit(U32(uint32(fit[b.below(len(fit))]))...)
	}
	b.die()
}

// length pushes how much an instruction shall move: little, a border of what is moved in one step, or anything.
func (b *body) length(little int, borders ...int32) {
	switch choice := b.below(len(borders) + 24); {
	case choice < len(borders):
		b.emit(Const(borders[choice])...)
		b.push(I32)
	case choice == len(borders):
		b.value(I32)
	default:
		b.emit(Const(int32(b.below(little)))...)
		b.push(I32)
	}
}

func (b *body) growMemory() {
	if b.program.Memory {
		b.emit(append(Const(int32(b.below(3))), opMemoryGrow, 0)...)
		b.push(I32)
	}
}

func (b *body) moveMemory() {
	if !b.program.Memory {
		return
	}
	op := []int{miscMemoryCopy, miscMemoryFill, miscMemoryInit, miscDataDrop}[b.below(4)]
	if b.data == 0 && (op == miscMemoryInit || op == miscDataDrop) {
		return
	}
	if op == miscDataDrop {
		b.emit(prefixMisc, miscDataDrop)
		b.emit(U32(uint32(b.below(b.data)))...)
		return
	}
	b.address()
	if op == miscMemoryInit && !b.one(4) {
		b.emit(Const(int32(b.below(3)))...)
		b.push(I32)
	} else {
		b.value(I32)
		if op == miscMemoryCopy {
			b.mask()
		}
	}
	if op == miscMemoryInit {
		b.length(4, 1<<16, 1<<16+1)
	} else {
		b.length(100, 0, 1<<16-1, 1<<16, 1<<16+1, 1<<17, 1<<17+1, 200_000)
	}
	b.operands(I32, I32, I32)
	b.emit(prefixMisc, byte(op))
	switch op {
	case miscMemoryCopy:
		b.emit(0, 0)
	case miscMemoryFill:
		b.emit(0)
	case miscMemoryInit:
		b.emit(append(U32(uint32(b.below(b.data))), 0)...)
	}
}

func (b *body) moveTable() {
	if len(b.program.Tables) == 0 {
		return
	}
	i := b.below(len(b.program.Tables))
	t := b.program.Tables[i]
	switch b.below(5) {
	case 0:
		from, _ := b.table(t)
		b.entry(i)
		b.entry(from)
		b.length(4, 0, 8191, 8192, 8193, 9000)
		b.operands(I32, I32, I32)
		b.emit(slices.Concat(Code{prefixMisc, miscTableCopy}, U32(uint32(i)), U32(uint32(from)))...)
	case 1:
		b.entry(i)
		b.operands(I32, t)
		b.push(I32, t)
		b.length(4, 0, 8191, 8192, 8193, 9000)
		b.operands(I32, t, I32)
		b.emit(append(Code{prefixMisc, miscTableFill}, U32(uint32(i))...)...)
	case 2:
		segment := b.below(len(b.elements))
		if b.elements[segment] != t {
			return
		}
		b.entry(i)
		b.emit(slices.Concat(Const(0), Const(int32(b.below(3))))...)
		b.push(I32, I32)
		b.operands(I32, I32, I32)
		b.emit(slices.Concat(Code{prefixMisc, miscTableInit}, U32(uint32(segment)), U32(uint32(i)))...)
	case 3:
		b.emit(append(Code{prefixMisc, miscElemDrop}, U32(uint32(b.below(len(b.elements))))...)...)
	case 4:
		b.operands(t)
		b.push(t)
		b.length(3, 1, 2, 9000)
		b.operands(t, I32)
		b.emit(append(Code{prefixMisc, miscTableGrow}, U32(uint32(i))...)...)
		b.push(I32)
	}
}

func (b *body) setTable() {
	if len(b.program.Tables) > 0 {
		i := b.below(len(b.program.Tables))
		b.entry(i)
		b.operands(I32, b.program.Tables[i])
		b.emitIndex(opTableSet, i)
	}
}

// value pushes a value of a type.
func (b *body) value(t ValueType) {
	b.left--
	defer func(depth, floor int) { b.depth, b.floor = depth, floor }(b.depth, b.floor)
	b.depth++
	b.floor = len(b.stack)
	if b.left <= 0 || b.depth > bodyDepth || !b.compound(t) {
		b.emit(b.constant(t)...)
		b.push(t)
	}
}

// compound pushes a value of a type that is not a constant. It is false when what it picked is not there.
func (b *body) compound(t ValueType) bool {
	switch b.below(14) {
	case 1, 2, 3:
		return b.read(opLocalGet, b.locals, t)
	case 4:
		var types []ValueType
		for _, v := range b.program.Globals {
			types = append(types, v.Type)
		}
		return b.read(opGlobalGet, types, t)
	case 5, 6, 7, 8:
		return b.compute(t)
	case 9:
		return b.load(t)
	case 10:
		return b.selectValue(t)
	case 11:
		return b.blockValue(t)
	case 12:
		return b.special(t)
	case 13:
		return b.callValue(t)
	}
	return false
}

// read pushes a local or global of a type.
func (b *body) read(op byte, types []ValueType, t ValueType) bool {
	var fit []int
	for i, have := range types {
		if have == t {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return false
	}
	b.emitIndex(op, fit[b.below(len(fit))])
	b.push(t)
	return true
}

func (b *body) compute(t ValueType) bool {
	choice := operations[t]
	if len(choice) == 0 {
		return false
	}
	o := choice[b.below(len(choice))]
	b.operands(o.operands...)
	b.emit(b.tamed(o.code)...)
	if o.lanes > 0 {
		b.emit(byte(b.below(int(o.lanes))))
	}
	b.push(t)
	return true
}

// tamed is an instruction, or where that may trap, mostly one in its place that does not.
func (b *body) tamed(code Code) Code {
	if b.one(8) {
		return code
	}
	switch op := code[0]; {
	case op >= 0x6d && op <= 0x70: // division of i32: by an odd number
		return Code{opConst, 1, opOr, op}
	case op >= 0x7f && op <= 0x82: // division of i64
		return Code{opConst64, 1, 0x84, op}
	case op >= 0xa8 && op <= 0xab: // conversions to i32: those that saturate
		return Code{prefixMisc, op - 0xa8}
	case op >= 0xae && op <= 0xb1: // conversions to i64
		return Code{prefixMisc, op - 0xae + 4}
	}
	return code
}

func (b *body) load(t ValueType) bool {
	var fit []access
	for _, a := range accesses {
		if !a.store && a.value == t {
			fit = append(fit, a)
		}
	}
	if !b.program.Memory || len(fit) == 0 {
		return false
	}
	a := fit[b.below(len(fit))]
	b.address()
	if a.lanes > 0 {
		b.operands(I32, V128)
	} else {
		b.operands(I32)
	}
	b.access(a)
	b.push(t)
	return true
}

func (b *body) selectValue(t ValueType) bool {
	b.operands(t, t, I32)
	if t == FuncRef || t == ExternRef || b.one(2) {
		b.emit(opSelectTyped, 1, t)
	} else {
		b.emit(opSelect)
	}
	b.push(t)
	return true
}

func (b *body) blockValue(t ValueType) bool {
	if len(b.labels) >= bodyBlocks {
		return false
	}
	results := []ValueType{t}
	b.emit(opBlock, t)
	b.enter(nil, results, results)
	b.fill()
	b.emit(opEnd)
	return true
}

// special pushes a value that only some types have.
func (b *body) special(t ValueType) bool {
	switch {
	case t == V128:
		b.operands(V128, V128)
		b.emit(prefixVector, vectorShuffle)
		for range 16 {
			b.emit(byte(b.below(32)))
		}
	case t == FuncRef && b.one(2):
		b.emitIndex(opRefFunc, b.below(len(b.functions)))
	case t == FuncRef, t == ExternRef:
		table, ok := b.table(t)
		if !ok {
			return false
		}
		b.entry(table)
		b.operands(I32)
		b.emitIndex(opTableGet, table)
	case t == I32:
		return b.measure()
	default:
		return false
	}
	b.push(t)
	return true
}

// measure pushes a size, grows the memory, or looks at a reference.
func (b *body) measure() bool {
	switch choice := b.below(5); {
	case choice == 0 && b.program.Memory:
		b.emit(opMemorySize, 0)
	case choice == 1 && b.program.Memory:
		if b.one(8) {
			b.operands(I32)
		} else {
			b.emit(Const(int32(b.below(3)))...)
		}
		b.emit(opMemoryGrow, 0)
	case choice == 2 && len(b.program.Tables) > 0:
		b.emit(append(Code{prefixMisc, miscTableSize}, U32(uint32(b.below(len(b.program.Tables))))...)...)
	case choice == 3:
		b.operands([]ValueType{FuncRef, ExternRef}[b.below(2)])
		b.emit(opRefIsNull)
	default:
		return false
	}
	b.push(I32)
	return true
}

// callValue calls a function for its result alone.
func (b *body) callValue(t ValueType) bool {
	var fit []int
	for i, f := range b.functions {
		if slices.Equal(f.signature.Results, []ValueType{t}) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return false
	}
	i := fit[b.below(len(fit))]
	b.operands(b.functions[i].signature.Params...)
	b.emitIndex(opCall, i)
	b.push(t)
	return true
}
