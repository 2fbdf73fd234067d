package sandbox

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// reader takes a module in the binary format apart (WebAssembly 2.0 section 5). The first thing that it cannot read
// sticks as its error: everything after it reads as nothing, so that one look at the error at the end will do.
type reader struct {
	data []byte // the whole module
	pos  int
	end  int
	err  error
}

// more reports whether anything is left to read.
func (r *reader) more() bool { return r.pos < r.end }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w", r.pos, fmt.Errorf(format, args...))
	}
	r.pos = r.end
}

// part is a reader of the next size bytes, which are read with it.
func (r *reader) part(size uint32) *reader {
	start := r.pos
	if r.bytes(size); r.err != nil {
		return &reader{err: r.err}
	}
	return &reader{data: r.data, pos: start, end: r.pos}
}

// join takes over the error of a part, which must have been read to its end.
func (r *reader) join(part *reader) {
	if part.err == nil && part.more() {
		part.fail("%d bytes too many", part.end-part.pos)
	}
	if r.err == nil {
		r.err = part.err
	}
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bytes(size uint32) []byte {
	if uint64(size) > uint64(r.end-r.pos) {
		r.fail("%d bytes are wanted where %d are left", size, r.end-r.pos)
		return nil
	}
	r.pos += int(size)
	return r.data[r.pos-int(size) : r.pos]
}

// u32 reads an unsigned LEB128 number of 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail("a number has more than 32 bits")
	return 0
}

// skipNumber reads a LEB128 number of at most so many bytes, of whatever sign.
func (r *reader) skipNumber(size int) {
	for range size {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail("a number has more than %d bytes", size)
}

// count reads the length of a vector. Each of its items takes a byte at least, so a length beyond what is left is a lie:
// believing it would have the process allocate for it.
func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(r.end-r.pos) {
		r.fail("%d items are announced where %d bytes are left", n, r.end-r.pos)
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	name := r.bytes(r.u32())
	if !utf8.Valid(name) {
		r.fail("a name is not UTF-8")
	}
	return string(name)
}

// skipConstant reads a constant expression (WebAssembly 2.0 section 3.3.10).
func (r *reader) skipConstant() {
	for {
		switch opcode := r.byte(); opcode {
		case 0x0b: // end
			return
		case 0x23, 0xd2, 0x41: // global.get, ref.func, i32.const
			r.skipNumber(5)
		case 0x42: // i64.const
			r.skipNumber(10)
		case 0x43: // f32.const
			r.bytes(4)
		case 0x44: // f64.const
			r.bytes(8)
		case 0xd0: // ref.null
			r.refType()
		case 0xfd: // a vector instruction, of which v128.const is constant
			if r.u32() != 12 {
				r.fail("an instruction is not allowed in a constant expression")
			}
			r.bytes(16)
		default:
			r.fail("instruction 0x%02x is not allowed in a constant expression", opcode)
		}
		if r.err != nil {
			return
		}
	}
}

// The types of values (WebAssembly 2.0 section 5.3).
var valueTypes = map[byte]string{
	0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref",
}

func (r *reader) valueType() string {
	b := r.byte()
	name, ok := valueTypes[b]
	if !ok {
		r.fail("value type 0x%02x is not supported", b)
	}
	return name
}

func (r *reader) refType() byte {
	b := r.byte()
	if b != 0x70 && b != 0x6f {
		r.fail("reference type 0x%02x is not supported", b)
	}
	return b
}

// limits bound a memory, in pages, or a table, in entries.
type limits struct {
	min, max uint32 // max counts when hasMax is set
	hasMax   bool
}

var (
	errShared   = errors.New("shared memory (threads) is not supported")
	errMemory64 = errors.New("memory with 64-bit addresses is not supported")
)

func (r *reader) limits() (l limits) {
	switch flags := r.byte(); {
	case flags&^7 != 0:
		r.fail("limits are marked 0x%02x", flags)
	case flags&4 != 0:
		r.fail("%w", errMemory64)
	case flags&2 != 0:
		r.fail("%w", errShared)
	default:
		l.hasMax = flags&1 != 0
	}
	l.min = r.u32()
	if l.hasMax {
		l.max = r.u32()
	}
	return l
}
