package wasm

import (
	"encoding/binary"
	"fmt"
)

// Code reads the instructions of a function one after the other (WebAssembly 2.0 section 5.4).
type Code struct {
	data []byte
	at   int // where the instruction begins that is read, or was last
	pos  int
	end  int
	err  error
}

// NewCode reads the instructions at a span of a module, which ends with the function's last end.
func NewCode(module []byte, s Span) *Code {
	return &Code{data: module[:s.End], at: s.Start, pos: s.Start, end: s.End}
}

// Instruction is an instruction where it lies in a module.
type Instruction struct {
	Span
	// Op is the opcode; for those with a prefix, [Misc] or [Vector] and the opcode after it.
	Op Op
	// A and B are the first two immediates that are indices, a block type's or a constant's bits (sign-extended, i32 and
	// i64 only), or the offset of a memory access.
	A, B int64
	// Targets is where the labels of a br_table lie, the default last; A is how many there are with it.
	Targets Span
}

// Op is an opcode.
type Op uint16

// Opcodes with a prefix are numbered behind it.
const (
	Misc   Op = 0x100 // 0xfc
	Vector Op = 0x200 // 0xfd
)

// Opcodes that something is done about.
const (
	OpUnreachable       = 0x00
	OpNop               = 0x01
	OpBlock             = 0x02
	OpLoop              = 0x03
	OpIf                = 0x04
	OpElse              = 0x05
	OpEnd               = 0x0b
	OpBr                = 0x0c
	OpBrIf              = 0x0d
	OpBrTable           = 0x0e
	OpReturn            = 0x0f
	OpCall              = 0x10
	OpCallIndirect      = 0x11
	OpDrop              = 0x1a
	OpSelect            = 0x1b
	OpSelectTyped       = 0x1c
	OpLocalGet          = 0x20
	OpLocalSet          = 0x21
	OpLocalTee          = 0x22
	OpGlobalGet         = 0x23
	OpGlobalSet         = 0x24
	OpTableGet          = 0x25
	OpTableSet          = 0x26
	OpI32Load           = 0x28
	OpF32Load           = 0x2a
	OpF64Load           = 0x2b
	OpI32Store          = 0x36
	OpF32Store          = 0x38
	OpF64Store          = 0x39
	OpI64Store32        = 0x3e
	OpMemorySize        = 0x3f
	OpMemoryGrow        = 0x40
	OpI32Const          = 0x41
	OpI64Const          = 0x42
	OpF32Const          = 0x43
	OpF64Const          = 0x44
	OpI32Eqz            = 0x45
	OpI32Eq             = 0x46
	OpI32LtS            = 0x48
	OpI32LtU            = 0x49
	OpI32GtU            = 0x4b
	OpI32LeU            = 0x4d
	OpI32GeU            = 0x4f
	OpI64Eqz            = 0x50
	OpI64Eq             = 0x51
	OpI64Ne             = 0x52
	OpI64LtS            = 0x53
	OpI64GtU            = 0x56
	OpI64GeS            = 0x59
	OpI64LeU            = 0x58
	OpF32Eq             = 0x5b
	OpF64Ge             = 0x66
	OpI32Add            = 0x6a
	OpI32Sub            = 0x6b
	OpI32DivS           = 0x6d
	OpI32RemU           = 0x70
	OpI32And            = 0x71
	OpI32Or             = 0x72
	OpI32Shl            = 0x74
	OpI32ShrU           = 0x76
	OpI32Rotr           = 0x78
	OpI64Add            = 0x7c
	OpI64Sub            = 0x7d
	OpI64DivS           = 0x7f
	OpI64RemU           = 0x82
	OpI64And            = 0x83
	OpI64Or             = 0x84
	OpI64Shl            = 0x86
	OpI64ShrU           = 0x88
	OpI64Rotr           = 0x8a
	OpF32Abs            = 0x8b
	OpF32Sqrt           = 0x91
	OpF32Add            = 0x92
	OpF32Div            = 0x95
	OpF32Copysign       = 0x98
	OpF64Sqrt           = 0x9f
	OpF64Add            = 0xa0
	OpF64Div            = 0xa3
	OpF64Copysign       = 0xa6
	OpI32WrapI64        = 0xa7
	OpI32TruncF32S      = 0xa8
	OpI32TruncF64U      = 0xab
	OpI64ExtendU        = 0xad
	OpI64TruncF32S      = 0xae
	OpF64ReinterpretI64 = 0xbf
	OpExtendLast        = 0xc4
	OpRefNull           = 0xd0
	OpRefIsNull         = 0xd1
	OpRefFunc           = 0xd2
	OpPrefixMisc        = 0xfc
	OpPrefixVector      = 0xfd
	BlockEmpty          = -64 // the type of a block without results

	OpMemoryInit = Misc + 8
	OpDataDrop   = Misc + 9
	OpMemoryCopy = Misc + 10
	OpMemoryFill = Misc + 11
	OpTableInit  = Misc + 12
	OpElemDrop   = Misc + 13
	OpTableCopy  = Misc + 14
	OpTableGrow  = Misc + 15
	OpTableSize  = Misc + 16
	OpTableFill  = Misc + 17
)

// More reports whether an instruction is left, and no error came.
func (c *Code) More() bool { return c.pos < c.end && c.err == nil }

// Pos is how far into the module the reader is, in bytes.
func (c *Code) Pos() int { return c.pos }

// At is where the last instruction begins.
func (c *Code) At() int { return c.at }

// Err is the first error, with its place.
func (c *Code) Err() error { return c.err }

// Fail ends the reading with an error at the present instruction, unless there was one before.
func (c *Code) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("byte %d: %w", c.at, fmt.Errorf(format, args...))
	}
}

// Next reads the next instruction.
func (c *Code) Next(i *Instruction) {
	c.at, i.Start = c.pos, c.pos
	op := c.byte()
	i.Op = Op(op)
	switch immediates[op] {
	case none:
	case index:
		i.A = int64(c.u32())
	case indexes:
		i.A, i.B = int64(c.u32()), int64(c.u32())
	case blockType:
		i.A = c.blockType()
	case memArg:
		c.u32() // alignment
		i.A = int64(c.u32())
	case zero:
		c.zero()
	case signed32:
		i.A = c.signed(32)
	case signed64:
		i.A = c.signed(64)
	case bytes4:
		c.skip(4)
	case bytes8:
		c.skip(8)
	case refType:
		c.refType()
	case labels:
		c.labels(i)
	case types:
		c.types()
	case prefixMisc:
		c.misc(i)
	case prefixVector:
		c.vector(i)
	default:
		c.Fail("instruction 0x%02x is not supported", op)
	}
	i.End = c.pos
}

// What follows an opcode.
const (
	unknown = iota
	none
	index
	indexes
	blockType
	memArg
	zero
	signed32
	signed64
	bytes4
	bytes8
	refType
	labels
	types
	prefixMisc
	prefixVector
)

// immediates is what follows the opcodes without a prefix (WebAssembly 2.0 section 5.4).
var immediates = func() (table [256]byte) {
	fill := func(kind byte, first, last int) {
		for op := first; op <= last; op++ {
			table[op] = kind
		}
	}
	fill(none, OpUnreachable, OpNop)
	fill(blockType, OpBlock, OpIf)
	fill(none, OpElse, OpElse)
	fill(none, OpEnd, OpEnd)
	fill(index, OpBr, OpBrIf)
	fill(labels, OpBrTable, OpBrTable)
	fill(none, OpReturn, OpReturn)
	fill(index, OpCall, OpCall)
	fill(indexes, OpCallIndirect, OpCallIndirect)
	fill(none, OpDrop, OpSelect)
	fill(types, OpSelectTyped, OpSelectTyped)
	fill(index, OpLocalGet, OpTableSet)
	fill(memArg, OpI32Load, OpI64Store32)
	fill(zero, OpMemorySize, OpMemoryGrow)
	fill(signed32, OpI32Const, OpI32Const)
	fill(signed64, OpI64Const, OpI64Const)
	fill(bytes4, OpF32Const, OpF32Const)
	fill(bytes8, OpF64Const, OpF64Const)
	fill(none, OpI32Eqz, OpExtendLast)
	fill(refType, OpRefNull, OpRefNull)
	fill(none, OpRefIsNull, OpRefIsNull)
	fill(index, OpRefFunc, OpRefFunc)
	fill(prefixMisc, OpPrefixMisc, OpPrefixMisc)
	fill(prefixVector, OpPrefixVector, OpPrefixVector)
	return table
}()

// misc reads what follows the prefix 0xfc.
func (c *Code) misc(i *Instruction) {
	op := c.u32()
	i.Op = Misc + Op(min(op, 0xff))
	switch i.Op {
	case OpMemoryInit:
		i.A = int64(c.u32())
		c.zero()
	case OpDataDrop, OpElemDrop, OpTableGrow, OpTableSize, OpTableFill:
		i.A = int64(c.u32())
	case OpMemoryCopy:
		c.zero()
		c.zero()
	case OpMemoryFill:
		c.zero()
	case OpTableInit, OpTableCopy:
		i.A, i.B = int64(c.u32()), int64(c.u32())
	default:
		if i.Op >= OpMemoryInit { // those before it truncate
			c.Fail("instruction 0xfc 0x%02x is not supported", op)
		}
	}
}

// vector reads what follows the prefix 0xfd. There is one encoding for each opcode: the compiler looks at its first byte
// alone, so that another would mean something else to it.
func (c *Code) vector(i *Instruction) {
	op := c.byte()
	if op >= 0x80 && c.byte() != 1 {
		c.Fail("vector instruction 0x%02x is not supported, or not encoded in the shortest way", op)
	}
	i.Op = Vector + Op(op)
	switch {
	case op <= 0x0b, op == 0x5c, op == 0x5d: // loads and stores
		c.u32()
		i.A = int64(c.u32())
	case op == 0x0c, op == 0x0d: // v128.const, i8x16.shuffle
		c.skip(16)
	case op >= 0x15 && op <= 0x22: // lanes
		c.skip(1)
	case op >= 0x54 && op <= 0x5b: // loads and stores of lanes
		c.u32()
		i.A = int64(c.u32())
		c.skip(1)
	}
}

func (c *Code) byte() byte {
	if c.pos < c.end {
		c.pos++
		return c.data[c.pos-1]
	}
	c.Fail("an instruction is cut short")
	return 0
}

func (c *Code) skip(n int) {
	if c.end-c.pos < n {
		c.pos = c.end
		c.Fail("an instruction is cut short")
		return
	}
	c.pos += n
}

func (c *Code) zero() {
	if c.byte() != 0 {
		c.Fail("a byte that is reserved is not zero")
	}
}

func (c *Code) u32() uint32 {
	if c.pos < c.end && c.data[c.pos] < 0x80 {
		c.pos++
		return uint32(c.data[c.pos-1])
	}
	v, n := binary.Uvarint(c.data[c.pos:min(c.end, c.pos+5)])
	if n <= 0 || v > 1<<32-1 {
		c.Fail("a number is cut short or has more than 32 bits")
		return 0
	}
	c.pos += n
	return uint32(v)
}

// signed reads a signed LEB128 number of so many bits. It leaves it to the compiler to see whether the last byte has
// bits that are too many.
func (c *Code) signed(bits uint) (v int64) {
	if c.pos < c.end && c.data[c.pos] < 0x80 {
		c.pos++
		return int64(int8(c.data[c.pos-1]<<1)) >> 1
	}
	for shift := uint(0); shift < bits; shift += 7 {
		b := c.byte()
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if shift += 7; shift < 64 {
				v = v << (64 - shift) >> (64 - shift)
			}
			return v
		}
	}
	c.Fail("a number has more than %d bits", bits)
	return 0
}

// blockType reads the type of a block: [BlockEmpty], a negative number for a type of values, or the index of a type.
func (c *Code) blockType() int64 {
	v := c.signed(33)
	if v < -1<<32 || v >= 1<<32 {
		c.Fail("a number has more than 33 bits")
	}
	if v < 0 && v != BlockEmpty && TypeName(byte(v&0x7f)) == "" {
		c.Fail("block type %d is not supported", v)
	}
	return v
}

func (c *Code) refType() {
	if t := c.byte(); !IsRef(t) {
		c.Fail("reference type 0x%02x is not supported", t)
	}
}

func (c *Code) labels(i *Instruction) {
	n := int64(c.u32())
	if n >= int64(c.end-c.pos) {
		c.Fail("%d labels are announced where %d bytes are left", n, c.end-c.pos)
		return
	}
	i.A = n + 1
	i.Targets.Start = c.pos
	for range n + 1 {
		c.u32()
	}
	i.Targets.End = c.pos
}

// Index reads an immediate that is an index.
func (c *Code) Index() uint32 { return c.u32() }

// Labels reads the labels of a br_table.
func (c *Code) Labels(i *Instruction, see func(depth uint32)) {
	t := Code{data: c.data, pos: i.Targets.Start, end: i.Targets.End}
	for t.pos < t.end {
		see(t.u32())
	}
}

func (c *Code) types() {
	if n := c.u32(); n != 1 {
		c.Fail("select with %d types", n)
		return
	}
	if t := c.byte(); TypeName(t) == "" {
		c.Fail("value type 0x%02x is not supported", t)
	}
}
