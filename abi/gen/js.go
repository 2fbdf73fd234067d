package main

import (
	"fmt"
	"slices"
	"strings"
)

// jsModule writes the ES module for handlers in JavaScript, and jsTypes its TypeScript declarations.
func jsModule(doc *document) ([]byte, error) {
	j := &jsText{}
	j.f("// %s", notice)
	j.f("")
	j.comment("//", jsAbout...)
	types := doc.typesFor(handlers)
	for _, t := range types {
		j.constants(t)
	}
	for _, t := range types {
		switch t.kind {
		case kindRecord, kindList:
			j.codec(t)
		}
	}
	j.functionTable("handlerImports", doc.module(handlerImports))
	j.functionTable("handlerExports", doc.module(handlerExports))
	j.f("")
	j.f("/** The name of the module that a handler imports from. */")
	j.f("export const handlerImportModule = %q;", handlerImports)
	return []byte(j.String()), nil
}

var jsAbout = []string{"The binary interface between a handler and its host, as abi/REFERENCE.md describes it, for code that " +
	"reads and writes a handler's memory through a DataView. Words in backquotes are names of abi/events.witx."}

// jsText is JavaScript or TypeScript in the making.
type jsText struct{ text }

// doc writes a documentation comment.
func (j *jsText) doc(indent string, docs ...string) {
	lines := wrap(docs, textWidth-len(indent)-7)
	if len(lines) == 1 {
		j.f("%s/** %s */", indent, lines[0])
		return
	}
	j.f("%s/**", indent)
	for _, line := range lines {
		j.f("%s", strings.TrimRight(indent+" * "+line, " "))
	}
	j.f("%s */", indent)
}

// jsValues gives the named values of a type and how they are written.
func jsValues(t *typ) (members []*member, write func(*member) string) {
	switch t.kind {
	case kindFlags:
		return t.members, func(m *member) string { return fmt.Sprintf("%#x", uint64(1)<<m.value) }
	case kindEnum:
		return t.members, func(m *member) string { return fmt.Sprint(m.value) }
	}
	return t.consts, func(m *member) string { return fmt.Sprintf("%#04x", m.value) }
}

// constants writes the named values of a type as an object, and the names of an enum in the order of their numbers.
func (j *jsText) constants(t *typ) {
	members, write := jsValues(t)
	if len(members) == 0 || t.kind == kindRecord {
		return
	}
	j.f("")
	j.doc("", t.docs...)
	j.f("export const %s = Object.freeze({", pascal(t.name))
	for _, m := range members {
		j.doc("  ", m.docs...)
		j.f("  %s: %s,", shout(m.name), write(m))
	}
	j.f("});")
	if t.kind != kindEnum {
		return
	}
	j.f("")
	j.f("/** The names of {@link %s}'s values: a value is the index of its name. */", pascal(t.name))
	j.f("export const %sNames = Object.freeze([", jsName(t.name))
	for _, m := range members {
		j.f("  %q,", m.name)
	}
	j.f("]);")
}

// codec writes where the fields of a record or a list lie, and the functions that read and write it.
func (j *jsText) codec(t *typ) {
	name := pascal(t.name)
	fields := jsFields(t)
	j.f("")
	j.doc("", slices.Concat(t.docs, []string{layoutSentence(t)})...)
	j.f("export const %s = Object.freeze({", name)
	j.f("  size: %d,", t.size)
	j.f("  align: %d,", t.align)
	j.f("  offsets: Object.freeze({")
	for _, f := range fields {
		j.f("    %s: %d,", jsName(f.name), f.offset)
	}
	j.f("  }),")
	j.f("});")

	j.f("")
	j.f("/** Reads a {@link %s} at an address. */", name)
	j.f("export function read%s(view, ptr) {", name)
	j.f("  return {")
	for _, f := range fields {
		j.f("    %s: %s,", jsName(f.name), jsRead(f))
	}
	j.f("  };")
	j.f("}")

	j.f("")
	j.f("/** Writes a {@link %s} at an address, its padding as zero. */", name)
	j.f("export function write%s(view, ptr, value) {", name)
	padding := func(i int) {
		if p, ok := t.paddingBefore(i); ok {
			for at := p.begin; at < p.end; at++ {
				j.f("  view.setUint8(%s, 0);", jsAddress(at))
			}
		}
	}
	for i, f := range fields {
		padding(i)
		j.f("  %s;", jsWrite(f))
	}
	padding(len(t.members))
	j.f("}")
}

// jsFields gives the fields of a record, or the two of a list.
func jsFields(t *typ) []*member {
	if t.kind != kindList {
		return t.members
	}
	address := &typ{kind: kindConstPointer, elem: t.elem, size: 4}
	return []*member{
		{name: "ptr", docs: []string{"The address of the first element."}, typ: address},
		{name: "len", docs: []string{"The number of elements."}, typ: builtins["u32"], offset: 4},
	}
}

func jsRead(f *member) string {
	switch f.typ.kind {
	case kindRecord, kindList:
		return fmt.Sprintf("read%s(view, %s)", pascal(f.typ.name), jsAddress(f.offset))
	}
	return fmt.Sprintf("view.get%s(%s%s)", jsAccess(f.typ), jsAddress(f.offset), jsEndian(f.typ))
}

func jsWrite(f *member) string {
	value := "value." + jsName(f.name)
	switch f.typ.kind {
	case kindRecord, kindList:
		return fmt.Sprintf("write%s(view, %s, %s)", pascal(f.typ.name), jsAddress(f.offset), value)
	}
	return fmt.Sprintf("view.set%s(%s, %s%s)", jsAccess(f.typ), jsAddress(f.offset), value, jsEndian(f.typ))
}

// jsAccess is the name of a DataView's method behind get and set.
func jsAccess(t *typ) string {
	if t.size == 8 {
		return "BigUint64"
	}
	return fmt.Sprintf("Uint%d", t.size*8)
}

// jsEndian asks for little-endian, where the size of a number leaves a choice.
func jsEndian(t *typ) string {
	if t.size == 1 {
		return ""
	}
	return ", true"
}

func jsAddress(offset int) string {
	if offset == 0 {
		return "ptr"
	}
	return fmt.Sprintf("ptr + %d", offset)
}

// functionTable writes the wasm signatures of a module's functions.
func (j *jsText) functionTable(name string, m *module) {
	j.f("")
	j.doc("", slices.Concat(m.docs, []string{"", "The wasm types of its functions by their names."})...)
	j.f("export const %s = Object.freeze({", name)
	for _, f := range m.functions {
		var params []string
		for _, p := range f.lower() {
			params = append(params, p.typ)
		}
		j.f("  %s: Object.freeze({ params: %s, results: %s }),", f.name, jsStrings(params), jsStrings(f.lowerResult()))
	}
	j.f("});")
}

func jsStrings(list []string) string {
	var quoted []string
	for _, s := range list {
		quoted = append(quoted, fmt.Sprintf("%q", s))
	}
	return "Object.freeze([" + strings.Join(quoted, ", ") + "])"
}

func jsTypes(doc *document) ([]byte, error) {
	j := &jsText{}
	j.f("// %s", notice)
	j.f("")
	j.comment("//", jsAbout...)
	j.WriteString(`
/** Where a record lies in memory, in bytes. */
export interface RecordLayout<T> {
  /** The size, padding included. */
  readonly size: number;
  /** The record's address is a multiple of it. */
  readonly align: number;
  /** Where each field begins, counted from the record's first byte. */
  readonly offsets: { readonly [field in keyof T]: number };
}

/** A function as wasm sees it: "i32" or "i64" for each parameter and result. */
export interface FunctionType {
  readonly params: readonly string[];
  readonly results: readonly string[];
}
`)
	types := doc.typesFor(handlers)
	for _, t := range types {
		j.typeDeclaration(t)
	}
	j.functionNames("handlerImports", doc.module(handlerImports))
	j.functionNames("handlerExports", doc.module(handlerExports))
	j.f("")
	j.f("/** The name of the module that a handler imports from. */")
	j.f("export const handlerImportModule: %q;", handlerImports)
	return []byte(j.String()), nil
}

// typeDeclaration declares a type, and the constants or functions that abi.js has for it.
func (j *jsText) typeDeclaration(t *typ) {
	name := pascal(t.name)
	j.f("")
	j.doc("", t.docs...)
	if t.kind == kindRecord || t.kind == kindList {
		j.f("export interface %s {", name)
		for _, f := range jsFields(t) {
			j.doc("  ", slices.Concat(f.docs, pointerSentence(f))...)
			j.f("  %s: %s;", jsName(f.name), jsType(f.typ))
		}
		j.f("}")
		j.f("export const %s: RecordLayout<%s>;", name, name)
		j.f("export function read%s(view: DataView, ptr: number): %s;", name, name)
		j.f("export function write%s(view: DataView, ptr: number, value: %s): void;", name, name)
		return
	}
	j.f("export type %s = %s;", name, jsNumber(t))
	members, write := jsValues(t)
	if len(members) == 0 {
		return
	}
	j.f("export const %s: {", name)
	for _, m := range members {
		j.doc("  ", m.docs...)
		j.f("  readonly %s: %s;", shout(m.name), write(m))
	}
	j.f("};")
	if t.kind == kindEnum {
		j.f("export const %sNames: readonly string[];", jsName(t.name))
	}
}

func (j *jsText) functionNames(name string, m *module) {
	j.f("")
	j.doc("", slices.Concat(m.docs, []string{"", "The wasm types of its functions by their names."})...)
	j.f("export const %s: {", name)
	for _, f := range m.functions {
		j.doc("  ", slices.Concat(f.docs, functionDocs(f, asIs))...)
		j.f("  readonly %s: FunctionType;", f.name)
	}
	j.f("};")
}

// jsType gives the TypeScript type of a field.
func jsType(t *typ) string {
	if t.kind == kindPointer || t.kind == kindConstPointer || t.line == 0 {
		return jsNumber(t)
	}
	return pascal(t.name)
}

// jsNumber gives the type of a number: those of 64 bits are BigInts.
func jsNumber(t *typ) string {
	if t.bits == 64 {
		return "bigint"
	}
	return "number"
}

// jsName is JavaScript's style: fieldCount.
func jsName(name string) string { return lowerFirst(pascal(name)) }
