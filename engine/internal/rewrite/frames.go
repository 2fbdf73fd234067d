package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

// frameEstimate estimates how much of the stack a function's frame takes once it is compiled.
//
// The compiler gives a slot of the frame to each value that does not stay in a register, and never the same slot to two of
// them. A value is made by an instruction that sets a local, by one whose result waits on the stack across a call, and by
// a block that locals come together at.
type frameEstimate struct {
	locals uint64 // bytes
	sets   uint64
	calls  uint64
	args   uint64 // the most bytes that a call passes
	blocks uint64
}

func (f *frameEstimate) begin() { *f = frameEstimate{} }

func (f *frameEstimate) local(t byte, count uint32) {
	f.locals += uint64(slotSize(t)) * uint64(count)
}

func (f *frameEstimate) set() { f.sets++ }

func (f *frameEstimate) block(*wasm.Instruction, []wasm.FuncType) { f.blocks++ }

func (f *frameEstimate) call(t wasm.FuncType) {
	size := uint64(0)
	for _, t := range t.Params {
		size += uint64(slotSize(t))
	}
	for _, t := range t.Results {
		size += uint64(slotSize(t))
	}
	f.calls++
	f.args = max(f.args, size)
}

// weight is the estimate, in bytes.
func (f *frameEstimate) weight() uint32 {
	return uint32(min(64+f.locals+f.args+8*min(f.sets, f.calls*8), 1<<24))
}

func slotSize(t byte) uint32 {
	if t == wasm.V128 {
		return 16
	}
	return 8
}
