package rewrite

import (
	"math/bits"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Which parts of its memory a module may have written.
//
// A hidden global has 64 bits for the blocks of the memory, and code sets the bit of a block before it writes there. Where there
// are more blocks, block n has bit n modulo 64. A bit that is not set says that nothing was written to any of its blocks; one
// that is set says nothing. What is made clean need not be looked at where nothing was written.
//
// A mark stands for its block and for the first [Reach] bytes behind it. So what begins in a block and ends in the next needs
// one mark, and writes that lie close behind one address need no more than the mark of that address.

// Marks has a bit for each block that may have been written, or for several.
type Marks uint64

// AllMarks say that anything may have been written.
const AllMarks = Marks(1<<MarkedBlocks - 1)

const (
	// MarkedBlocks is how many blocks have a bit of their own.
	MarkedBlocks = 64
	// Reach is how far behind its block a mark reaches, in bytes.
	Reach = window + smallBulk

	// window is how far behind an address the code may write that has marked the address: writes of up to smallBulk bytes may
	// begin there.
	window = 1 << 10
)

// Blocks is how large the blocks of a memory are: the binary logarithm of their size in bytes.
type Blocks uint8

// leastBlocks are blocks of 4 KiB. Smaller ones would gain nothing beside what a mark reaches.
const leastBlocks Blocks = 12

// BlocksOf is for a memory that begins with so many pages. Each of its blocks has about a bit of its own: of all sizes with
// which a bit stands for the same number of bytes, the largest, because what is written together lies together.
func BlocksOf(pages uint32) Blocks {
	return Blocks(max(int(leastBlocks), bits.Len64(uint64(pages)*PageSize/MarkedBlocks)-1))
}

// Size is that of a block, in bytes.
func (b Blocks) Size() int { return 1 << b }

// Marks marks what is written to an address.
func (b Blocks) Marks(address, count uint32) (m Marks) {
	first := address >> b
	blocks := (uint64(address)+uint64(count))>>b - uint64(first) + 1
	if blocks >= MarkedBlocks {
		return AllMarks
	}
	for n := range uint32(blocks) {
		m |= b.mark(first + n)
	}
	return m
}

func (Blocks) mark(block uint32) Marks { return 1 << (block % MarkedBlocks) }

// blocks are those of the module's memory.
func (r *rewriter) blocks() Blocks {
	if len(r.Memories) == 0 {
		return leastBlocks
	}
	return BlocksOf(r.Memories[0].Min)
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

// marker writes code that marks.
type marker struct {
	*code
	marks  uint32 // the global
	blocks Blocks
}

func (r *rewriter) marker(c *code) marker { return marker{c, r.written(), r.blocks()} }

// add sets bits, which are on the stack above the marks.
func (m marker) add() { m.op(wasm.OpI64Or).set(m.marks) }

// constant marks a block that is known.
func (m marker) constant(n uint32) {
	m.global(m.marks).const64(int64(m.blocks.mark(n)))
	m.add()
}

// address marks the block of an address that is given by code, and of what is added to it. A sum that wraps around is beyond
// every memory, and the write will trap.
func (m marker) address(give func(), add uint32) {
	m.global(m.marks).const64(1)
	if give(); add > 0 {
		m.const32(int32(add)).op(wasm.OpI32Add)
	}
	m.const32(int32(m.blocks)).op(wasm.OpI32ShrU).op(wasm.OpI64ExtendU).op(wasm.OpI64Shl)
	m.add()
}

// wide does what address does when the address is the lower half of a local. The upper half ends up in bits that the shift
// does not look at: no block is larger than a 64th of what 32 bits address.
func (m marker) wide(local, add uint32) {
	m.global(m.marks).const64(1).get(local)
	if add > 0 {
		m.const64(int64(add)).op(wasm.OpI64Add)
	}
	m.const64(int64(m.blocks)).op(wasm.OpI64ShrU).op(wasm.OpI64Shl)
	m.add()
}

// span marks as many bytes as a local says, at the address in another:
//
//	more = (to + count >> size) - (to >> size)
//	marks |= more >= 63 ? -1 : ((2 << more) - 1) rotated by to >> size
func (m marker) span(to, count uint32) {
	first := func() { m.get(to).op(wasm.OpI64ExtendU).const64(int64(m.blocks)).op(wasm.OpI64ShrU) }
	more := func() {
		sum64(m.code, to, count)
		m.const64(int64(m.blocks)).op(wasm.OpI64ShrU)
		first()
		m.op(wasm.OpI64Sub)
	}
	m.global(m.marks).const64(-1).const64(2)
	more()
	m.op(wasm.OpI64Shl).const64(1).op(wasm.OpI64Sub)
	first()
	m.op(opI64Rotl)
	more()
	m.const64(MarkedBlocks - 1).op(wasm.OpI64GeS).op(wasm.OpSelect)
	m.add()
}

const opI64Rotl = 0x89
