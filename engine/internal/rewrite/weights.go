package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

// A unit of fuel is about what a simple instruction takes: half a nanosecond, give or take. Every instruction but block,
// loop, else, end and nop, which become no code, weighs at least one.
const (
	weightBranchTable  = 3
	weightCall         = 4
	weightCallIndirect = 8
	weightCallImport   = 200
	weightDivision     = 8
	weightRoot         = 5
	weightBulk         = 20   // of memory, when its length is at most smallBulk
	weightTable        = 20   // an operation on a table, besides its entries
	weightMemoryGrow   = 1000 // besides its pages
	weightDrop         = 20   // of a segment

	// What the helpers charge by length.
	bytesPerFuelLog = 3 // memory.copy and so on: 8 bytes
	fuelPerPageLog  = 6 // memory.grow: its pages are cleared sooner or later
	smallBulk       = 256
	memoryStep      = 64 << 10 // bytes
	tableStep       = 8 << 10  // entries
)

// weights is what instructions without a prefix weigh, but for those that are an [event] of their own.
var weights = func() (table [256]uint8) {
	for op := range table {
		table[op] = 1
	}
	for _, op := range []byte{wasm.OpNop, wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd} {
		table[op] = 0
	}
	fill := func(first, last int, weight uint8) {
		for op := first; op <= last; op++ {
			table[op] = weight
		}
	}
	fill(wasm.OpI32DivS, wasm.OpI32RemU, weightDivision)
	fill(wasm.OpI64DivS, wasm.OpI64RemU, weightDivision)
	for _, op := range []byte{wasm.OpF32Sqrt, wasm.OpF32Div, wasm.OpF64Sqrt, wasm.OpF64Div} {
		table[op] = weightRoot
	}
	return table
}()

// weight is what an instruction weighs that is no event of its own.
func weight(op wasm.Op) uint32 {
	switch {
	case op < wasm.Misc:
		return uint32(weights[op])
	case op >= wasm.Vector:
		return 2
	}
	return 2
}
