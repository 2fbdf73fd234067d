package main

import (
	"fmt"
	"slices"
	"strings"
)

// asModule writes the declarations for handlers in AssemblyScript. Its classes hold no records, only references to them, so a
// record within a record is spelled out: line_method_ptr.
func asModule(doc *document) ([]byte, error) {
	a := &asText{}
	a.f("// %s", notice)
	a.f("")
	a.comment("//", "The binary interface between a handler written in AssemblyScript and its host, as abi/REFERENCE.md",
		"describes it. Words in backquotes are names of abi/events.witx.",
		"",
		"A record is an unmanaged class: `changetype<Field>(address)` is the one at an address. A list in it is a ptr and a len. "+
			"Whoever makes a record clears its padding.")
	types := doc.typesFor(handlers)
	for _, t := range types {
		if t.kind == kindRecord {
			if err := a.record(t); err != nil {
				return nil, err
			}
			continue
		}
		a.values(t)
	}
	imports := doc.module(handlerImports)
	a.f("")
	a.comment("//", imports.docs...)
	for _, f := range imports.functions {
		a.function(f)
	}
	return []byte(a.String()), nil
}

// asText is AssemblyScript in the making.
type asText struct{ jsText }

// values writes the named values of a type.
func (a *asText) values(t *typ) {
	members, write := jsValues(t)
	if len(members) == 0 || t.kind == kindList {
		return
	}
	a.f("")
	a.doc("", t.docs...)
	a.f("export const enum %s {", pascal(t.name))
	for _, m := range members {
		a.doc("  ", m.docs...)
		a.f("  %s = %s,", shout(m.name), write(m))
	}
	a.f("}")
}

// record writes a class whose fields the compiler lays out as the interface does, or fails when it would not.
func (a *asText) record(t *typ) error {
	a.f("")
	a.doc("", slices.Concat(t.docs, []string{layoutSentence(t)})...)
	a.f("@unmanaged")
	a.f("export class %s {", pascal(t.name))
	end, align := 0, 1
	for _, m := range t.members {
		for i, l := range (&typ{kind: kindRecord, members: []*member{m}}).leaves() {
			if end = alignUp(end, l.typ.size); end != l.offset {
				return fmt.Errorf("%s:%d: record %s cannot be spelled out: %s would lie at %d", source, t.line, t.name,
					strings.Join(l.path, "."), end)
			}
			end, align = end+l.typ.size, max(align, l.typ.size)
			if i == 0 {
				a.doc("  ", m.docs...)
			}
			a.f("  %s: %s;", asField(&l), asType(l.typ))
		}
	}
	a.f("}")
	if alignUp(end, align) != t.size {
		return fmt.Errorf("%s:%d: record %s cannot be spelled out: it would have %d bytes", source, t.line, t.name,
			alignUp(end, align))
	}
	return nil
}

// asField names a number of a record.
func asField(l *leaf) string { return strings.Join(l.path, "_") }

// asType gives the type of a number.
func asType(t *typ) string {
	switch t.kind {
	case kindPointer, kindConstPointer:
		return "usize"
	case kindHandle:
		return "u32"
	case kindBool:
		return "bool"
	}
	return fmt.Sprintf("u%d", t.bits)
}

// function declares an import.
func (a *asText) function(f *function) {
	var params []string
	for _, p := range f.params {
		switch {
		case p.typ.kind == kindList:
			params = append(params, fmt.Sprintf("%s: usize, %s_len: u32", p.name, p.name))
		case p.typ.kind == kindBool:
			params = append(params, p.name+": bool")
		case p.typ.size < 4:
			params = append(params, p.name+": u32")
		default:
			params = append(params, p.name+": "+asType(p.typ))
		}
	}
	a.f("")
	a.doc("", slices.Concat(f.docs, functionDocs(f, asIs))...)
	a.f("@external(%q, %q)", handlerImports, f.name)
	a.f("export declare function %s(%s): u32;", f.name, strings.Join(params, ", "))
}

// asConformance writes the program of sdk-as/conformance. conformance.go says what it is for.
func asConformance(doc *document) ([]byte, error) {
	a := &asText{}
	a.f("// %s", notice)
	a.f("")
	a.f(`import * as abi from "../assembly/abi";`)
	records := ofKind(doc.typesFor(handlers), kindRecord)
	largest := 0
	for _, t := range records {
		largest = max(largest, t.size)
	}
	a.f("")
	a.f("const place = memory.data(%d, 8);", largest)
	a.f("")
	a.f("export function room(): usize {")
	a.f("  return place;")
	a.f("}")
	for _, t := range records {
		for _, l := range t.leaves() {
			field := fmt.Sprintf("changetype<abi.%s>(place).%s", pascal(t.name), asField(&l))
			a.f("")
			a.f("export function get_%s(): u64 {", l.exportName(t))
			a.f("  return %s;", field)
			a.f("}")
			a.f("export function set_%s(value: u64): void {", l.exportName(t))
			a.f("  %s = <%s>value;", field, asType(l.typ))
			a.f("}")
		}
	}
	for _, f := range doc.module(handlerImports).functions {
		var value argument
		var args []string
		for _, p := range f.params {
			switch p.typ.kind {
			case kindList:
				args = append(args, fmt.Sprint(value.next()), fmt.Sprint(value.next()))
			case kindBool:
				value.next()
				args = append(args, "true")
			default:
				args = append(args, fmt.Sprint(value.next()))
			}
		}
		a.f("")
		a.f("export function call_%s(): u32 {", f.name)
		a.f("  return abi.%s(%s);", f.name, strings.Join(args, ", "))
		a.f("}")
	}
	return []byte(a.String()), nil
}
