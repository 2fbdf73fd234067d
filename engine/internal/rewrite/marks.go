package rewrite

import (
	"math/bits"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Which parts of its memory a module may have written.
//
// A hidden global has a bit for each block of the memory, and code sets the bit of a block before it writes there. There are
// more blocks than bits: block n has bit n modulo 64. So a bit that is not set says of every 64th block that nothing was
// written, and one that is set says nothing. What is made clean need not be looked at where nothing was written.
//
// A mark stands for its block and for the first [Reach] bytes behind it. So what begins in a block and ends in the next needs
// one mark, and writes that lie close behind one address need no more than the mark of that address.

// Marks has a bit for each block that may have been written.
type Marks uint64

const (
	blockLog = 12
	// BlockSize is the size of a block in bytes, MarkedBlocks how many have a bit of their own.
	BlockSize    = 1 << blockLog
	MarkedBlocks = 64
	// Reach is how far behind its block a mark reaches, in bytes.
	Reach = window + smallBulk

	// window is how far behind an address the code may write that has marked the address: writes of up to smallBulk bytes may
	// begin there.
	window = 1 << 10
)

// AllMarks say that anything may have been written.
const AllMarks = Marks(1<<MarkedBlocks - 1)

// Add marks what is written to an address.
func (m *Marks) Add(address, count uint32) {
	first := address >> blockLog
	blocks := (uint64(address)+uint64(count))>>blockLog - uint64(first) + 1
	if blocks >= MarkedBlocks {
		*m = AllMarks
		return
	}
	for n := range uint32(blocks) {
		*m |= 1 << ((first + n) % MarkedBlocks)
	}
}

// mark is a place in a function that marks a block.
type mark struct {
	at    uint32 // before the instruction that lies there in the module
	where where
	arg   uint32 // a local, or the number of a block
	add   uint32 // what is added to the address, which lies in a local
	// values are the types of the operands above the address.
	values []byte
}

// where is where a mark has its address from.
type where uint8

const (
	inLocal     where = iota
	inWideLocal       // in its lower half
	inGlobal
	inOperand
	constant
)

// scratch is a set of locals that a function has besides its own.
type scratch uint8

const (
	scratchCount scratch = 1 << iota
	scratchAddress
	scratchI32
	scratchI64
	scratchF32
	scratchF64
	scratchV128
)

var scratchTypes = [...]byte{wasm.I32, wasm.I32, wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128}

// scratchFor is the local that takes a value of a type.
func scratchFor(t byte) scratch {
	switch t {
	case wasm.I64:
		return scratchI64
	case wasm.F32:
		return scratchF32
	case wasm.F64:
		return scratchF64
	case wasm.V128:
		return scratchV128
	}
	return scratchI32
}

// scratchOf is the local for one of the operands above an address: the second of two is a count.
func scratchOf(values []byte, i int) scratch {
	if i == 1 {
		return scratchCount
	}
	return scratchFor(values[i])
}

// extra is the index of a scratch local.
func (f *function) extra(s scratch) uint32 {
	return f.count + uint32(bits.OnesCount8(uint8(f.scratch&(s-1))))
}

var (
	twoNumbers = []byte{wasm.I32, wasm.I32}
	oneI32     = []byte{wasm.I32}
	oneI64     = []byte{wasm.I64}
	oneF32     = []byte{wasm.F32}
	oneF64     = []byte{wasm.F64}
	oneV128    = []byte{wasm.V128}
)

// storedType has the types of what a store takes from above its address, and is nil for other instructions.
func storedType(op wasm.Op) []byte {
	switch {
	case op >= wasm.OpI32Store && op <= wasm.OpI64Store32:
		return storedTypes[op-wasm.OpI32Store]
	case op == wasm.Vector+0x0b, op >= wasm.Vector+0x58 && op <= wasm.Vector+0x5b: // v128.store, v128.store8_lane to 64
		return oneV128
	}
	return nil
}

// storedTypes are in the order of the opcodes: i32.store, i64.store, f32.store, f64.store, i32.store8 and 16, i64.store8 to 32.
var storedTypes = [...][]byte{oneI32, oneI64, oneF32, oneF64, oneI32, oneI32, oneI64, oneI64, oneI64}

// markOf marks the block of an address that is given by code, and of what is added to it. A sum that wraps around is beyond
// every memory, and the write will trap.
func (c *code) markOf(marks uint32, address func(), add uint32) *code {
	c.global(marks).const64(1)
	if address(); add > 0 {
		c.const32(int32(add)).op(wasm.OpI32Add)
	}
	return c.const32(blockLog).op(wasm.OpI32ShrU).op(wasm.OpI64ExtendU).op(wasm.OpI64Shl).op(wasm.OpI64Or).set(marks)
}

// markRange marks what a function is about to write that is appended, which is given the address and the count in locals.
//
//	blocks = (to + count >> 12) - (to >> 12)
//	marks |= blocks >= 63 ? -1 : ((2 << blocks) - 1) rotated by to >> 12
func (c *code) markRange(marks, to, count uint32) *code {
	first := func() { c.get(to).op(wasm.OpI64ExtendU).const64(blockLog).op(wasm.OpI64ShrU) }
	blocks := func() {
		sum64(c, to, count)
		c.const64(blockLog).op(wasm.OpI64ShrU)
		first()
		c.op(wasm.OpI64Sub)
	}
	c.global(marks)
	c.const64(-1)
	c.const64(2)
	blocks()
	c.op(wasm.OpI64Shl).const64(1).op(wasm.OpI64Sub)
	first()
	c.op(opI64Rotl)
	blocks()
	c.const64(MarkedBlocks - 1).op(wasm.OpI64GeS).op(wasm.OpSelect)
	return c.op(wasm.OpI64Or).set(marks)
}

const opI64Rotl = 0x89
