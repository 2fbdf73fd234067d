package wasm

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Reader takes a module in the binary format apart (WebAssembly 2.0 section 5). The first thing that it cannot read
// sticks as its error: everything after it reads as nothing, so that one look at the error at the end will do.
type Reader struct {
	data []byte // the whole module
	pos  int
	end  int
	err  error
}

// NewReader reads what lies at a span of a module.
func NewReader(module []byte, s Span) *Reader { return &Reader{data: module, pos: s.Start, end: s.End} }

// Span is where something lies in a module: from Start up to, not including, End.
type Span struct{ Start, End int }

// Len is the length of the span in bytes.
func (s Span) Len() int { return s.End - s.Start }

// Of are the bytes of a module that the span covers.
func (s Span) Of(module []byte) []byte { return module[s.Start:s.End] }

// More reports whether anything is left to read.
func (r *Reader) More() bool { return r.pos < r.end }

// Len is how many bytes are left.
func (r *Reader) Len() int { return r.end - r.pos }

// Pos is how far into the module the reader is, in bytes.
func (r *Reader) Pos() int { return r.pos }

// Err is the first error, with its place.
func (r *Reader) Err() error { return r.err }

// Fail ends the reading with an error at the present place, unless there was one before.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.pos, fmt.Errorf(format, args...))
	}
	r.pos = r.end
}

// Part is a reader of the next size bytes, which are read with it.
func (r *Reader) Part(size uint32) *Reader {
	start := r.pos
	if r.Bytes(size); r.err != nil {
		return &Reader{err: r.err}
	}
	return &Reader{data: r.data, pos: start, end: r.pos}
}

// Join takes over the error of a part, which must have been read to its end.
func (r *Reader) Join(part *Reader) {
	if part.err == nil && part.More() {
		part.Fail("%d bytes too many", part.end-part.pos)
	}
	if r.err == nil {
		r.err = part.err
	}
}

// Rest is what is left, which is read with it.
func (r *Reader) Rest() Span {
	s := Span{r.pos, r.end}
	r.pos = r.end
	return s
}

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if r.pos < r.end {
		r.pos++
		return r.data[r.pos-1]
	}
	r.Bytes(1)
	return 0
}

// Bytes reads so many bytes. They are the module's own: not to be changed.
func (r *Reader) Bytes(size uint32) []byte {
	if uint64(size) > uint64(r.end-r.pos) {
		r.Fail("%d bytes are wanted where %d are left", size, r.end-r.pos)
		return nil
	}
	r.pos += int(size)
	return r.data[r.pos-int(size) : r.pos]
}

// U32 reads an unsigned LEB128 number of 32 bits.
func (r *Reader) U32() uint32 {
	if r.pos < r.end && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.Fail("a number has more than 32 bits")
	return 0
}

// SkipNumber reads a LEB128 number of at most so many bytes, of whatever sign.
func (r *Reader) SkipNumber(size int) {
	for range size {
		if r.Byte() < 0x80 {
			return
		}
	}
	r.Fail("a number has more than %d bytes", size)
}

// Count reads the length of a vector. Each of its items takes a byte at least, so a length beyond what is left is a lie:
// believing it would have the process allocate for it.
func (r *Reader) Count() int {
	n := r.U32()
	if uint64(n) > uint64(r.end-r.pos) {
		r.Fail("%d items are announced where %d bytes are left", n, r.end-r.pos)
		return 0
	}
	return int(n)
}

// Name reads a name.
func (r *Reader) Name() string { return string(r.name()) }

func (r *Reader) name() []byte {
	name := r.Bytes(r.U32())
	if !utf8.Valid(name) {
		r.Fail("a name is not UTF-8")
	}
	return name
}

// Constant reads a constant expression (WebAssembly 2.0 section 3.3.10) and tells where it lies, its end included. It
// calls see, unless that is nil, for each instruction that has an index.
func (r *Reader) Constant(see func(opcode byte, index uint32, at Span)) Span {
	start := r.pos
	for {
		at := r.pos
		switch opcode := r.Byte(); opcode {
		case OpEnd:
			return Span{start, r.pos}
		case OpGlobalGet, OpRefFunc:
			if index := r.U32(); see != nil && r.err == nil {
				see(opcode, index, Span{at, r.pos})
			}
		case OpI32Const:
			r.SkipNumber(5)
		case OpI64Const:
			r.SkipNumber(10)
		case OpF32Const:
			r.Bytes(4)
		case OpF64Const:
			r.Bytes(8)
		case OpRefNull:
			r.RefType()
		case OpPrefixVector: // of which v128.const is constant
			if r.U32() != 12 {
				r.Fail("an instruction is not allowed in a constant expression")
			}
			r.Bytes(16)
		default:
			r.Fail("instruction 0x%02x is not allowed in a constant expression", opcode)
		}
		if r.err != nil {
			return Span{start, start}
		}
	}
}

// The types of values (WebAssembly 2.0 section 5.3).
const (
	I32       = 0x7f
	I64       = 0x7e
	F32       = 0x7d
	F64       = 0x7c
	V128      = 0x7b
	FuncRef   = 0x70
	ExternRef = 0x6f
)

// TypeName is the name of a type of values, or empty.
func TypeName(t byte) string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return ""
}

// IsRef reports whether values of a type are references.
func IsRef(t byte) bool { return t == FuncRef || t == ExternRef }

// ValueType reads the type of a value.
func (r *Reader) ValueType() byte {
	b := r.Byte()
	if TypeName(b) == "" {
		r.Fail("value type 0x%02x is not supported", b)
	}
	return b
}

// RefType reads the type of a reference.
func (r *Reader) RefType() byte {
	b := r.Byte()
	if !IsRef(b) {
		r.Fail("reference type 0x%02x is not supported", b)
	}
	return b
}

// Limits bound a memory, in pages, or a table, in entries.
type Limits struct {
	Min, Max uint32 // Max counts when HasMax is set
	HasMax   bool
}

var (
	errShared   = errors.New("shared memory (threads) is not supported")
	errMemory64 = errors.New("memory with 64-bit addresses is not supported")
)

// Limits reads limits.
func (r *Reader) Limits() (l Limits) {
	switch flags := r.Byte(); {
	case flags&^7 != 0:
		r.Fail("limits are marked 0x%02x", flags)
	case flags&4 != 0:
		r.Fail("%w", errMemory64)
	case flags&2 != 0:
		r.Fail("%w", errShared)
	default:
		l.HasMax = flags&1 != 0
	}
	l.Min = r.U32()
	if l.HasMax {
		l.Max = r.U32()
	}
	return l
}
