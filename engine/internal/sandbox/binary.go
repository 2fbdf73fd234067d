package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// binaryModule is what there is to know of a module in the binary format before it is compiled.
type binaryModule struct {
	wasm      []byte
	types     []string // the types of functions, as text
	imports   []imported
	functions []uint32 // the type of each function, imported ones first
	tables    []table
	memories  []limits
	exports   []exported

	// edits are the sections to replace before compilation, in the order in which they lie in the module.
	edits []edit
}

type imported struct {
	module, name string
	kind         kind
	signature    string // of a function
}

type exported struct {
	name  string
	kind  kind
	index uint32
}

type table struct {
	refType byte
	limits
}

// edit puts other bytes in the place of those from start to end.
type edit struct {
	start, end int
	with       []byte
}

// kind is what can be imported and exported.
type kind byte

const (
	kindFunc kind = iota
	kindTable
	kindMemory
	kindGlobal
)

func (k kind) String() string {
	return [...]string{"function", "table", "memory", "global"}[k]
}

// The sections of a module (WebAssembly 2.0 section 5.5.2).
const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
	sectionTag
)

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
	"element", "code", "data", "data count", "tag"}

// Bounds on what the compiler's decoder allocates before it has seen as many bytes.
const (
	maxFunctionLocals = 50_000  // as in browsers
	maxModuleLocals   = 8 << 20 // a large program has some hundred thousand
)

// decode takes a module apart. What it accepts the compiler can decode without allocating more than a small multiple of
// the module's size, whatever numbers its author wrote.
func decode(wasm []byte) (*binaryModule, error) {
	if err := recognize(wasm); err != nil {
		return nil, err
	}
	m := &binaryModule{wasm: wasm}
	r := &reader{data: wasm, pos: len(magic) + len(version), end: len(wasm)}
	named := false
	for r.more() {
		start := r.pos
		id := r.byte()
		section := r.part(r.u32())
		if id == sectionCustom {
			if isNames, broken := checkNames(section); isNames && (broken || named) {
				m.edits = append(m.edits, edit{start, r.pos, nil}) // names serve stack traces only
			} else if isNames {
				named = true
			}
			section.pos = section.end
		} else {
			m.section(id, section)
		}
		if r.join(section); r.err != nil {
			return nil, sectionError(id, r.err)
		}
		if id == sectionTable {
			m.capTables(start, r.pos)
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

func (m *binaryModule) section(id byte, r *reader) {
	switch id {
	case sectionType:
		m.typeSection(r)
	case sectionImport:
		m.importSection(r)
	case sectionFunction:
		for range r.count() {
			m.functions = append(m.functions, r.u32())
		}
	case sectionTable:
		for range r.count() {
			m.tables = append(m.tables, table{r.refType(), r.limits()})
		}
	case sectionMemory:
		for range r.count() {
			m.memories = append(m.memories, r.limits())
		}
	case sectionExport:
		for range r.count() {
			m.exports = append(m.exports, exported{r.name(), r.kind(), r.u32()})
		}
	case sectionElement:
		elementSection(r)
	case sectionCode:
		codeSection(r)
	case sectionData:
		dataSection(r)
	case sectionGlobal:
		r.count() // the compiler's decoder trusts nothing else in them
		r.pos = r.end
	case sectionStart, sectionDataCount:
		r.u32()
	case sectionTag:
		r.fail("exceptions are not supported")
	default:
		r.fail("no such section")
	}
}

func (m *binaryModule) typeSection(r *reader) {
	for range r.count() {
		if form := r.byte(); form != 0x60 {
			r.fail("type form 0x%02x is not supported", form)
		}
		m.types = append(m.types, signatureText(r.valueTypes(), r.valueTypes()))
	}
}

func (r *reader) valueTypes() (types []string) {
	for range r.count() {
		types = append(types, r.valueType())
	}
	return types
}

// signatureText writes the type of a function as abi.Func does.
func signatureText(params, results []string) string {
	text := "(" + strings.Join(params, ", ") + ") -> "
	if len(results) == 1 {
		return text + results[0]
	}
	return text + "(" + strings.Join(results, ", ") + ")"
}

func (m *binaryModule) importSection(r *reader) {
	for range r.count() {
		i := imported{module: r.name(), name: r.name(), kind: r.kind()}
		switch i.kind {
		case kindFunc:
			index := r.u32()
			i.signature = m.typeText(index)
			m.functions = append(m.functions, index)
		case kindTable:
			r.refType()
			r.limits()
		case kindMemory:
			r.limits()
		case kindGlobal:
			r.valueType()
			r.byte() // mutability
		}
		m.imports = append(m.imports, i)
	}
}

func (r *reader) kind() kind {
	k := kind(r.byte())
	if k > kindGlobal {
		r.fail("kind 0x%02x of an import or export is not supported", byte(k))
		return kindGlobal
	}
	return k
}

// typeText is the type of a function by its index. A wrong index is left for the compiler to report.
func (m *binaryModule) typeText(index uint32) string {
	if uint64(index) < uint64(len(m.types)) {
		return m.types[index]
	}
	return "(?)"
}

// signature is the type of a function that is exported.
func (m *binaryModule) signature(e exported) string {
	if uint64(e.index) < uint64(len(m.functions)) {
		return m.typeText(m.functions[e.index])
	}
	return "(?)"
}

// elementSection checks the lengths in the element section (WebAssembly 2.0 section 5.5.12).
func elementSection(r *reader) {
	for range r.count() {
		flags := r.u32()
		if flags > 7 {
			r.fail("element segment of kind %d", flags)
		}
		active, expressions := flags&1 == 0, flags&4 != 0
		if active && flags&2 != 0 {
			r.u32() // table
		}
		if active {
			r.skipConstant()
		}
		switch {
		case flags&3 == 0: // functions
		case expressions:
			r.refType()
		default:
			r.byte() // the kind of its elements
		}
		for range r.count() {
			if expressions {
				r.skipConstant()
			} else {
				r.u32()
			}
		}
	}
}

// codeSection checks the lengths of functions and the number of their locals.
func codeSection(r *reader) {
	total := uint64(0)
	for range r.count() {
		body := r.part(r.u32())
		locals := uint64(0)
		for range body.count() {
			locals += uint64(body.u32())
			body.valueType()
		}
		if total += locals; locals > maxFunctionLocals || total > maxModuleLocals {
			body.fail("%d locals in a function, %d up to here", locals, total)
		}
		if body.err == nil {
			body.pos = body.end // instructions are for the compiler to check
		}
		r.join(body)
	}
}

// dataSection checks the lengths in the data section (WebAssembly 2.0 section 5.5.14).
func dataSection(r *reader) {
	for range r.count() {
		switch flags := r.u32(); flags {
		case 2:
			r.u32() // memory
			r.skipConstant()
		case 0:
			r.skipConstant()
		case 1:
		default:
			r.fail("data segment of kind %d", flags)
		}
		r.bytes(r.u32())
	}
}

// checkNames reports whether a custom section is the name section and, if so, whether it is broken.
func checkNames(r *reader) (isNames, broken bool) {
	if r.name() != "name" || r.err != nil {
		return false, false
	}
	names := &reader{data: r.data, pos: r.pos, end: r.end}
	for names.more() {
		id := names.byte()
		part := names.part(names.u32())
		switch id {
		case 0: // the module's name
			part.name()
		case 1: // functions' names
			part.nameMap()
		case 2: // locals' names by function
			for range part.count() {
				part.u32()
				part.nameMap()
			}
		default:
			part.pos = part.end
		}
		names.join(part)
	}
	return true, names.err != nil
}

func (r *reader) nameMap() {
	for range r.count() {
		r.u32()
		r.name()
	}
}

// maxTableEntries bounds each table, maxTables their number: tables lie in the Go heap, 8 bytes an entry, outside of the
// limit on memory. A large Go program has some ten thousand functions, each with an entry.
const (
	maxTableEntries = 1 << 17
	maxTables       = 8
)

// capTables has the table section, which lies from start to end, replaced by one that lets no table grow beyond the cap.
func (m *binaryModule) capTables(start, end int) {
	if len(m.tables) > maxTables {
		return // refused anyway
	}
	content := []byte{byte(len(m.tables))}
	for _, t := range m.tables {
		if !t.hasMax || t.max > maxTableEntries {
			t.max = maxTableEntries
		}
		content = append(content, t.refType, 1)
		content = binary.AppendUvarint(content, uint64(t.min))
		content = binary.AppendUvarint(content, uint64(t.max))
	}
	section := append([]byte{sectionTable}, binary.AppendUvarint(nil, uint64(len(content)))...)
	if section = append(section, content...); !bytes.Equal(section, m.wasm[start:end]) {
		m.edits = append(m.edits, edit{start, end, section})
	}
}

// edited is the module to compile.
func (m *binaryModule) edited() []byte {
	if len(m.edits) == 0 {
		return m.wasm
	}
	var parts [][]byte
	at := 0
	for _, e := range m.edits {
		parts = append(parts, m.wasm[at:e.start], e.with)
		at = e.end
	}
	return slices.Concat(append(parts, m.wasm[at:])...)
}
