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
	SectionCount    = 12 // the number of data segments; it stands before the code
)

// ValueType is a type of a parameter, result or local.
type ValueType = byte

// The value types (WebAssembly 2.0 sections 5.3.1 to 5.3.4).
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
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
	countData     bool
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
	m.ImportItem(module, name, KindFunc, U32(m.Type(signature)))
	m.functionCount++
	return m.functionCount - 1
}

// ImportItem imports something of any kind.
func (m *Module) ImportItem(module, name string, kind byte, description []byte) {
	m.imports.add(slices.Concat(Name(module), Name(name), []byte{kind}, description))
}

// Functions is how many functions there are, imported ones included.
func (m *Module) Functions() uint32 { return m.functionCount }

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
	index := m.Declare(m.Type(signature))
	m.Body(body)
	return index
}

// Type adds a type of functions and blocks, and returns its index.
func (m *Module) Type(s Signature) (index uint32) {
	return m.types.add(slices.Concat([]byte{0x60}, vector(s.Params), vector(s.Results)))
}

// Declare adds a function whose body comes later, and returns its index. Bodies come in the order of the declarations.
func (m *Module) Declare(typeIndex uint32) (index uint32) {
	m.functions.add(U32(typeIndex))
	m.functionCount++
	return m.functionCount - 1
}

// Body adds the body of the next function that has none, as it is encoded: locals and code.
func (m *Module) Body(body []byte) { m.code.add(vector(body)) }

// Memory adds a memory and exports it as "memory".
func (m *Module) Memory(limits Limits) {
	m.Export("memory", KindMemory, m.memories.add(limits.encode()))
}

// Table adds a table of functions.
func (m *Module) Table(limits Limits) {
	m.TableOf(FuncRef, limits)
}

// TableOf adds a table of references of a type, and returns its index.
func (m *Module) TableOf(t ValueType, limits Limits) (index uint32) {
	return m.tables.add(append([]byte{t}, limits.encode()...))
}

// Global adds a mutable i32.
func (m *Module) Global(value int32) (index uint32) {
	return m.GlobalOf(I32, true, Const(value))
}

// GlobalOf adds a global of a type with a constant expression for its first value. The expression needs no end.
func (m *Module) GlobalOf(t ValueType, mutable bool, value Code) (index uint32) {
	item := []byte{t, 0}
	if mutable {
		item[1] = 1
	}
	return m.globals.add(slices.Concat(item, value, []byte{opEnd}))
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
	m.RawElements(item)
}

// RawElements adds an element segment as it is encoded, and returns its index.
func (m *Module) RawElements(item []byte) (index uint32) { return m.elements.add(item) }

// Data puts bytes into the memory.
func (m *Module) Data(offset int32, content []byte) {
	m.data.add(slices.Concat([]byte{0}, Const(offset), []byte{opEnd}, vector(content)))
}

// PassiveData adds bytes for memory.init, and returns the index of their segment.
func (m *Module) PassiveData(content []byte) (index uint32) {
	return m.data.add(slices.Concat([]byte{1}, vector(content)))
}

// CountData adds the section that tells the number of data segments, which code that names one needs.
func (m *Module) CountData() { m.countData = true }

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
	if m.countData {
		out = append(out, Section(SectionCount, U32(m.data.count))...)
	}
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

// S64 encodes a signed number (LEB128).
func S64(v int64) []byte {
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
