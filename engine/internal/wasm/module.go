// Package wasm reads and writes modules in the binary format of WebAssembly 2.0.
//
// [Decode] takes a module apart as far as its sections go, [Code] the instructions of a function. Neither allocates more
// than a small multiple of the module's size, whatever numbers its author wrote, and neither checks types: a compiler does.
package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Module is what there is to know of a module before it is compiled.
type Module struct {
	// Wasm is the module in the binary format.
	Wasm []byte
	// Sections are all sections in their order. Every kind but the custom one comes at most once.
	Sections []Section
	Types    []FuncType
	Imports  []Import
	// Functions has the type of each function. As in Tables, Memories and Globals, imported ones come first.
	Functions []uint32
	Tables    []Table
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	// Start is the start function, when HasStart is set.
	Start    uint32
	HasStart bool
	Elements []Element
	// DataCount is what the data count section says, when HasDataCount is set.
	DataCount    uint32
	HasDataCount bool
	// Bodies are the functions' locals and instructions.
	Bodies []Span
	Data   []Data
	// BrokenNames are sections that claim to name functions but cannot be read, or come second.
	BrokenNames []Section

	// How many of each are imported.
	ImportedFunctions, ImportedTables, ImportedMemories, ImportedGlobals int
}

// Section is where a section lies: all of it, and what it holds.
type Section struct {
	ID      byte
	All     Span
	Content Span
}

// IsNames reports whether the section of a module claims to name functions, for the stacks of traps.
func (s Section) IsNames(module []byte) bool {
	const name = "\x04name"
	return s.ID == SectionCustom && bytes.HasPrefix(s.Content.Of(module), []byte(name))
}

// FuncType is the type of a function.
type FuncType struct{ Params, Results []byte }

// Import is something that a module imports.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         uint32 // of a function
}

// Table is the type of a table.
type Table struct {
	RefType byte
	Limits
}

// Global is the type of a global, and its initial value unless it is imported.
type Global struct {
	Type    byte
	Mutable bool
	Init    Span
}

// Export is something that a module exports.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// Element is an element segment. Its flags are those of the binary format.
type Element struct {
	Flags  uint32
	Table  uint32 // of an active segment
	Offset Span   // of an active segment
	Type   byte   // the type of its items
	Count  int
	Items  Span // indices, or expressions
}

// The flags of an element segment (WebAssembly 2.0 section 5.5.12).
const (
	ElementPassive     = 1 // passive or declarative; active without it
	ElementExplicit    = 2 // an active segment that names its table; another that is declarative
	ElementExpressions = 4
)

// Data is a data segment.
type Data struct {
	All     Span
	Passive bool
	Offset  Span // of an active segment
	Content Span
	Size    uint32
}

// Kind is what can be imported and exported.
type Kind byte

// The kinds (WebAssembly 2.0 section 5.5.5).
const (
	KindFunc Kind = iota
	KindTable
	KindMemory
	KindGlobal
)

func (k Kind) String() string {
	return [...]string{"function", "table", "memory", "global"}[k]
}

// The sections of a module (WebAssembly 2.0 section 5.5.2).
const (
	SectionCustom = iota
	SectionType
	SectionImport
	SectionFunction
	SectionTable
	SectionMemory
	SectionGlobal
	SectionExport
	SectionStart
	SectionElement
	SectionCode
	SectionData
	SectionDataCount
	SectionTag
)

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
	"element", "code", "data", "data count", "tag"}

// Bounds on what the compiler's decoder allocates before it has seen as many bytes.
const (
	MaxFunctionLocals = 50_000  // as in browsers
	MaxModuleLocals   = 8 << 20 // a large program has some hundred thousand
)

// Decode takes a module apart. What it accepts the compiler can decode without allocating more than a small multiple of
// the module's size, whatever numbers its author wrote.
func Decode(wasm []byte) (*Module, error) {
	if err := recognize(wasm); err != nil {
		return nil, err
	}
	m := &Module{Wasm: wasm}
	r := NewReader(wasm, Span{len(magic) + len(version), len(wasm)})
	d := decoder{Module: m}
	for r.More() {
		start := r.pos
		id := r.Byte()
		content := r.Part(r.U32())
		s := Section{id, Span{start, r.pos}, Span{content.pos, content.end}}
		m.Sections = append(m.Sections, s)
		if d.order(id, content); id == SectionCustom {
			d.custom(s, content)
		} else {
			d.section(id, content)
		}
		if r.Join(content); r.err != nil {
			return nil, sectionError(id, r.err)
		}
	}
	return m, nil
}

var (
	magic     = []byte("\x00asm")
	version   = []byte{1, 0, 0, 0}
	component = []byte{13, 0, 1, 0}
)

// recognize tells a module from what is likely to be mistaken for one.
func recognize(file []byte) error {
	rest, isWasm := bytes.CutPrefix(file, magic)
	switch {
	case len(file) == 0:
		return errors.New("the file is empty")
	case isWasm && bytes.HasPrefix(rest, version):
		return nil
	case isWasm && bytes.HasPrefix(rest, component):
		return errors.New("it is a WebAssembly component; a handler is a core module, built for instance for wasm32-wasip1")
	case isWasm && len(rest) < len(version), len(file) < len(magic) && bytes.HasPrefix(magic, file):
		return errors.New("the file is cut short: it ends inside the header")
	case isWasm:
		return fmt.Errorf("version %x of the binary format is not supported", rest[:len(version)])
	case isText(file):
		return errors.New("it is in the text format; convert it to the binary format, for instance with wat2wasm")
	}
	return fmt.Errorf("it is not WebAssembly: it begins with %q", file[:min(len(file), 8)])
}

// isText recognizes the text format, which begins with a comment or an opening parenthesis.
func isText(file []byte) bool {
	text := strings.TrimLeft(string(file[:min(len(file), 1024)]), " \t\r\n")
	return strings.HasPrefix(text, ";;") || strings.HasPrefix(text, "(;") || strings.HasPrefix(text, "(module")
}

func sectionError(id byte, err error) error {
	if int(id) < len(sectionNames) {
		return fmt.Errorf("the %s section is broken or cut short at %w", sectionNames[id], err)
	}
	return fmt.Errorf("section %d is unknown or cut short at %w", id, err)
}

// decoder is a module that is being decoded.
type decoder struct {
	*Module
	last  byte // the last section but for custom ones
	named bool
}

// order checks that sections come in their order: by number, but that the data count stands before the code.
func (d *decoder) order(id byte, r *Reader) {
	if id == SectionCustom || id >= SectionTag {
		return
	}
	if d.last != 0 && rank(id) <= rank(d.last) {
		r.Fail("it comes after the %s section", sectionNames[d.last])
	}
	d.last = id
}

func rank(id byte) int {
	if id == SectionDataCount {
		return 2*SectionElement + 1
	}
	return 2 * int(id)
}

func (d *decoder) custom(s Section, r *Reader) {
	if isNames, broken := checkNames(r); isNames && (broken || d.named) {
		d.BrokenNames = append(d.BrokenNames, s)
	} else if isNames {
		d.named = true
	}
	r.pos = r.end
}

func (d *decoder) section(id byte, r *Reader) {
	switch id {
	case SectionType:
		d.typeSection(r)
	case SectionImport:
		d.importSection(r)
	case SectionFunction:
		n := r.Count()
		d.Functions = append(make([]uint32, 0, len(d.Functions)+n), d.Functions...)
		for range n {
			d.Functions = append(d.Functions, r.U32())
		}
	case SectionTable:
		for range r.Count() {
			d.Tables = append(d.Tables, Table{r.RefType(), r.Limits()})
		}
	case SectionMemory:
		for range r.Count() {
			d.Memories = append(d.Memories, r.Limits())
		}
	case SectionGlobal:
		d.globalSection(r)
	case SectionExport:
		n := r.Count()
		d.Exports = make([]Export, 0, n/3)
		for range n {
			d.Exports = append(d.Exports, Export{r.Name(), r.kind(), r.U32()})
		}
	case SectionStart:
		d.Start, d.HasStart = r.U32(), true
	case SectionElement:
		d.elementSection(r)
	case SectionDataCount:
		d.DataCount, d.HasDataCount = r.U32(), true
	case SectionCode:
		d.codeSection(r)
	case SectionData:
		d.dataSection(r)
	case SectionTag:
		r.Fail("exceptions are not supported")
	default:
		r.Fail("no such section")
	}
}

func (d *decoder) typeSection(r *Reader) {
	n := r.Count()
	d.Types = make([]FuncType, 0, n/3)
	for range n {
		if form := r.Byte(); form != 0x60 {
			r.Fail("type form 0x%02x is not supported", form)
		}
		d.Types = append(d.Types, FuncType{r.valueTypes(), r.valueTypes()})
	}
}

func (r *Reader) valueTypes() []byte {
	n := r.Count()
	start := r.pos
	for range n {
		r.ValueType()
	}
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// Signature is the type as abi.Func writes it.
func (t FuncType) Signature() string {
	return SignatureText(typeNames(t.Params), typeNames(t.Results))
}

func typeNames(types []byte) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = TypeName(t)
	}
	return names
}

// SignatureText writes the type of a function as abi.Func does.
func SignatureText(params, results []string) string {
	text := "(" + strings.Join(params, ", ") + ") -> "
	if len(results) == 1 {
		return text + results[0]
	}
	return text + "(" + strings.Join(results, ", ") + ")"
}

func (d *decoder) importSection(r *Reader) {
	for range r.Count() {
		i := Import{Module: r.Name(), Name: r.Name(), Kind: r.kind()}
		switch i.Kind {
		case KindFunc:
			i.Type = r.U32()
			d.Functions = append(d.Functions, i.Type)
			d.ImportedFunctions++
		case KindTable:
			d.Tables = append(d.Tables, Table{r.RefType(), r.Limits()})
			d.ImportedTables++
		case KindMemory:
			d.Memories = append(d.Memories, r.Limits())
			d.ImportedMemories++
		case KindGlobal:
			d.Globals = append(d.Globals, r.globalType())
			d.ImportedGlobals++
		}
		d.Imports = append(d.Imports, i)
	}
}

func (r *Reader) kind() Kind {
	k := Kind(r.Byte())
	if k > KindGlobal {
		r.Fail("kind 0x%02x of an import or export is not supported", byte(k))
		return KindGlobal
	}
	return k
}

func (r *Reader) globalType() Global {
	g := Global{Type: r.ValueType()}
	switch mutability := r.Byte(); mutability {
	case 0:
	case 1:
		g.Mutable = true
	default:
		r.Fail("mutability 0x%02x", mutability)
	}
	return g
}

// TypeText is the type of a function by its index. A wrong index is left for the compiler to report.
func (m *Module) TypeText(index uint32) string {
	if uint64(index) < uint64(len(m.Types)) {
		return m.Types[index].Signature()
	}
	return "(?)"
}

// Signature is the type of a function that is exported.
func (m *Module) Signature(e Export) string {
	if uint64(e.Index) < uint64(len(m.Functions)) {
		return m.TypeText(m.Functions[e.Index])
	}
	return "(?)"
}

func (d *decoder) globalSection(r *Reader) {
	for range r.Count() {
		g := r.globalType()
		g.Init = r.Constant(nil)
		d.Globals = append(d.Globals, g)
	}
}

// elementSection reads the element section (WebAssembly 2.0 section 5.5.12).
func (d *decoder) elementSection(r *Reader) {
	for range r.Count() {
		e := Element{Flags: r.U32(), Type: FuncRef}
		if e.Flags > 7 {
			r.Fail("element segment of kind %d", e.Flags)
		}
		active, expressions := e.Flags&ElementPassive == 0, e.Flags&ElementExpressions != 0
		if active && e.Flags&ElementExplicit != 0 {
			e.Table = r.U32()
		}
		if active {
			e.Offset = r.Constant(nil)
		}
		switch {
		case e.Flags&(ElementPassive|ElementExplicit) == 0: // functions
		case expressions:
			e.Type = r.RefType()
		default:
			if kind := r.Byte(); kind != 0 {
				r.Fail("elements of kind %d", kind)
			}
		}
		e.Count = r.Count()
		e.Items.Start = r.pos
		for range e.Count {
			if expressions {
				r.Constant(nil)
			} else {
				r.U32()
			}
		}
		e.Items.End = r.pos
		d.Elements = append(d.Elements, e)
	}
}

// codeSection checks the lengths of functions and the number of their locals.
func (d *decoder) codeSection(r *Reader) {
	total := uint64(0)
	n := r.Count()
	d.Bodies = make([]Span, 0, n/2)
	for range n {
		body := r.Part(r.U32())
		at := Span{body.pos, body.end}
		locals := uint64(0)
		for range body.Count() {
			locals += uint64(body.U32())
			body.ValueType()
		}
		if total += locals; locals > MaxFunctionLocals || total > MaxModuleLocals {
			body.Fail("%d locals in a function, %d up to here", locals, total)
		}
		if body.err == nil {
			body.pos = body.end // instructions are for others to check
		}
		r.Join(body)
		d.Bodies = append(d.Bodies, at)
	}
}

// dataSection reads the data section (WebAssembly 2.0 section 5.5.14).
func (d *decoder) dataSection(r *Reader) {
	for range r.Count() {
		s := Data{All: Span{Start: r.pos}}
		switch flags := r.U32(); flags {
		case 2:
			if memory := r.U32(); memory != 0 {
				r.Fail("data segment for memory %d", memory)
			}
			s.Offset = r.Constant(nil)
		case 0:
			s.Offset = r.Constant(nil)
		case 1:
			s.Passive = true
		default:
			r.Fail("data segment of kind %d", flags)
		}
		s.Size = r.U32()
		s.Content.Start = r.pos
		r.Bytes(s.Size)
		s.Content.End, s.All.End = r.pos, r.pos
		d.Data = append(d.Data, s)
	}
}

// checkNames reports whether a custom section is the name section and, if so, whether it is broken.
func checkNames(r *Reader) (isNames, broken bool) {
	if r.Name() != "name" || r.err != nil {
		return false, false
	}
	names := &Reader{data: r.data, pos: r.pos, end: r.end}
	for names.More() {
		id := names.Byte()
		part := names.Part(names.U32())
		switch id {
		case NamesModule:
			part.Name()
		case NamesFunctions:
			part.nameMap()
		case NamesLocals:
			for range part.Count() {
				part.U32()
				part.nameMap()
			}
		default:
			part.pos = part.end
		}
		names.Join(part)
	}
	return true, names.err != nil
}

// The parts of the name section (WebAssembly 2.0 section 7.4.1).
const (
	NamesModule    = 0
	NamesFunctions = 1
	NamesLocals    = 2 // by function
)

func (r *Reader) nameMap() {
	for range r.Count() {
		r.U32()
		r.name()
	}
}

// ExportedFunc finds a function by the name under which it is exported.
func (m *Module) ExportedFunc(name string) *Export {
	for i := range m.Exports {
		if e := &m.Exports[i]; e.Name == name && e.Kind == KindFunc {
			return e
		}
	}
	return nil
}

// ExportedMemory finds the memory that is exported as "memory".
func (m *Module) ExportedMemory() *Limits {
	for _, e := range m.Exports {
		if e.Name == "memory" && e.Kind == KindMemory && uint64(e.Index) < uint64(len(m.Memories)) {
			return &m.Memories[e.Index]
		}
	}
	return nil
}

// ImportsFunc reports whether a function is imported.
func (m *Module) ImportsFunc(module, name string) bool {
	for _, i := range m.Imports {
		if i.Module == module && i.Name == name {
			return true
		}
	}
	return false
}
