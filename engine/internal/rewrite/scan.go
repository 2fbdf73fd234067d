package rewrite

import (
	"fmt"
	"math"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// function is what is known of a function with a body.
type function struct {
	first, last int       // its events
	locals      wasm.Span // their declaration
	code        wasm.Span
	count       uint32 // of parameters and locals
	frames      int    // of its blocks, itself included
	blocks      int    // as the compiler sees them, but for charges
	frame       uint32 // the weight of its stack frame, in bytes

	callsIndirect bool
	scratch       scratch // what it needs beside its locals

	firstMark, lastMark int // its marks

	// What charge decides.
	entry  uint32 // what its entry pays, or has its callers pay
	pays   bool   // it pays at its entry
	counts bool   // it counts its frame
	stack  uint32 // what it takes of the stack with those it calls that do not count, in bytes
	opens  bool   // it may come to a call_indirect, or to a function that counts
	state  state
}

// event is a place in a function that something is done about: an instruction that is replaced, that control flow comes
// from or goes to, or where code may pay.
type event struct {
	at, end uint32 // where the instruction lies in the module
	kind    kind
	leaves  bool   // of a branch: it leaves the innermost loop, so that it is not taken as often as the code goes on
	arg     uint32 // by kind: a block's frame, a function, a helper, where the labels begin
	cost    uint32 // of the instructions between this event and the one before it
	weight  uint32 // of this one
	// What charge decides: what is paid before the instruction, after it, and when it branches back to a loop.
	before, after, back uint32
}

type kind uint8

const (
	kindPlace    kind = iota // of a charge, if one is needed
	kindLoop                 // arg: the frame
	kindIf                   // arg: the frame
	kindElse                 // arg: the frame
	kindEnd                  // of a block or an if; arg: the frame
	kindBr                   // arg: the frame it goes to
	kindBrIf                 // arg: the frame it goes to
	kindBack                 // br to a loop; arg: its frame
	kindBackIf               // br_if to a loop without parameters; arg: its frame
	kindBrTable              // arg: where its frames begin in labels; how many follow it there
	kindReturn               // or unreachable; arg: how many blocks it is in
	kindCall                 // arg: the function
	kindIndirect             // call_indirect
	kindRefFunc              // arg: the function
	kindHelper               // calls a helper instead; arg: the helper
	kindBulk                 // memory.copy or fill; arg: the helper for long ones
	kindPages                // memory.size
	kindDirty                // arg: 0
	kindFinish               // the end of the function
)

// frameExit marks the frame of the function itself among a function's frames.
const frameExit = 0

// scan reads all functions.
func (r *rewriter) scan() error {
	if len(r.Wasm) > math.MaxInt32 {
		return tooMany("bytes", len(r.Wasm), math.MaxInt32)
	}
	r.functions = make([]function, len(r.Bodies))
	size := 0
	for _, body := range r.Bodies {
		size += body.Len()
	}
	r.events = make([]event, 0, size/8+16)
	s := scanner{rewriter: r}
	for i, body := range r.Bodies {
		if err := s.function(i, body); err != nil {
			return fmt.Errorf("function %d: %w", r.ImportedFunctions+i, err)
		}
	}
	return nil
}

// scanner reads one function after the other.
type scanner struct {
	*rewriter
	f      *function
	code   *wasm.Code
	blocks []block
	loops  []int  // those of the blocks that are loops
	cost   uint32 // of the instructions since the last event
	nodes  int    // blocks that the compiler will make
	// branches counts the entries of br_table instructions.
	branches int
	frames   frameEstimate
	height   stackHeight
	// constant is the value of the instruction before, when it is an i32.const.
	constant    int64
	hasConstant bool
	tracker     tracker
	// dead says that the code is not reached.
	dead bool
}

// block is a block that the scanner is in.
type block struct {
	op    byte // 0 for the function
	frame uint32
	joint joint
	note  int  // of the tracker
	lost  bool // it lies in code that is lost
	// The height of the operand stack below the block, and how much higher it is at the block's beginning and at its end.
	below, params, results int
}

func (s *scanner) function(i int, body wasm.Span) error {
	if body.Len() > s.limits.MaxBodySize {
		return tooMany("bytes of code", body.Len(), s.limits.MaxBodySize)
	}
	s.f = &s.functions[i]
	*s.f = function{first: len(s.events), frames: 1}
	s.blocks, s.loops = append(s.blocks[:0], block{frame: frameExit}), s.loops[:0]
	s.cost, s.nodes, s.branches, s.hasConstant, s.height, s.dead = 0, 1, 0, false, stackHeight{}, false
	s.tracker.begin()
	s.readLocals(s.Types[s.Functions[s.ImportedFunctions+i]].Params, body)

	s.code = wasm.NewCode(s.Wasm, s.f.code)
	var at wasm.Instruction
	for s.code.More() {
		s.code.Next(&at)
		if s.code.Err() != nil {
			break
		}
		if len(s.blocks) == 0 {
			return fmt.Errorf("byte %d: code after the end", at.Start)
		}
		s.instruction(&at)
	}
	if err := s.code.Err(); err != nil {
		return err
	}
	if len(s.blocks) > 0 {
		return fmt.Errorf("byte %d: the end is missing", s.f.code.End)
	}
	s.f.last, s.f.blocks = len(s.events), s.nodes
	s.placeMarks()
	s.f.frame = s.frames.weight()
	return s.checkShape()
}

// placeMarks decides where the function marks what it writes. Each mark makes a value that may have to be kept.
func (s *scanner) placeMarks() {
	s.f.firstMark = len(s.marks)
	if !s.density.unmarked {
		s.marks = s.tracker.marks(s.marks, s.rewriter.blocks())
	}
	s.f.lastMark = len(s.marks)
	for _, m := range s.marks[s.f.firstMark:] {
		s.frames.sets++
		if m.where == inOperand {
			s.f.scratch |= scratchAddress
			for i := range m.values {
				s.f.scratch |= scratchOf(m.values, i)
			}
		}
	}
}

// checkShape refuses functions that the compiler would take too long for.
func (s *scanner) checkShape() error {
	if s.branches > s.limits.MaxBranches {
		return tooMany("entries of br_table", s.branches, s.limits.MaxBranches)
	}
	if s.nodes > s.limits.MaxBlocks {
		return tooMany("blocks", s.nodes, s.limits.MaxBlocks)
	}
	if product := s.nodes * int(s.f.count); product > s.limits.MaxBodyBlocks {
		return tooMany(fmt.Sprintf("%d blocks times %d locals", s.nodes, s.f.count), product, s.limits.MaxBodyBlocks)
	}
	if s.f.frame > s.limits.MaxFrame {
		return tooMany("bytes of a stack frame", int(s.f.frame), int(s.limits.MaxFrame))
	}
	return nil
}

func (s *scanner) readLocals(params []byte, body wasm.Span) {
	r := wasm.NewReader(s.Wasm, body)
	s.frames = frameEstimate{}
	for _, t := range params {
		s.frames.local(t, 1)
	}
	s.f.count = uint32(len(params))
	for range r.Count() {
		n := r.U32()
		s.frames.local(r.ValueType(), n)
		s.f.count += n
	}
	s.f.locals = wasm.Span{Start: body.Start, End: r.Pos()}
	s.f.code = r.Rest()
}

func (s *scanner) instruction(i *wasm.Instruction) {
	constant := s.hasConstant
	s.hasConstant = false
	switch i.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		s.enter(i)
	case wasm.OpElse:
		s.orElse(i)
	case wasm.OpEnd:
		s.leave(i)
	case wasm.OpBr:
		s.branch(i, kindBr)
	case wasm.OpBrIf:
		s.branch(i, kindBrIf)
	case wasm.OpBrTable:
		s.branchTable(i)
	case wasm.OpReturn, wasm.OpUnreachable:
		s.height.now, s.dead, s.tracker.lost = s.height.base, true, true
		s.event(i, kindReturn, uint32(len(s.blocks)-1), 1)
	case wasm.OpCall, wasm.OpCallIndirect, wasm.OpRefFunc:
		s.call(i)
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		if i.A >= int64(s.f.count) {
			s.code.Fail("local %d of %d", i.A, s.f.count)
		}
		if i.Op != wasm.OpLocalGet {
			s.frames.set(&s.blocks[len(s.blocks)-1].joint, i.A)
			s.tracker.set(i.A)
		}
		s.height.step(delta(i.Op))
		if i.Op != wasm.OpLocalSet {
			s.tracker.operand(s.height.now-1, s.tracker.local(i.A))
		}
		s.cost++
	case wasm.OpGlobalGet, wasm.OpGlobalSet:
		s.height.step(delta(i.Op))
		s.global(i)
	case wasm.OpI32Const:
		s.hasConstant, s.constant = true, i.A
		s.height.step(1)
		s.tracker.operand(s.height.now-1, origin{known: knownConstant, arg: uint32(i.A)})
		s.cost++
	case wasm.OpMemorySize, wasm.OpMemoryGrow, wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit:
		s.memory(i, constant)
	case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill, wasm.OpTableCopy, wasm.OpTableInit, wasm.OpDataDrop,
		wasm.OpElemDrop:
		s.table(i)
	default:
		s.plain(i)
	}
	s.height.wait(&s.frames, registers)
	if s.cost > s.density.cost/2 {
		s.place(i.End)
	}
}

// plain is for instructions that nothing is done about.
func (s *scanner) plain(i *wasm.Instruction) {
	s.cost += weight(i.Op)
	if stored := storedType(i.Op); stored != nil {
		s.writes(i, uint32(i.A), stored)
		s.height.step(delta(i.Op))
	} else if s.height.step(delta(i.Op)); i.Op == wasm.OpI32WrapI64 {
		s.tracker.wrap(s.height.now - 1)
	} else {
		s.tracker.forget(s.height.now, 1)
	}
	if i.Op >= wasm.Vector {
		s.frames.vectors = true
	} else if i.Op < wasm.Misc && computesFloats[i.Op] {
		s.frames.saves = true
	}
}

// writes notes an instruction that writes to memory. Its address lies below values of the given types.
func (s *scanner) writes(i *wasm.Instruction, offset uint32, values []byte) {
	s.tracker.write(i, s.height.now-1-len(values), offset, values)
}

// event notes an instruction.
func (s *scanner) event(i *wasm.Instruction, k kind, arg, weight uint32) {
	s.height.wait(&s.frames, 0) // there may be a charge
	s.events = append(s.events,
		event{at: uint32(i.Start), end: uint32(i.End), kind: k, arg: arg, cost: s.cost, weight: weight})
	s.cost = 0
}

// place notes a place between two instructions where code may pay.
func (s *scanner) place(at int) {
	s.event(&wasm.Instruction{Span: wasm.Span{Start: at, End: at}}, kindPlace, 0, 0)
}

func (s *scanner) enter(i *wasm.Instruction) {
	if i.A >= int64(len(s.Types)) {
		s.code.Fail("a block has type %d of %d", i.A, len(s.Types))
		return
	}
	if len(s.blocks) > s.limits.MaxNesting {
		s.code.Fail("%w", tooMany("blocks in one another", len(s.blocks), s.limits.MaxNesting))
		return
	}
	frame := uint32(s.f.frames)
	s.f.frames++
	b := block{op: byte(i.Op), frame: frame, lost: s.tracker.lost, joint: joint{sets: s.frames.sets}}
	if i.Op != wasm.OpBlock { // the head of a loop is reached from above, the end of an if by its condition
		b.joint.way(i.Start)
	}
	if i.A >= 0 {
		b.params, b.results = len(s.Types[i.A].Params), len(s.Types[i.A].Results)
	} else if i.A != wasm.BlockEmpty {
		b.results = 1
	}
	if i.Op == wasm.OpIf {
		s.height.step(-1)
	}
	b.below = max(s.height.now-b.params, s.height.base)
	s.height.base = b.below
	s.tracker.forget(s.height.now, b.params)
	b.note = s.tracker.note(i)
	s.blocks = append(s.blocks, b)
	switch i.Op {
	case wasm.OpLoop:
		s.loops = append(s.loops, len(s.blocks)-1)
		s.nodes += 2
		s.event(i, kindLoop, frame, 0)
	case wasm.OpIf:
		s.nodes += 3
		s.event(i, kindIf, frame, 1)
	default:
		s.nodes++
	}
}

func (s *scanner) orElse(i *wasm.Instruction) {
	top := &s.blocks[len(s.blocks)-1]
	if top.op != wasm.OpIf {
		s.code.Fail("else without if")
		return
	}
	top.op = wasm.OpElse
	top.joint.ways-- // the condition leads here and not to the end
	if !s.dead {
		top.joint.way(i.Start)
	}
	s.dead, s.tracker.lost = false, top.lost
	s.height.now = top.below + top.params
	s.tracker.forget(s.height.now, top.params)
	s.tracker.note(i)
	s.event(i, kindElse, top.frame, 0)
}

func (s *scanner) leave(i *wasm.Instruction) {
	top := s.blocks[len(s.blocks)-1]
	s.blocks = s.blocks[:len(s.blocks)-1]
	if !s.dead && top.op != wasm.OpLoop {
		top.joint.way(i.Start)
	}
	s.dead, s.tracker.lost = s.dead && (top.op == wasm.OpLoop || top.joint.ways == 0), top.lost
	if n := len(s.blocks); n > 0 {
		s.frames.leave(&top.joint, &s.blocks[n-1].joint)
		s.height.base = s.blocks[n-1].below
		s.height.now = top.below + top.results
		s.height.counted = min(s.height.counted, top.below)
		s.tracker.forget(s.height.now, top.results)
		if s.tracker.note(i); top.op == wasm.OpLoop {
			s.tracker.notes[top.note].sets = top.joint.set
		}
	}
	switch top.op {
	case 0:
		s.event(i, kindFinish, frameExit, 0)
	case wasm.OpLoop:
		s.loops = s.loops[:len(s.loops)-1]
	default:
		s.event(i, kindEnd, top.frame, 0)
	}
}

// target is the frame that a label names. A loop's is marked.
func (s *scanner) target(depth int64) uint32 {
	if depth >= int64(len(s.blocks)) {
		s.code.Fail("label %d of %d", depth, len(s.blocks))
		return frameExit
	}
	b := &s.blocks[len(s.blocks)-1-int(depth)]
	b.joint.way(s.code.At())
	switch b.op {
	case wasm.OpLoop:
		return b.frame | toLoop
	case 0:
	default:
		s.tracker.branch(b.note)
	}
	return b.frame
}

// toLoop marks the frame of a loop, which branches go back to.
const toLoop = 1 << 31

func (s *scanner) branch(i *wasm.Instruction, k kind) {
	s.nodes++
	target := s.target(i.A)
	if s.height.step(-1); k == kindBr {
		s.height.now, s.dead, s.tracker.lost = s.height.base, true, true
	}
	if target&toLoop != 0 && k == kindBr {
		k = kindBack
	} else if target&toLoop != 0 && s.blocks[len(s.blocks)-1-int(i.A)].params == 0 {
		k = kindBackIf
	}
	s.event(i, k, target, 1)
	s.events[len(s.events)-1].leaves = len(s.blocks)-1-int(i.A) < s.innermostLoop()
}

// innermostLoop is where the innermost loop that the code is in stands in blocks, or -1.
func (s *scanner) innermostLoop() int {
	if n := len(s.loops); n > 0 {
		return s.loops[n-1]
	}
	return -1
}

func (s *scanner) branchTable(i *wasm.Instruction) {
	if s.branches += int(i.A); s.branches > s.limits.MaxBranches {
		return // refused at the end
	}
	s.nodes += int(i.A)
	s.height.now, s.dead, s.tracker.lost = s.height.base, true, true
	s.event(i, kindBrTable, uint32(len(s.labels)), weightBranchTable)
	count := len(s.labels)
	s.labels = append(s.labels, 0)
	last := uint32(math.MaxUint32)
	s.code.Labels(i, func(depth uint32) {
		if depth != last { // neighbours are often the same
			s.labels = append(s.labels, s.target(int64(depth)))
		}
		last = depth
	})
	s.labels[count] = uint32(len(s.labels) - count - 1)
}

func (s *scanner) call(i *wasm.Instruction) {
	if i.Op == wasm.OpCallIndirect {
		if i.A >= int64(len(s.Types)) {
			s.code.Fail("call_indirect of type %d of %d", i.A, len(s.Types))
			return
		}
		s.f.callsIndirect = true
		s.height.step(-1)
		s.passes(s.Types[i.A])
		s.event(i, kindIndirect, 0, weightCallIndirect+mostIndirect)
		return
	}
	if i.A >= int64(len(s.Functions)) {
		s.code.Fail("function %d of %d", i.A, len(s.Functions))
		return
	}
	callee := uint32(i.A)
	switch {
	case i.Op == wasm.OpRefFunc && !s.declared[callee]:
		s.code.Fail("a reference to function %d, which nothing declares", callee)
	case i.Op == wasm.OpRefFunc:
		s.indirect[callee] = true
		s.height.step(1)
		s.tracker.forget(s.height.now, 1)
		s.event(i, kindRefFunc, callee, 1)
	case s.imported(callee):
		s.passes(s.Types[s.Functions[callee]])
		s.event(i, kindCall, callee, weightCallImport)
	default:
		s.passes(s.Types[s.Functions[callee]])
		s.event(i, kindCall, callee, weightCall)
	}
}

// passes is for a call of a function of a type.
func (s *scanner) passes(t wasm.FuncType) {
	s.frames.call(t)
	s.tracker.globals++
	s.height.wait(&s.frames, len(t.Params))
	s.height.step(len(t.Results) - len(t.Params))
	s.tracker.forget(s.height.now, len(t.Results))
}

func (s *scanner) global(i *wasm.Instruction) {
	if i.A >= int64(len(s.Globals)) {
		s.code.Fail("global %d of %d", i.A, len(s.Globals))
		return
	}
	switch {
	case i.Op == wasm.OpGlobalSet:
		s.tracker.globals++
	case s.Globals[i.A].Type == wasm.I32:
		s.tracker.operand(s.height.now-1, origin{known: knownGlobal, arg: uint32(i.A), version: s.tracker.globals})
	default:
		s.tracker.forget(s.height.now, 1)
	}
	if i.Op == wasm.OpGlobalSet && wasm.IsRef(s.Globals[i.A].Type) {
		s.event(i, kindDirty, 0, 1)
		return
	}
	s.cost++
}

func (s *scanner) memory(i *wasm.Instruction, constant bool) {
	if len(s.Memories) == 0 {
		s.code.Fail("there is no memory")
		return
	}
	virtual := s.ImportedMemories == 0
	if constant && (i.Op == wasm.OpMemoryCopy || i.Op == wasm.OpMemoryFill) && 0 <= s.constant && s.constant <= smallBulk {
		s.writes(i, 0, twoNumbers)
	}
	if i.Op != wasm.OpMemoryGrow {
		s.height.step(delta(i.Op))
	}
	if i.Op == wasm.OpMemoryGrow || i.Op == wasm.OpMemorySize {
		s.tracker.forget(s.height.now, 1)
	}
	switch i.Op {
	case wasm.OpMemorySize:
		if s.cost++; virtual {
			s.event(i, kindPages, 0, 0)
		}
	case wasm.OpMemoryGrow:
		s.event(i, kindHelper, s.helpers.find(helperMemoryGrow, 0, 0), weightMemoryGrow)
	case wasm.OpMemoryInit:
		if i.A >= int64(len(s.Data)) {
			s.code.Fail("data segment %d of %d", i.A, len(s.Data))
			return
		}
		if !s.HasDataCount {
			s.code.Fail("memory.init without a data count section")
			return
		}
		s.event(i, kindHelper, s.helpers.find(helperMemoryInit, uint32(i.A), 0), weightBulk)
	case wasm.OpMemoryCopy, wasm.OpMemoryFill:
		s.frames.saves = true
		s.frames.waiting += bulkValues
		s.bulk(i, constant)
	}
}

// bulk handles memory.copy and memory.fill. Short ones stay as they are; their length often is a constant.
func (s *scanner) bulk(i *wasm.Instruction, constant bool) {
	helper := helperMemoryCopy
	if i.Op == wasm.OpMemoryFill {
		helper = helperMemoryFill
	}
	switch {
	case constant && 0 <= s.constant && s.constant <= smallBulk:
		s.cost += weightBulk
		s.nodes += bulkBlocks
	case constant:
		s.event(i, kindHelper, s.helpers.find(helper, 0, 0), weightBulk)
	default:
		s.f.scratch |= scratchCount | scratchAddress | scratchI32
		s.nodes += bulkBlocks
		s.event(i, kindBulk, s.helpers.find(helper, 0, 0), weightBulk)
	}
}

// bulkBlocks is how many blocks the compiler makes of memory.copy or memory.fill, and of what is built in around it.
const bulkBlocks = 10

// bulkValues is how many values it makes in them.
const bulkValues = 8

func (s *scanner) table(i *wasm.Instruction) {
	tables, elements := int64(len(s.Tables)), int64(len(s.Elements))
	ok := true
	switch i.Op {
	case wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill:
		ok = i.A < tables
	case wasm.OpTableCopy:
		ok = i.A < tables && i.B < tables && s.Tables[i.A].RefType == s.Tables[i.B].RefType
	case wasm.OpTableInit:
		ok = i.A < elements && i.B < tables && s.Elements[i.A].Type == s.Tables[i.B].RefType
	case wasm.OpElemDrop:
		ok = i.A < elements
	case wasm.OpDataDrop:
		ok = i.A < int64(len(s.Data)) && s.HasDataCount
	}
	if !ok {
		s.code.Fail("an instruction for a table or segment that is not there or of another type")
		return
	}
	switch i.Op {
	case wasm.OpTableGrow:
		s.height.step(-1)
		s.tracker.forget(s.height.now, 1)
	case wasm.OpTableSet, wasm.OpTableFill, wasm.OpTableCopy, wasm.OpTableInit:
		s.height.step(delta(i.Op))
	}
	switch i.Op {
	case wasm.OpTableSet:
		s.event(i, kindDirty, 0, 2)
	case wasm.OpDataDrop, wasm.OpElemDrop:
		s.event(i, kindDirty, 0, weightDrop)
	default:
		s.event(i, kindHelper, s.helpers.find(helperOf(i.Op), uint32(i.A), uint32(i.B)), weightTable)
	}
}
