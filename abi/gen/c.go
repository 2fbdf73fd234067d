package main

import (
	"fmt"
	"slices"
	"strings"
)

// cHeader writes the header for handlers in C and C++.
func cHeader(doc *document) ([]byte, error) {
	c := &cText{}
	c.f("/* %s */", notice)
	c.f("")
	c.comment("The binary interface between a handler written in C or C++ and its host, as abi/REFERENCE.md describes it.",
		"Everything begins with sluice_ or SLUICE_. Words in backquotes are names of abi/events.witx.",
		"",
		"Numbers narrower than 32 bits are passed as uint32_t; records hold them in their own width.")
	c.WriteString(cPreamble)
	types := doc.typesFor(handlers)
	for _, t := range types {
		c.typ(t)
	}
	c.asserts(ofKind(types, kindRecord))
	c.f("")
	c.comment(doc.module(handlerImports).docs...)
	for _, f := range doc.module(handlerImports).functions {
		c.prototype(f, fmt.Sprintf("SLUICE_IMPORT(%q)", f.name))
	}
	c.f("")
	c.comment(doc.module(handlerExports).docs...)
	for _, f := range doc.module(handlerExports).functions {
		c.prototype(f, fmt.Sprintf("SLUICE_EXPORT(%q)", f.name))
	}
	c.WriteString(cEnd)
	return []byte(c.String()), nil
}

const cPreamble = `
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define SLUICE_STATIC_ASSERT(condition, message) static_assert(condition, message)
#define SLUICE_ALIGNOF(type) alignof(type)
#else
#define SLUICE_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define SLUICE_ALIGNOF(type) _Alignof(type)
#endif

/* Elsewhere than in wasm only the types are of use. */
#ifdef __wasm__
#define SLUICE_IMPORT(name) __attribute__((import_module("` + handlerImports + `"), import_name(name)))
#define SLUICE_EXPORT(name) __attribute__((export_name(name)))
#else
#define SLUICE_IMPORT(name)
#define SLUICE_EXPORT(name)
#endif
`

const cEnd = `
#ifdef __cplusplus
}
#endif

#endif
`

// cText is C source in the making.
type cText struct{ text }

// comment writes a block comment.
func (c *cText) comment(docs ...string) {
	lines := wrap(docs, textWidth-6)
	if len(lines) == 1 {
		c.f("/* %s */", lines[0])
		return
	}
	for i, line := range lines {
		mark := " *"
		if i == 0 {
			mark = "/*"
		}
		if i == len(lines)-1 {
			line += " */"
		}
		c.f("%s", strings.TrimRight(mark+" "+line, " "))
	}
}

// member writes the comment of a field or a value, indented by two.
func (c *cText) member(indent string, docs []string) {
	inner := &cText{}
	inner.comment(docs...)
	for line := range strings.Lines(inner.String()) {
		c.WriteString(indent + line)
	}
}

func (c *cText) typ(t *typ) {
	c.f("")
	docs := t.docs
	if t.kind == kindRecord {
		docs = slices.Concat(docs, []string{layoutSentence(t)})
	}
	c.comment(docs...)
	switch t.kind {
	case kindRecord:
		c.f("typedef struct sluice_%s {", t.name)
		for _, f := range t.members {
			c.member("  ", f.docs)
			c.f("  %s;", cDeclaration(f.typ, f.name))
		}
		c.f("} sluice_%s_t;", t.name)
	case kindList:
		c.f("typedef struct sluice_%s {", t.name)
		c.f("  %sptr; /* the first element */", cPointer(t.elem, true))
		c.f("  size_t len; /* the number of elements */")
		c.f("} sluice_%s_t;", t.name)
	default:
		c.f("typedef uint%d_t sluice_%s_t;", t.bits, t.name)
	}
	c.values(t)
}

// values writes the named values of a type as macros.
func (c *cText) values(t *typ) {
	members := t.members
	format := "%d"
	switch t.kind {
	case kindInt:
		members, format = t.consts, "%#04x"
	case kindFlags:
		format = "%#x"
	case kindEnum:
	default:
		return
	}
	for _, m := range members {
		value := m.value
		if t.kind == kindFlags {
			value = 1 << m.value
		}
		c.member("", m.docs)
		c.f("#define SLUICE_%s_%s UINT%d_C("+format+")", shout(t.name), shout(m.name), t.bits, value)
	}
}

// asserts holds the layout of every record where it counts.
func (c *cText) asserts(records []*typ) {
	c.f("")
	c.f("#ifdef __wasm32__")
	for _, t := range records {
		c.f(`SLUICE_STATIC_ASSERT(sizeof(sluice_%s_t) == %d, "size of %s");`, t.name, t.size, t.name)
		c.f(`SLUICE_STATIC_ASSERT(SLUICE_ALIGNOF(sluice_%s_t) == %d, "alignment of %s");`, t.name, t.align, t.name)
		for _, f := range t.members {
			c.f(`SLUICE_STATIC_ASSERT(offsetof(sluice_%s_t, %s) == %d, "offset of %s.%s");`, t.name, f.name, f.offset, t.name, f.name)
		}
	}
	c.f("#endif")
}

// prototype declares a function as wasm sees it.
func (c *cText) prototype(f *function, attribute string) {
	var params []string
	for _, p := range f.params {
		switch {
		case p.typ.kind == kindList:
			params = append(params, cPointer(p.typ.elem, true)+p.name, "size_t "+p.name+"_len")
		case p.typ.size < 4:
			params = append(params, cWord(p.typ)+" "+p.name)
		default:
			params = append(params, cDeclaration(p.typ, p.name))
		}
	}
	if len(params) == 0 {
		params = []string{"void"}
	}
	result := "void "
	if f.result != nil {
		result = cDeclaration(f.result.typ, "")
		if f.result.typ.size < 4 {
			result = "uint32_t "
		}
	}
	c.f("")
	c.comment(slices.Concat(f.docs, functionDocs(f, asIs))...)
	c.f("%s", attribute)
	head, list := result+"sluice_"+f.name+"(", strings.Join(params, ", ")+");"
	if len(head)+len(list) > textWidth {
		head += "\n    "
	}
	c.f("%s%s", head, list)
}

// cWord is the C type in which a narrow number is passed.
func cWord(t *typ) string {
	if t.kind == kindBool {
		return "bool"
	}
	return "uint32_t"
}

// cDeclaration declares something of a type.
func cDeclaration(t *typ, name string) string {
	switch {
	case t.kind == kindPointer:
		return cPointer(t.elem, false) + name
	case t.kind == kindConstPointer:
		return cPointer(t.elem, true) + name
	case t.line == 0 && t.kind == kindInt:
		return fmt.Sprintf("uint%d_t %s", t.bits, name)
	}
	return fmt.Sprintf("sluice_%s_t %s", t.name, name)
}

func cPointer(elem *typ, constant bool) string {
	text := strings.TrimSpace(cDeclaration(elem, "")) + " *"
	if constant {
		text = "const " + text
	}
	return text
}
