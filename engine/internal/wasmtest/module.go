// Package wasmtest assembles small WebAssembly modules, so that tests need no other toolchain. It checks nothing: broken
// modules are wanted too.
package wasmtest

import (
	"encoding/binary"
	"slices"
)

// The kinds of imports and exports (WebAssembly 2.0 section 5.5.5).
const (
	KindFunc   = 0
	KindTable  = 1
	KindMemory = 2
	KindGlobal = 3
)

// The sections of a module (WebAssembly 2.0 section 5.5.2).
const (
	SectionCustom   = 0
	SectionType     = 1
	SectionImport   = 2
	SectionFunction = 3
	SectionTable    = 4
	SectionMemory   = 5
	SectionGlobal   = 6
	SectionExport   = 7
	SectionStart    = 8
	SectionElement  = 9
	SectionCode     = 10
	SectionData     = 11
)

// ValueType is a type of a parameter, result or local.
type ValueType = byte

// The value types.
const (
	I32 ValueType = 0x7f
	I64 ValueType = 0x7e
)

// Header begins every module: magic number and version.
const Header = "\x00asm\x01\x00\x00\x00"

// Signature is the type of a function.
type Signature struct {
	Params, Results []ValueType
}

// Limits bound a memory, in pages, or a table, in entries.
type Limits struct {
	Min uint32
	// Max counts when HasMax is set.
	Max    uint32
	HasMax bool
}

// AtLeast are limits without a maximum.
func AtLeast(least uint32) Limits { return Limits{Min: least} }

// Between are limits with a maximum.
func Between(least, most uint32) Limits { return Limits{Min: least, Max: most, HasMax: true} }

// Module collects what a module is made of. Imports come before functions.
type Module struct {
	types, imports, functions, tables, memories, globals, exports, elements, code, data, customs section

	functionCount uint32
	start         []byte
}

// section is what a section holds: a number of items, one after the other.
type section struct {
	count uint32
	items []byte
}

func (s *section) add(item []byte) (index uint32) {
	s.items = append(s.items, item...)
	s.count++
	return s.count - 1
}

// Import imports a function and returns its index.
func (m *Module) Import(module, name string, signature Signature) uint32 {
	m.ImportItem(module, name, KindFunc, U32(m.signature(signature)))
	m.functionCount++
	return m.functionCount - 1
}

// ImportItem imports something of any kind.
func (m *Module) ImportItem(module, name string, kind byte, description []byte) {
	m.imports.add(slices.Concat(Name(module), Name(name), []byte{kind}, description))
}

// Func adds a function with locals of type i32 after its parameters, and returns its index. The code needs no end.
func (m *Module) Func(signature Signature, locals uint32, code ...Code) uint32 {
	declared := []byte{0}
	if locals > 0 {
		declared = slices.Concat([]byte{1}, U32(locals), []byte{I32})
	}
	return m.RawFunc(signature, slices.Concat(declared, Seq(code...), []byte{opEnd}))
}

// RawFunc adds a function with its body as it is encoded: locals and code.
func (m *Module) RawFunc(signature Signature, body []byte) uint32 {
	m.functions.add(U32(m.signature(signature)))
	m.code.add(vector(body))
	m.functionCount++
	return m.functionCount - 1
}

func (m *Module) signature(s Signature) (index uint32) {
	return m.types.add(slices.Concat([]byte{0x60}, vector(s.Params), vector(s.Results)))
}

// Memory adds a memory and exports it as "memory".
func (m *Module) Memory(limits Limits) {
	m.Export("memory", KindMemory, m.memories.add(limits.encode()))
}

// Table adds a table of functions.
func (m *Module) Table(limits Limits) {
	m.tables.add(append([]byte{0x70}, limits.encode()...))
}

// Global adds a mutable i32.
func (m *Module) Global(value int32) (index uint32) {
	return m.globals.add(slices.Concat([]byte{I32, 1}, Const(value), []byte{opEnd}))
}

// Export exports something.
func (m *Module) Export(name string, kind byte, index uint32) {
	m.exports.add(slices.Concat(Name(name), []byte{kind}, U32(index)))
}

// Start has a function called by instantiation.
func (m *Module) Start(function uint32) { m.start = U32(function) }

// Elements puts functions into the first table.
func (m *Module) Elements(offset int32, functions ...uint32) {
	item := slices.Concat([]byte{0}, Const(offset), []byte{opEnd}, U32(uint32(len(functions))))
	for _, f := range functions {
		item = append(item, U32(f)...)
	}
	m.elements.add(item)
}

// Data puts bytes into the memory.
func (m *Module) Data(offset int32, content []byte) {
	m.data.add(slices.Concat([]byte{0}, Const(offset), []byte{opEnd}, vector(content)))
}

// Custom adds a custom section at the end.
func (m *Module) Custom(name string, content []byte) {
	m.customs.items = append(m.customs.items, Section(SectionCustom, append(Name(name), content...))...)
}

// Encode returns the module in the binary format.
func (m *Module) Encode() []byte {
	out := []byte(Header)
	list := func(id byte, s section) {
		if s.count > 0 {
			out = append(out, Section(id, append(U32(s.count), s.items...))...)
		}
	}
	list(SectionType, m.types)
	list(SectionImport, m.imports)
	list(SectionFunction, m.functions)
	list(SectionTable, m.tables)
	list(SectionMemory, m.memories)
	list(SectionGlobal, m.globals)
	list(SectionExport, m.exports)
	if m.start != nil {
		out = append(out, Section(SectionStart, m.start)...)
	}
	list(SectionElement, m.elements)
	list(SectionCode, m.code)
	list(SectionData, m.data)
	return append(out, m.customs.items...)
}

// Section encodes a section.
func Section(id byte, content []byte) []byte {
	return append([]byte{id}, vector(content)...)
}

// Name encodes a name: its length, then its bytes.
func Name(name string) []byte { return vector([]byte(name)) }

// U32 encodes an unsigned number (LEB128).
func U32(v uint32) []byte { return binary.AppendUvarint(nil, uint64(v)) }

// s32 encodes a signed number (LEB128).
func s32(v int32) []byte {
	var out []byte
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if done := v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0; done {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func (l Limits) encode() []byte {
	if !l.HasMax {
		return append([]byte{0}, U32(l.Min)...)
	}
	return slices.Concat([]byte{1}, U32(l.Min), U32(l.Max))
}

func vector(content []byte) []byte {
	return append(U32(uint32(len(content))), content...)
}
