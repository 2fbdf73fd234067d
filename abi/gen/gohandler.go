package main

import (
	"fmt"
	"strings"
)

// goHandler writes package abi of the Go SDK: the types a handler sees.
func goHandler(doc *document) ([]byte, error) {
	g := &goText{}
	g.file("", "abi", "unsafe")
	types := doc.typesFor(handlers)
	for _, t := range types {
		switch t.kind {
		case kindRecord:
			g.layoutStruct(t)
			g.sizes(t)
		case kindList:
			g.named(goName(t.name), t.docs)
			g.f("type %s struct {", goName(t.name))
			g.f("// Ptr is the address of the first element.")
			g.f("Ptr uint32")
			g.f("// Len is the number of elements.")
			g.f("Len uint32")
			g.f("}")
		default:
			g.number(t)
		}
	}
	g.unnamed()
	g.layoutAsserts(ofKind(types, kindRecord))
	return g.source()
}

// goHandlerImports writes the functions a handler imports: each one as wasm sees it, and a wrapper with types.
func goHandlerImports(doc *document) ([]byte, error) {
	g := &goText{}
	g.file("wasip1", "abi", "unsafe")
	m := doc.module(handlerImports)
	for _, f := range m.functions {
		g.rawImport(m, f)
		g.importWrapper(f)
	}
	g.f("")
	g.f("// number gives 1 for true and 0 for false.")
	g.f("func number(b bool) uint32 {")
	g.f("if b {")
	g.f("return 1")
	g.f("}")
	g.f("return 0")
	g.f("}")
	return g.source()
}

// rawImport declares the imported function. The host keeps nothing of what it is given, hence noescape.
func (g *goText) rawImport(m *module, f *function) {
	var params []string
	for _, p := range f.params {
		name := goLocal(p.name)
		switch p.typ.kind {
		case kindList:
			params = append(params, name+" unsafe.Pointer", name+"Len uint32")
		case kindPointer, kindConstPointer:
			params = append(params, name+" unsafe.Pointer")
		default:
			params = append(params, name+" "+goWasmType(p.typ))
		}
	}
	g.f("")
	g.f("//go:wasmimport %s %s", m.name, f.name)
	g.f("//go:noescape")
	g.f("func %s(%s) uint32", rawName(f), strings.Join(params, ", "))
}

// importWrapper writes the exported function.
func (g *goText) importWrapper(f *function) {
	var params, args []string
	for _, p := range f.params {
		name := goLocal(p.name)
		switch p.typ.kind {
		case kindList:
			params = append(params, fmt.Sprintf("%s []%s", name, goElem(p.typ.elem)))
			args = append(args, fmt.Sprintf("unsafe.Pointer(unsafe.SliceData(%s)), uint32(len(%s))", name, name))
		case kindPointer, kindConstPointer:
			params = append(params, fmt.Sprintf("%s *%s", name, goElem(p.typ.elem)))
			args = append(args, fmt.Sprintf("unsafe.Pointer(%s)", name))
		case kindBool:
			params = append(params, name+" bool")
			args = append(args, fmt.Sprintf("number(%s)", name))
		default:
			params = append(params, name+" "+goType(p.typ))
			args = append(args, fmt.Sprintf("%s(%s)", goWasmType(p.typ), name))
		}
	}
	g.named(goName(f.name), f.docs, functionDocs(f, goLocal)...)
	g.f("func %s(%s) Errno {", goName(f.name), strings.Join(params, ", "))
	g.f("return Errno(%s(%s))", rawName(f), strings.Join(args, ", "))
	g.f("}")
}

// rawName is the Go name of the function as wasm sees it.
func rawName(f *function) string { return goLocal(f.name) }

// goWasmType is the Go type of what is passed in one value.
func goWasmType(t *typ) string {
	if wasmType(t) == i64 {
		return "uint64"
	}
	return "uint32"
}

func goElem(t *typ) string {
	if t.name == "u8" {
		return "byte"
	}
	return goType(t)
}

// goLocal is Go's style for parameters.
func goLocal(name string) string { return lowerFirst(goName(name)) }

// functionDocs gives what follows the first paragraph of a function's documentation: its parameters and its result.
func functionDocs(f *function, style func(name string) string) []string {
	var docs []string
	if len(f.params) > 0 {
		docs = append(docs, "")
	}
	for _, p := range f.params {
		docs = append(docs, "- "+style(p.name)+": "+strings.Join(p.docs, " "))
	}
	if f.result != nil {
		docs = append(docs, "", "Result: "+strings.Join(f.result.docs, " "))
	}
	return docs
}
