package wasmtest

import "slices"

// Code is a sequence of instructions. The functions below take their operands first, so that code reads like an
// expression: Add(Get(0), Const(1)).
type Code []byte

// The instructions in use (WebAssembly 2.0 section 5.4).
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opSelect       = 0x1b
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opLoad         = 0x28
	opStore        = 0x36
	opStore8       = 0x3a
	opLastStore    = 0x3e
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opConst        = 0x41
	opConst64      = 0x42
	opConstF32     = 0x43
	opConstF64     = 0x44
	opEqz          = 0x45
	opEq           = 0x46
	opNe           = 0x47
	opLess         = 0x48
	opGreater64    = 0x55
	opAdd          = 0x6a
	opSub          = 0x6b
	opAnd          = 0x71
	opOr           = 0x72
	opAdd64        = 0x7c
	opMultiply64   = 0x7e
	opShiftRight64 = 0x88
	opExtend64     = 0xad
	opBitsOfF32    = 0xbc
	opBitsOfF64    = 0xbd
	opLastNumeric  = 0xc4
	opRefNull      = 0xd0
	opRefIsNull    = 0xd1
	opRefFunc      = 0xd2
	prefixMisc     = 0xfc
	prefixVector   = 0xfd

	noResult = 0x40 // the type of a block without results
)

// The instructions behind prefixMisc, but for the conversions that saturate, which are the first eight.
const (
	miscMemoryInit = 8
	miscDataDrop   = 9
	miscMemoryCopy = 10
	miscMemoryFill = 11
	miscTableInit  = 12
	miscElemDrop   = 13
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableSize  = 16
	miscTableFill  = 17
)

// The instructions behind prefixVector that have immediates; those from one to another where there are many.
const (
	vectorLoad            = 0 // the first of the loads
	vectorStore           = 11
	vectorConst           = 12
	vectorShuffle         = 13
	vectorFirstLane       = 21
	vectorLastLane        = 34
	vectorFirstMemoryLane = 84
	vectorLastMemoryLane  = 91
	vectorLoad32Zero      = 92
	vectorLoad64Zero      = 93
	vectorLast            = 255
)

// Const is a constant.
func Const(v int32) Code { return append(Code{opConst}, S64(int64(v))...) }

// Get reads a parameter or local.
func Get(local uint32) Code { return append(Code{opLocalGet}, U32(local)...) }

// Set writes a parameter or local.
func Set(local uint32, v Code) Code { return slices.Concat(v, Code{opLocalSet}, U32(local)) }

// GetGlobal reads a global.
func GetGlobal(global uint32) Code { return append(Code{opGlobalGet}, U32(global)...) }

// SetGlobal writes a global.
func SetGlobal(global uint32, v Code) Code { return slices.Concat(v, Code{opGlobalSet}, U32(global)) }

// Call calls a function.
func Call(function uint32, args ...Code) Code {
	return slices.Concat(Seq(args...), Code{opCall}, U32(function))
}

// Drop forgets a value.
func Drop(v Code) Code { return append(slices.Clone(v), opDrop) }

// Load reads 32 bits of memory.
func Load(address Code, offset uint32) Code {
	return slices.Concat(address, Code{opLoad, 2}, U32(offset))
}

// Store writes 32 bits of memory.
func Store(address Code, offset uint32, v Code) Code {
	return slices.Concat(address, v, Code{opStore, 2}, U32(offset))
}

// Store8 writes a byte of memory.
func Store8(address Code, offset uint32, v Code) Code {
	return slices.Concat(address, v, Code{opStore8, 0}, U32(offset))
}

// MemoryGrow grows the memory and gives its former size, or -1.
func MemoryGrow(pages Code) Code { return slices.Concat(pages, Code{opMemoryGrow, 0}) }

// Add adds.
func Add(a, b Code) Code { return slices.Concat(a, b, Code{opAdd}) }

// Eq compares.
func Eq(a, b Code) Code { return slices.Concat(a, b, Code{opEq}) }

// Ne compares.
func Ne(a, b Code) Code { return slices.Concat(a, b, Code{opNe}) }

// Eqz is true for 0.
func Eqz(v Code) Code { return append(slices.Clone(v), opEqz) }

// If runs code when a condition is not 0.
func If(condition Code, then ...Code) Code {
	return slices.Concat(condition, Code{opIf, noResult}, Seq(then...), Code{opEnd})
}

// IfElse runs one of two pieces of code.
func IfElse(condition, then, otherwise Code) Code {
	return slices.Concat(condition, Code{opIf, noResult}, then, Code{opElse}, otherwise, Code{opEnd})
}

// While runs code as long as a condition is not 0.
func While(condition Code, body ...Code) Code {
	return slices.Concat(Code{opBlock, noResult, opLoop, noResult},
		condition, Code{opEqz, opBrIf, 1}, Seq(body...), Code{opBr, 0, opEnd, opEnd})
}

// Return leaves the function with what was computed.
func Return(v ...Code) Code { return append(Seq(v...), opReturn) }

// Unreachable traps.
func Unreachable() Code { return Code{opUnreachable} }

// Seq runs one piece of code after the other.
func Seq(code ...Code) Code { return slices.Concat(code...) }
