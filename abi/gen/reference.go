package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// reference writes the documentation for authors of handlers who have no SDK for their language.
func reference(doc *document) ([]byte, error) {
	m := &markdown{}
	m.f("<!-- %s -->", notice)
	m.WriteString(referenceIntroduction)
	m.f("## What a handler exports")
	m.module(doc.module(handlerExports))
	m.f("## What a handler imports")
	m.f("")
	m.f("From the module `%s`.", handlerImports)
	m.module(doc.module(handlerImports))
	m.f("## Types")
	for _, t := range doc.types {
		if t.section != core {
			m.typ(t)
		}
	}
	m.picture(doc)
	m.WriteString(referenceCore)
	m.module(doc.module(coreExports))
	m.f("### Types of the core")
	for _, t := range doc.types {
		if t.section == core {
			m.typ(t)
		}
	}
	return []byte(strings.TrimRight(m.String(), "\n") + "\n"), nil
}

const referenceIntroduction = `
# The binary interface of handlers

A handler is a WebAssembly module that hears events of HTTP sessions and answers with calls. This page is all that is
needed to write one without an SDK. It says the same as [events.witx](events.witx), from which it is generated.

- **Memory** is wasm32: little-endian, addresses and sizes of 32 bits. A record is laid out as C lays out a struct. The
  handler exports its memory as ` + "`memory`" + `.
- **Numbers** are unsigned. One of 32 bits or fewer is passed as an i32, one of 64 bits as an i64. A bool is 0 or 1.
- **A list** is an address and a number of elements: two parameters, or 8 bytes in a record. The address of a list
  without elements means nothing and may be 0.
- **Functions** that a handler imports give back an [errno](#errno); everything else that they give goes through pointers.
- **Buffers.** What the host writes into the receive buffer is borrowed for the callback, or until the next ` +
	"`next_event`" + `.
  What a handler passes to a call is its own again when the call returns.
- **Growth.** Numbers, flags and functions are only ever added, and a change that would break a built handler is a new
  module name. A handler leaves alone what it does not know.

`

const referenceCore = `## The core

What follows is not for handlers: it is what the engine's own core exports to its host, as the module ` + "`" + coreExports +
	"`" + `.
`

// markdown is Markdown in the making.
type markdown struct{ text }

// module writes the functions of a module.
func (m *markdown) module(mod *module) {
	m.f("")
	m.comment("", mod.docs...)
	for _, f := range mod.functions {
		m.f("")
		m.f("### Function `%s`", f.name) // more than the name, which can be a type's too
		m.f("")
		m.f("    %s(%s)%s", f.name, strings.Join(wasmParams(f), ", "), wasmResult(f))
		m.f("")
		m.comment("", f.docs...)
		m.f("")
		for _, p := range f.params {
			m.comment("", fmt.Sprintf("- `%s` (%s): %s", p.name, m.link(p.typ), strings.Join(p.docs, " ")))
		}
		if f.result != nil {
			m.comment("", fmt.Sprintf("- result (%s): %s", m.link(f.result.typ), strings.Join(f.result.docs, " ")))
		}
	}
	m.f("")
}

// comment writes text as paragraphs and lists.
func (m *markdown) comment(_ string, docs ...string) {
	for _, line := range wrap(docs, textWidth) {
		m.f("%s", strings.TrimPrefix(line, "  "))
	}
}

func wasmParams(f *function) []string {
	var params []string
	for _, p := range f.lower() {
		params = append(params, p.name+": "+p.typ)
	}
	return params
}

func wasmResult(f *function) string {
	if f.result == nil {
		return ""
	}
	return " -> " + strings.Join(f.lowerResult(), ", ")
}

// link names a type and links to what this page says of it.
func (m *markdown) link(t *typ) string {
	switch {
	case t.name != "" && t.line > 0:
		return fmt.Sprintf("[%s](#%s)", t.name, t.name)
	case t.name != "":
		return t.name
	case t.kind == kindExpected:
		return m.link(t.elem)
	}
	return strings.TrimSuffix(describe(t), t.elem.name) + m.link(t.elem)
}

// typ writes a type with its values or its fields.
func (m *markdown) typ(t *typ) {
	m.f("")
	m.f("### `%s`", t.name)
	m.f("")
	kind := goldenKind(t)
	if t.kind == kindEnum || t.kind == kindFlags {
		kind += fmt.Sprintf(" of %d bits", t.bits)
	}
	m.comment("", slices.Concat(t.docs, []string{fmt.Sprintf("%s: %s", strings.ToUpper(kind[:1])+kind[1:], layoutSentence(t))})...)
	switch t.kind {
	case kindEnum:
		m.values("value", t.members, func(v *member) string { return fmt.Sprint(v.value) })
	case kindFlags:
		m.values("bit", t.members, func(v *member) string { return fmt.Sprintf("%d (%#x)", v.value, uint64(1)<<v.value) })
	case kindInt:
		m.values("value", t.consts, func(v *member) string { return fmt.Sprintf("%#04x", v.value) })
	case kindRecord:
		m.f("")
		m.f("| offset | size | field | type | meaning |")
		m.f("|---:|---:|---|---|---|")
		for _, f := range t.members {
			m.f("| %d | %d | `%s` | %s | %s |", f.offset, f.typ.size, f.name, m.link(f.typ), cell(f.docs))
		}
	}
}

func (m *markdown) values(column string, members []*member, value func(*member) string) {
	if len(members) == 0 {
		return
	}
	m.f("")
	m.f("| %s | name | meaning |", column)
	m.f("|---:|---|---|")
	for _, v := range members {
		m.f("| %s | `%s` | %s |", value(v), v.name, cell(v.docs))
	}
}

// cell joins documentation to the text of a table's cell.
func cell(docs []string) string { return strings.ReplaceAll(strings.Join(docs, " "), "|", `\|`) }

// picture shows the bytes of one payload.
func (m *markdown) picture(doc *document) {
	i := slices.IndexFunc(doc.types, func(t *typ) bool { return t.name == "line" })
	if i < 0 {
		return
	}
	line := doc.types[i]
	const base, method, target = 4096, "GET", "/hello"
	text := uint64(base + line.size) // where the strings begin in this example
	values := map[string]uint64{
		"method.ptr": text, "method.len": uint64(len(method)),
		"target.ptr": text + uint64(len(method)), "target.len": uint64(len(target)),
		"version": 0x0101,
	}
	m.f("")
	m.f("## A payload byte by byte")
	m.f("")
	m.comment("", fmt.Sprintf("`on_event` with the event `line_ready` of `%s %s HTTP/1.1`, where the receive buffer begins at "+
		"address %d. The record lies at the beginning of the payload; here the host has put what it points to right behind it.",
		method, target, base))
	m.f("")
	m.f("    address  bytes                       meaning")
	end := 0
	for _, l := range line.leaves() {
		path := strings.Join(l.path, ".")
		var wide [8]byte
		binary.LittleEndian.PutUint64(wide[:], values[path])
		m.bytes(base+l.offset, wide[:l.typ.size], fmt.Sprintf("%s = %s", path, pictureNumber(path, values[path])))
		end = l.offset + l.typ.size
	}
	m.bytes(base+end, make([]byte, line.size-end), "padding")
	m.bytes(base+line.size, []byte(method), fmt.Sprintf("%q", method))
	m.bytes(base+line.size+len(method), []byte(target), fmt.Sprintf("%q", target))
	m.f("")
}

func (m *markdown) bytes(address int, b []byte, meaning string) {
	if len(b) > 0 {
		m.f("    %-8d %-27s %s", address, fmt.Sprintf("% x", b), meaning)
	}
}

func pictureNumber(path string, value uint64) string {
	if path == "version" {
		return fmt.Sprintf("%#04x", value)
	}
	return fmt.Sprint(value)
}
