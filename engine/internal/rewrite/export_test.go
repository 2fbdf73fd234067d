package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

// RewriteDensely is Rewrite with so many charges that each pays for hardly more than what runs.
func RewriteDensely(binary []byte) (*Module, error) {
	return rewrite(binary, Options{}, density{cost: 30, inlined: 20})
}

// RewriteUnmarked is Rewrite without marks.
func RewriteUnmarked(binary []byte) (*Module, error) {
	unmarked := usual
	unmarked.unmarked = true
	return rewrite(binary, Options{}, unmarked)
}

// Weight is what an instruction is charged at least.
func Weight(op wasm.Op) uint32 {
	switch op {
	case wasm.OpCall:
		return weightCall
	case wasm.OpCallIndirect:
		return weightCallIndirect // the rest is for what is called
	case wasm.OpMemoryCopy, wasm.OpMemoryFill:
		return weightBulk
	case wasm.OpMemoryGrow:
		return weightMemoryGrow
	case wasm.OpBrTable:
		return weightBranchTable
	}
	return weight(op)
}
