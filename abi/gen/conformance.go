package main

import (
	"fmt"
	"strings"
)

// The programs in the conformance folders of the SDKs: what a binding makes of the byte vectors, seen from outside. Each exports `room`, the
// address of a place for one record, and for every number in every record get_ and set_ functions, whose names are the
// record and the way to the number: get_message__line__version. Each also exports for every import a call_ function, which
// calls it with 8 for the first parameter that wasm sees, 16 for the second and so on, and true for a bool.

// leaf is a number somewhere in a record.
type leaf struct {
	path   []string
	typ    *typ
	offset int
}

// leaves gives the numbers of a type in the order of memory; those of a list are ptr and len.
func (t *typ) leaves() []leaf {
	switch t.kind {
	case kindRecord:
		var all []leaf
		for _, f := range t.members {
			for _, l := range f.typ.leaves() {
				path := append([]string{f.name}, l.path...)
				all = append(all, leaf{path, l.typ, f.offset + l.offset})
			}
		}
		return all
	case kindList:
		return []leaf{
			{[]string{"ptr"}, &typ{kind: kindConstPointer, elem: t.elem, size: 4}, 0},
			{[]string{"len"}, builtins["u32"], 4},
		}
	}
	return []leaf{{nil, t, 0}}
}

func (l *leaf) isAddress() bool { return l.typ.kind == kindPointer || l.typ.kind == kindConstPointer }

// exportName names what an exported get_ or set_ function is about.
func (l *leaf) exportName(record *typ) string {
	return strings.Join(append([]string{record.name}, l.path...), "__")
}

// argument counts the parameters that wasm sees and gives each its value.
type argument int

func (a *argument) next() int {
	*a++
	return int(*a) * 8
}

// cConformance writes the part of sdk-c/conformance that depends on the records.
func cConformance(doc *document) ([]byte, error) {
	c := &cText{}
	c.f("/* %s */", notice)
	c.f("")
	c.f(`#include "sluice_abi.h"`)
	c.f("")
	c.f("static union {")
	records := ofKind(doc.typesFor(handlers), kindRecord)
	for _, r := range records {
		c.f("  sluice_%s_t %s;", r.name, r.name)
	}
	c.f("} room;")
	c.WriteString(`
SLUICE_EXPORT("room") void *room_address(void) { return &room; }

#define NUMBER(name, place, type)                                         \
  SLUICE_EXPORT("get_" #name) uint64_t get_##name(void) { return place; } \
  SLUICE_EXPORT("set_" #name) void set_##name(uint64_t value) { place = (type)value; }

#define ADDRESS(name, place, type)                                                   \
  SLUICE_EXPORT("get_" #name) uint64_t get_##name(void) { return (uintptr_t)place; } \
  SLUICE_EXPORT("set_" #name) void set_##name(uint64_t value) { place = (type)(uintptr_t)value; }
`)
	for _, r := range records {
		c.f("")
		for _, l := range r.leaves() {
			macro := "NUMBER"
			if l.isAddress() {
				macro = "ADDRESS"
			}
			place := strings.Join(append([]string{"room", r.name}, l.path...), ".")
			c.f("%s(%s, %s, %s)", macro, l.exportName(r), place, strings.TrimSpace(cDeclaration(l.typ, "")))
		}
	}
	c.f("")
	for _, f := range doc.module(handlerImports).functions {
		var value argument
		var args []string
		for _, p := range f.params {
			switch p.typ.kind {
			case kindList:
				args = append(args, fmt.Sprintf("(%s)%d", cPointer(p.typ.elem, true), value.next()), fmt.Sprint(value.next()))
			case kindPointer, kindConstPointer:
				args = append(args, fmt.Sprintf("(%s)%d", strings.TrimSpace(cDeclaration(p.typ, "")), value.next()))
			case kindBool:
				value.next()
				args = append(args, "true")
			default:
				args = append(args, fmt.Sprint(value.next()))
			}
		}
		c.f(`SLUICE_EXPORT("call_%s") uint32_t call_%s(void) { return sluice_%s(%s); }`, f.name, f.name, f.name,
			strings.Join(args, ", "))
	}
	return []byte(c.String()), nil
}

// rustConformance writes the part of sdk-rust/conformance that depends on the records.
func rustConformance(doc *document) ([]byte, error) {
	r := &rustText{}
	r.f("// %s", notice)
	r.WriteString(`
use crate::abi::*;
use core::slice::from_raw_parts;

#[repr(C)]
union Room {
`)
	records := ofKind(doc.typesFor(handlers), kindRecord)
	largest := 0
	for _, t := range records {
		largest = max(largest, t.size)
		r.f("    %s: %s,", t.name, pascal(t.name))
	}
	r.f("    bytes: [u8; %d],", largest)
	r.f("}")
	r.f("")
	r.f("static mut ROOM: Room = Room { bytes: [0; %d] };", largest)
	r.WriteString(`
#[no_mangle]
pub extern "C" fn room() -> *const u8 {
    unsafe { core::ptr::addr_of!(ROOM) as *const u8 }
}

macro_rules! number {
    ($get:ident, $set:ident, $($place:tt)*) => {
        #[no_mangle]
        pub extern "C" fn $get() -> u64 {
            unsafe { ROOM.$($place)* as u64 }
        }
        #[no_mangle]
        pub extern "C" fn $set(value: u64) {
            unsafe { ROOM.$($place)* = value as _ }
        }
    };
}

macro_rules! address {
    ($get:ident, $set:ident, $($place:tt)*) => {
        #[no_mangle]
        pub extern "C" fn $get() -> u64 {
            unsafe { ROOM.$($place)* as usize as u64 }
        }
        #[no_mangle]
        pub extern "C" fn $set(value: u64) {
            unsafe { ROOM.$($place)* = value as usize as _ }
        }
    };
}
`)
	for _, t := range records {
		r.f("")
		for _, l := range t.leaves() {
			macro := "number"
			if l.isAddress() {
				macro = "address"
			}
			place := rustInner(l.typ, strings.Join(append([]string{t.name}, l.path...), "."))
			name := l.exportName(t)
			r.f("%s! { get_%s, set_%s, %s }", macro, name, name, place)
		}
	}
	for _, f := range doc.module(handlerImports).functions {
		r.f("")
		r.f("#[no_mangle]")
		r.f("pub extern \"C\" fn call_%s() -> u32 {", f.name)
		var value argument
		var args []string
		for _, p := range f.params {
			args = append(args, p.name)
			r.f("    let %s = %s;", p.name, rustArgument(p.typ, &value))
		}
		call := fmt.Sprintf("%s(%s)", f.name, strings.Join(args, ", "))
		if rustSafety(f) != "" {
			call = "unsafe { " + call + " }"
		}
		r.f("    let error = %s;", call)
		r.f("    error.0 as u32")
		r.f("}")
	}
	return []byte(r.String()), nil
}

// rustArgument writes the next value as one of a type.
func rustArgument(t *typ, value *argument) string {
	switch t.kind {
	case kindList:
		return fmt.Sprintf("unsafe { from_raw_parts(%d as *const %s, %d) }", value.next(), rustType(t.elem), value.next())
	case kindPointer:
		return fmt.Sprintf("unsafe { &mut *(%d as *mut %s) }", value.next(), rustType(t.elem))
	case kindConstPointer:
		return fmt.Sprintf("unsafe { &*(%d as *const %s) }", value.next(), rustType(t.elem))
	case kindBool:
		value.next()
		return "true"
	}
	if rustInner(t, "") != "" {
		return fmt.Sprintf("%s(%d)", rustType(t), value.next())
	}
	return fmt.Sprint(value.next())
}

// goConformance writes the part of sdk-go/conformance that depends on the functions. Go's records need no wasm to be
// tested, so it has none.
func goConformance(doc *document) ([]byte, error) {
	g := &goText{}
	g.file("wasip1", "main")
	g.f("")
	g.f("import (")
	g.f("%q", "unsafe")
	g.f("")
	g.f("%q", "github.com/sluicehttp/sluice/sdk-go/abi")
	g.f(")")
	for _, f := range doc.module(handlerImports).functions {
		var value argument
		var args []string
		for _, p := range f.params {
			args = append(args, goArgument(p.typ, &value))
		}
		g.f("")
		g.f("//go:wasmexport call_%s", f.name)
		g.f("func call%s() uint32 { return uint32(abi.%s(%s)) }", goName(f.name), goName(f.name), strings.Join(args, ", "))
	}
	g.f("")
	g.f("func at[T any](address uintptr) *T { return (*T)(unsafe.Add(nil, address)) }")
	return g.source()
}

// goArgument writes the next value as one of a type.
func goArgument(t *typ, value *argument) string {
	switch t.kind {
	case kindList:
		return fmt.Sprintf("unsafe.Slice(at[%s](%d), %d)", goQualified(t.elem), value.next(), value.next())
	case kindPointer, kindConstPointer:
		return fmt.Sprintf("at[%s](%d)", goQualified(t.elem), value.next())
	case kindBool:
		value.next()
		return "true"
	}
	return fmt.Sprint(value.next())
}

// goQualified is goElem from outside of the package.
func goQualified(t *typ) string {
	if t.line == 0 {
		return goElem(t)
	}
	return "abi." + goElem(t)
}
