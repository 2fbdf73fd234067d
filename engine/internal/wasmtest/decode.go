package wasmtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errShort is what a module comes to that ends early.
var errShort = errors.New("the module ends early")

// reader reads the binary format. The first error stays, and everything read after it is 0.
type reader struct {
	rest []byte
	err  error
}

// sections splits a module into its sections.
func sections(wasm []byte) (out []rawSection, err error) {
	if len(wasm) < len(Header) || string(wasm[:len(Header)]) != Header {
		return nil, errors.New("not a module")
	}
	r := reader{rest: wasm[len(Header):]}
	for len(r.rest) > 0 && r.err == nil {
		id := r.byte()
		out = append(out, rawSection{id, r.take(r.u32())})
	}
	return out, r.err
}

// rawSection is a section with its content as it is encoded.
type rawSection struct {
	id      byte
	content []byte
}

func (r *reader) take(n uint32) []byte {
	if r.err == nil && uint64(n) > uint64(len(r.rest)) {
		r.err, r.rest = errShort, nil
	}
	if r.err != nil {
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > math.MaxUint32 {
		r.err, r.rest = errors.Join(r.err, errShort), nil
		return 0
	}
	r.rest = r.rest[n:]
	return uint32(v)
}

// leb passes over a number of any size.
func (r *reader) leb() {
	for r.byte()&0x80 != 0 {
	}
}

// instruction passes over an instruction with its immediates, and returns its opcode: the first byte, and for the
// instructions with a prefix (WebAssembly 2.0 sections 5.4.6 and 5.4.8) the number behind it too.
func (r *reader) instruction() (op byte, sub uint32) {
	op = r.byte()
	switch {
	case op == opBlock, op == opLoop, op == opIf:
		r.leb()
	case op == opBr, op == opBrIf, op == opCall, op >= opLocalGet && op <= opTableSet, op == opRefFunc:
		r.leb()
	case op == opBrTable:
		for n := r.u32(); n > 0 && r.err == nil; n-- {
			r.leb()
		}
		r.leb()
	case op == opCallIndirect:
		r.leb()
		r.leb()
	case op == opSelectTyped:
		r.take(r.u32())
	case op >= opLoad && op <= opLastStore:
		r.leb()
		r.leb()
	case op == opMemorySize, op == opMemoryGrow, op == opRefNull, op == opConst, op == opConst64:
		r.leb()
	case op == opConstF32:
		r.take(4)
	case op == opConstF64:
		r.take(8)
	case op == prefixMisc:
		sub = r.u32()
		r.misc(sub)
	case op == prefixVector:
		sub = r.u32()
		r.vector(sub)
	case op > opLastNumeric && op != opRefIsNull, op > opReturn && op < opDrop && op != opCall,
		op > opSelectTyped && op < opLocalGet, op > opTableSet && op < opLoad,
		op > opBrIf && op < opBrTable, op > opElse && op < opEnd:
		r.err = errors.Join(r.err, fmt.Errorf("no instruction %#x", op))
	}
	return op, sub
}

// misc passes over the immediates of an instruction of [prefixMisc].
func (r *reader) misc(sub uint32) {
	switch sub {
	case miscMemoryInit, miscMemoryCopy, miscTableInit, miscTableCopy:
		r.leb()
		r.leb()
	case miscDataDrop, miscMemoryFill, miscElemDrop, miscTableGrow, miscTableSize, miscTableFill:
		r.leb()
	default:
		if sub > miscTableFill {
			r.err = errors.Join(r.err, fmt.Errorf("no instruction 0xfc %d", sub))
		}
	}
}

// vector passes over the immediates of an instruction of [prefixVector].
func (r *reader) vector(sub uint32) {
	switch {
	case sub <= vectorStore, sub == vectorLoad32Zero, sub == vectorLoad64Zero:
		r.leb()
		r.leb()
	case sub == vectorConst, sub == vectorShuffle:
		r.take(16)
	case sub >= vectorFirstLane && sub <= vectorLastLane:
		r.take(1)
	case sub >= vectorFirstMemoryLane && sub <= vectorLastMemoryLane:
		r.leb()
		r.leb()
		r.take(1)
	case sub > vectorLast:
		r.err = errors.Join(r.err, fmt.Errorf("no instruction 0xfd %d", sub))
	}
}
