package wasm

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// State is what an instance of the code has to be given before its start function is called, and after its tables were filled.
type State struct {
	// Pages is the size that the memory has to grow to first. The code has it begin with the power of two that is not larger.
	Pages uint32
	// Data are contents of the memory, in the order in which they are to be written.
	Data []Content
	// Globals are values of mutable globals. The code has zero for them.
	Globals []Value
}

// Content is what an active data segment held.
type Content struct {
	Segment int // which of the module's segments it was
	Offset  uint32
	Bytes   []byte
}

// Value is the initial value of a mutable global.
type Value struct {
	// Mutable counts the mutable globals of the module that hold no references, from 0, up to this one.
	Mutable int
	// Bits are the value; above a number narrower than 64 bits there are zeros.
	Bits uint64
}

// Separate takes a module apart into its code, which is a module too, and what instances of it begin with. Modules that differ
// only in the latter have the same code: the handlers of a language whose interpreter each of them brings along. An instance
// of the code that was given the state is what an instance of the module would be.
//
// What is not plain, or not valid, stays in the code, for the compiler to deal with. Custom sections do not, but for names.
// Neither part refers to the module.
func Separate(m *Module) (code []byte, state State) {
	s := separator{Module: m}
	data := s.data()
	out := make([]byte, 0, len(m.Wasm))
	out = AppendHeader(out)
	for _, section := range m.Sections {
		all := section.All.Of(m.Wasm)
		switch {
		case section.ID == SectionMemory:
			out = AppendSection(out, section.ID, s.memory(section.Content.Of(m.Wasm)))
		case section.ID == SectionGlobal:
			out = AppendSection(out, section.ID, s.globals())
		case section.ID == SectionData && s.hollow:
			out = append(out, data...)
		case section.ID != SectionCustom || section.IsNames(m.Wasm):
			out = append(out, all...)
		}
	}
	return out, s.state
}

// separator is a module that is being taken apart.
type separator struct {
	*Module
	state  State
	hollow bool // the contents of the data section are in the state
}

// memory takes the size out of the memory section and makes another one.
func (s *separator) memory(section []byte) []byte {
	const mostPages = 1 << 16
	if len(s.Memories) != 1 || s.ImportedMemories > 0 {
		return section
	}
	m := s.Memories[0]
	if m.Min == 0 || m.Min > mostPages || m.HasMax && (m.Max < m.Min || m.Max > mostPages) {
		return section // has nothing to take, or is not valid
	}
	s.state.Pages = m.Min
	out := AppendU32(nil, 1)
	if !m.HasMax {
		return AppendU32(append(out, 0), 1<<(bits.Len32(m.Min)-1))
	}
	return AppendU32(AppendU32(append(out, 1), 1<<(bits.Len32(m.Min)-1)), m.Max)
}

// data takes the contents out of the data section and makes another one. There is none when nothing can refer to a segment by
// its index.
func (s *separator) data() (section []byte) {
	if len(s.Memories) == 0 || s.HasDataCount && int(s.DataCount) != len(s.Data) {
		return nil // not valid
	}
	var contents []Content
	var left []byte
	for i, d := range s.Data {
		if d.Passive {
			left = append(left, d.All.Of(s.Wasm)...)
			continue
		}
		offset, ok := constant(d.Offset.Of(s.Wasm), I32)
		if !ok {
			return nil
		}
		contents = append(contents, Content{i, uint32(offset), slices.Clone(d.Content.Of(s.Wasm))})
		left = append(left, 0, OpI32Const, 0, OpEnd, 0) // active, at 0, of no bytes
	}
	s.hollow, s.state.Data = true, contents
	if len(contents) == len(s.Data) && !s.HasDataCount {
		return nil
	}
	return AppendSection(nil, SectionData, append(AppendU32(nil, uint32(len(s.Data))), left...))
}

// globals takes the values out of the global section and makes another one.
func (s *separator) globals() []byte {
	mutable := 0
	for _, g := range s.Globals[:s.ImportedGlobals] {
		if g.Mutable && !IsRef(g.Type) {
			mutable++
		}
	}
	own := s.Globals[s.ImportedGlobals:]
	out := AppendU32(nil, uint32(len(own)))
	for _, g := range own {
		init := g.Init.Of(s.Wasm)
		if !g.Mutable {
			out = append(append(out, g.Type, 0), init...)
			continue
		}
		if bits, ok := constant(init, g.Type); ok {
			s.state.Globals = append(s.state.Globals, Value{mutable, bits})
			init = zeroOf[g.Type]
		}
		out = append(append(out, g.Type, 1), init...)
		if !IsRef(g.Type) {
			mutable++
		}
	}
	return out
}

// zeroOf is the constant expression for zero, of each type whose constants are separated.
var zeroOf = map[byte][]byte{
	I32: {OpI32Const, 0, OpEnd},
	I64: {OpI64Const, 0, OpEnd},
	F32: {OpF32Const, 0, 0, 0, 0, OpEnd},
	F64: {OpF64Const, 0, 0, 0, 0, 0, 0, 0, 0, OpEnd},
}

// constant is the value of a constant expression, if that is a single number of the type that it should have.
func constant(expression []byte, of byte) (bits uint64, ok bool) {
	want := zeroOf[of]
	if want == nil || len(expression) < 3 || expression[0] != want[0] || expression[len(expression)-1] != OpEnd {
		return 0, false
	}
	number := expression[1 : len(expression)-1]
	switch of {
	case I32:
		v, ok := signed(number, 32)
		return uint64(uint32(v)), ok
	case I64:
		v, ok := signed(number, 64)
		return uint64(v), ok
	case F32:
		if len(number) == 4 {
			return uint64(binary.LittleEndian.Uint32(number)), true
		}
	case F64:
		if len(number) == 8 {
			return binary.LittleEndian.Uint64(number), true
		}
	}
	return 0, false
}

// signed reads a signed LEB128 number that takes all the bytes. One that has more bits than it may is not ok.
func signed(number []byte, bits int) (v int64, ok bool) {
	if len(number) > (bits+6)/7 {
		return 0, false
	}
	shift := 0
	for i, b := range number {
		if last := i == len(number)-1; last != (b < 0x80) {
			return 0, false
		}
		v |= int64(b&0x7f) << shift
		shift += 7
	}
	last := number[len(number)-1]
	if shift < 64 {
		v = v << (64 - shift) >> (64 - shift)
	} else if last != 0 && last != 0x7f {
		return 0, false
	}
	return v, bits == 64 || int64(int32(v)) == v
}
