package main

import (
	"fmt"
	"slices"
	"strings"
)

// goHost writes package abi: for the host, which reads and writes records in another module's memory.
func goHost(doc *document) ([]byte, error) {
	g := &goText{}
	g.file("", "abi", "encoding/binary")
	for _, t := range doc.types {
		switch t.kind {
		case kindRecord:
			g.hostRecord(t)
		case kindList:
			g.named(goName(t.name), t.docs)
			g.f("type %s = List", goName(t.name))
		default:
			g.number(t)
		}
	}
	g.f("")
	g.f("// HandlerImportModule is the name of the module that a handler imports from.")
	g.f("const HandlerImportModule = %q", handlerImports)
	g.functionTable("HandlerImports", doc.module(handlerImports))
	g.functionTable("HandlerExports", doc.module(handlerExports))
	g.functionTable("CoreExports", doc.module(coreExports))
	g.unnamed()
	return g.source()
}

// hostRecord writes a record as a struct with methods that decode and encode it.
func (g *goText) hostRecord(t *typ) {
	name := goName(t.name)
	g.named(name, t.docs, "", layoutSentence(t))
	g.f("type %s struct {", name)
	for _, f := range t.members {
		g.comment("\t//", slices.Concat(f.docs, pointerSentence(f))...)
		g.f("%s %s", goName(f.name), goType(f.typ))
	}
	g.f("}")
	g.sizes(t)

	g.f("")
	g.f("// Load reads the record from the first %sSize bytes of b. It panics when b is shorter.", name)
	g.f("func (r *%s) Load(b []byte) {", name)
	g.f("_ = b[%sSize-1]", name)
	for _, f := range t.members {
		g.f("%s", loadField(t, f))
	}
	g.f("}")

	g.f("")
	g.f("// Store writes the record into the first %sSize bytes of b, its padding as zero. It panics when b is shorter.", name)
	g.f("func (r *%s) Store(b []byte) {", name)
	g.f("_ = b[%sSize-1]", name)
	for i, f := range t.members {
		g.clearPadding(t, i)
		g.f("%s", storeField(t, f))
	}
	g.clearPadding(t, len(t.members))
	g.f("}")
}

func (g *goText) clearPadding(t *typ, i int) {
	if p, ok := t.paddingBefore(i); ok {
		g.f("clear(b[%d:%d])", p.begin, p.end)
	}
}

func loadField(t *typ, f *member) string {
	name, offset := goName(f.name), goName(t.name)+goName(f.name)+"Offset"
	if f.typ.kind == kindRecord || f.typ.kind == kindList {
		return fmt.Sprintf("r.%s.Load(b[%s:])", name, offset)
	}
	value := fmt.Sprintf("b[%s]", offset)
	if bits := f.typ.size * 8; bits > 8 {
		value = fmt.Sprintf("binary.LittleEndian.Uint%d(b[%s:])", bits, offset)
	}
	if goType(f.typ) != fmt.Sprintf("uint%d", f.typ.size*8) {
		value = fmt.Sprintf("%s(%s)", goType(f.typ), value)
	}
	return fmt.Sprintf("r.%s = %s", name, value)
}

func storeField(t *typ, f *member) string {
	name, offset := goName(f.name), goName(t.name)+goName(f.name)+"Offset"
	if f.typ.kind == kindRecord || f.typ.kind == kindList {
		return fmt.Sprintf("r.%s.Store(b[%s:])", name, offset)
	}
	value, plain := "r."+name, fmt.Sprintf("uint%d", f.typ.size*8)
	if goType(f.typ) != plain {
		value = fmt.Sprintf("%s(%s)", plain, value)
	}
	if f.typ.size == 1 {
		return fmt.Sprintf("b[%s] = %s", offset, strings.Replace(value, "uint8(", "byte(", 1))
	}
	return fmt.Sprintf("binary.LittleEndian.PutUint%d(b[%s:], %s)", f.typ.size*8, offset, value)
}

// functionTable writes the functions of a module with their wasm signatures.
func (g *goText) functionTable(name string, m *module) {
	if m == nil {
		return
	}
	g.named(name, m.docs)
	g.f("var %s = []Func{", name)
	for _, f := range m.functions {
		var params []string
		for _, p := range f.lower() {
			params = append(params, p.typ)
		}
		g.f("{%q, %s, %s},", f.name, valueTypes(params), valueTypes(f.lowerResult()))
	}
	g.f("}")
}

// valueTypes writes a []ValueType.
func valueTypes(types []string) string {
	if len(types) == 0 {
		return "nil"
	}
	return "[]ValueType{" + strings.ToUpper(strings.Join(types, ", ")) + "}"
}
