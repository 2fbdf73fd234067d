package rewrite

import (
	"math/bits"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// frameEstimate estimates how much of the stack a function's frame takes once it is compiled.
//
// The compiler gives a slot of the frame to each value that does not stay in a register, and never the same slot to two of
// them. So the frame grows with the number of values in the code, not of those that are alive at a time:
//
//   - each instruction that sets a local makes one,
//   - each local that was set in a block makes one where ways come together: at the end of the block, or at the head of
//     a loop,
//   - results of instructions make one each while they wait on the stack. They count when a call comes meanwhile, which
//     any charge may be, or when more of them wait than there are registers.
//
// All together are the most that there can be, and hostile code comes to as much. Most real code needs less than a third
// of it. The weight is half of it.
type frameEstimate struct {
	locals  uint64 // how many, parameters included
	sets    uint64
	joins   uint64 // values where ways come together
	waiting uint64 // values that wait on the stack
	args    uint64 // the most slots that a call passes
	saves   bool   // it saves vector registers: it computes with floating-point numbers, or calls the runtime's memmove
	vectors bool
}

// joint is what a block tells when it ends.
type joint struct {
	set  [4]uint64 // which locals were set in it, a bit for each, when there are no more than bits
	sets uint64    // how many sets there were before it
	ways int       // how many ways lead to the block's label
	last int       // the instruction that the last of them comes from
}

func (f *frameEstimate) local(t byte, count uint32) {
	f.locals += uint64(count)
	f.vectors = f.vectors || t == wasm.V128
	f.saves = f.saves || t == wasm.F32 || t == wasm.F64
}

func (f *frameEstimate) set(inside *joint, local int64) {
	f.sets++
	inside.set[local>>6&3] |= 1 << (local & 63)
}

// leave ends a block.
func (f *frameEstimate) leave(inside, outside *joint) {
	joins := 0
	for i, set := range inside.set {
		outside.set[i] |= set
		joins += bits.OnesCount64(set)
	}
	switch {
	case inside.ways < 2:
	case f.locals <= uint64(64*len(inside.set)):
		f.joins += uint64(joins)
	default:
		f.joins += min(f.sets-inside.sets, f.locals)
	}
}

// way is for a way to a block's label from the instruction at a place. A br_table is one way, however often it names it.
func (j *joint) way(from int) {
	if j.ways == 0 || j.last != from {
		j.ways++
	}
	j.last = from
}

func (f *frameEstimate) call(t wasm.FuncType) {
	f.args = max(f.args, uint64(len(t.Params)), uint64(len(t.Results)))
}

// weight is the estimate, in bytes.
func (f *frameEstimate) weight() uint32 {
	slot, base := uint64(8), uint64(frameBase)
	if f.vectors {
		slot = 16
	}
	if f.saves || f.vectors {
		base += frameSaves
	}
	return uint32(min(base+slot*f.args+slot*(f.locals+f.sets+f.joins+f.waiting)/2, maxFrame))
}

const (
	// frameBase is for what every frame has: the return address, the caller's frame pointer, saved registers. Bytes.
	frameBase = 64
	// frameSaves is for saved vector registers.
	frameSaves = 128
	// maxFrame keeps weights inside of a budget's 31 bits. No stack allows as much.
	maxFrame = 1 << 30
)

// registers is how many values wait in registers, about.
const registers = 12

// stackHeight follows the height of the operand stack.
type stackHeight struct {
	now  int
	base int // of the block that the code is in
	// counted is how many of the values on the stack have been counted as waiting.
	counted int
}

// step is for an instruction that leaves so many values more than it takes, or less.
func (h *stackHeight) step(delta int) {
	h.now = max(h.now+delta, h.base) // code that is never reached may take what is not there
	h.counted = min(h.counted, h.now)
}

// wait counts the values that wait while something takes place that leaves them no register, but for those it takes.
func (h *stackHeight) wait(f *frameEstimate, taken int) {
	if waiting := h.now - taken; waiting > h.counted {
		f.waiting += uint64(waiting - h.counted)
		h.counted = waiting
	}
}

// delta is how many values more than it takes an instruction leaves, for those that scan does not look at closer.
func delta(op wasm.Op) int {
	switch {
	case op < wasm.Misc:
		return int(deltas[op])
	case op >= wasm.Vector:
		return int(vectorDeltas[op-wasm.Vector])
	case op < wasm.OpMemoryInit: // truncations
		return 0
	case op == wasm.OpTableSize:
		return 1
	}
	return -3
}

var deltas = func() (table [256]int8) {
	fill := func(delta int8, first, last int) {
		for op := first; op <= last; op++ {
			table[op] = delta
		}
	}
	fill(-1, wasm.OpDrop, wasm.OpDrop)
	fill(-2, wasm.OpSelect, wasm.OpSelectTyped)
	fill(1, wasm.OpLocalGet, wasm.OpLocalGet)
	fill(-1, wasm.OpLocalSet, wasm.OpLocalSet)
	fill(1, wasm.OpGlobalGet, wasm.OpGlobalGet)
	fill(-1, wasm.OpGlobalSet, wasm.OpGlobalSet)
	fill(-2, wasm.OpTableSet, wasm.OpTableSet)
	fill(-2, wasm.OpI32Store, wasm.OpI64Store32)
	fill(1, wasm.OpMemorySize, wasm.OpMemorySize)
	fill(1, wasm.OpI32Const, wasm.OpF64Const)
	fill(-1, wasm.OpI32Eq, wasm.OpI32GeU)
	fill(-1, wasm.OpI64Eq, wasm.OpF64Ge)
	fill(-1, wasm.OpI32Add, wasm.OpI32Rotr)
	fill(-1, wasm.OpI64Add, wasm.OpI64Rotr)
	fill(-1, wasm.OpF32Add, wasm.OpF32Copysign)
	fill(-1, wasm.OpF64Add, wasm.OpF64Copysign)
	fill(1, wasm.OpRefNull, wasm.OpRefNull)
	fill(1, wasm.OpRefFunc, wasm.OpRefFunc)
	return table
}()

// vectorDeltas: most vector instructions take two operands.
var vectorDeltas = func() (table [256]int8) {
	for op := range table {
		table[op] = -1
	}
	for _, span := range [][3]int{
		{0, 0x00, 0x0a}, {-2, 0x0b, 0x0b}, {1, 0x0c, 0x0c}, {0, 0x0f, 0x16}, {0, 0x18, 0x19}, {0, 0x1b, 0x1b},
		{0, 0x1d, 0x1d}, {0, 0x1f, 0x1f}, {0, 0x21, 0x21}, {0, 0x4d, 0x4d}, {-2, 0x52, 0x52}, {0, 0x53, 0x53},
		{-2, 0x58, 0x5b}, {0, 0x5c, 0x64}, {0, 0x67, 0x6a}, {0, 0x74, 0x75}, {0, 0x7a, 0x7a}, {0, 0x7c, 0x81},
		{0, 0x83, 0x84}, {0, 0x87, 0x8a}, {0, 0x94, 0x94}, {0, 0xa0, 0xa4}, {0, 0xa7, 0xaa}, {0, 0xc0, 0xc4},
		{0, 0xc7, 0xca}, {0, 0xe0, 0xe1}, {0, 0xe3, 0xe3}, {0, 0xec, 0xef}, {0, 0xf8, 0xff},
	} {
		for op := span[1]; op <= span[2]; op++ {
			table[op] = int8(span[0])
		}
	}
	return table
}()

// computesFloats are the instructions without a prefix that are about floating-point numbers.
var computesFloats = func() (table [256]bool) {
	for _, span := range [][2]int{
		{wasm.OpF32Load, wasm.OpF64Load}, {wasm.OpF32Store, wasm.OpF64Store}, {wasm.OpF32Const, wasm.OpF64Const},
		{wasm.OpF32Eq, wasm.OpF64Ge}, {wasm.OpF32Abs, wasm.OpF64Copysign}, {wasm.OpI32TruncF32S, wasm.OpI32TruncF64U},
		{wasm.OpI64TruncF32S, wasm.OpF64ReinterpretI64},
	} {
		for op := span[0]; op <= span[1]; op++ {
			table[op] = true
		}
	}
	return table
}()
