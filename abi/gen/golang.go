package main

import (
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// What the three Go packages have in common: package abi for the host, package http1 for the core, package abi of the
// SDK for handlers.

// goText is Go source in the making.
type goText struct{ text }

// file begins a file.
func (g *goText) file(constraint, pkg string, imports ...string) {
	g.f("// %s", notice)
	g.f("")
	if constraint != "" {
		g.f("//go:build %s", constraint)
		g.f("")
	}
	g.f("package %s", pkg)
	for _, path := range imports {
		g.f("")
		g.f("import %q", path)
	}
}

// source gives the file, formatted.
func (g *goText) source() ([]byte, error) { return format.Source([]byte(g.String())) }

// named writes a blank line and the comment of a type, a function or a method.
func (g *goText) named(name string, docs []string, more ...string) {
	g.f("")
	docs = append([]string{name + ": " + docs[0]}, docs[1:]...)
	g.comment("//", append(docs, more...)...)
}

// number writes a type whose values are numbers: integers with constants, enums, flags, handles.
func (g *goText) number(t *typ) {
	name := goName(t.name)
	g.named(name, t.docs)
	g.f("type %s uint%d", name, t.bits)
	switch t.kind {
	case kindEnum:
		g.constants(name, t.members, func(m *member) string { return fmt.Sprint(m.value) })
		g.stringMethod(t)
	case kindFlags:
		g.constants(name, t.members, func(m *member) string { return fmt.Sprintf("1 << %d", m.value) })
	case kindInt:
		g.constants(name, t.consts, func(m *member) string { return fmt.Sprintf("%#04x", m.value) })
	}
}

func (g *goText) constants(typeName string, members []*member, value func(*member) string) {
	if len(members) == 0 {
		return
	}
	g.f("")
	g.f("const (")
	for _, m := range members {
		g.comment("\t//", m.docs...)
		g.f("%s%s %s = %s", typeName, goName(m.name), typeName, value(m))
	}
	g.f(")")
}

// stringMethod lets an enum print the name of a value.
func (g *goText) stringMethod(t *typ) {
	name, names := goName(t.name), lowerFirst(goName(t.name))+"Names"
	g.f("")
	g.f("var %s = [...]string{", names)
	for _, m := range t.members {
		g.f("%q,", m.name)
	}
	g.f("}")
	g.f("")
	g.f("// String gives the name of the value in events.witx, or %q for a number that has none.", t.name+"(42)")
	g.f("func (v %s) String() string {", name)
	g.f("if uint64(v) < uint64(len(%s)) {", names)
	g.f("return %s[v]", names)
	g.f("}")
	g.f("return unnamed(%q, uint64(v))", t.name)
	g.f("}")
}

// unnamed writes the function that prints what has no name. It stands in each package, because strconv is more than the
// core may import.
func (g *goText) unnamed() {
	g.WriteString(`
// unnamed gives the text of a value that has no name: errno(42).
func unnamed(enum string, value uint64) string {
	var digits [20]byte
	begin := len(digits)
	for begin == len(digits) || value > 0 {
		begin--
		digits[begin] = byte('0' + value%10)
		value /= 10
	}
	return enum + "(" + string(digits[begin:]) + ")"
}
`)
}

// sizes writes the constants of a record.
func (g *goText) sizes(t *typ) {
	name := goName(t.name)
	g.f("")
	g.comment("//", fmt.Sprintf("Where a [%s] and its fields lie in memory. Offsets count from its first byte.", name))
	g.f("const (")
	g.f("%sSize = %d // bytes", name, t.size)
	g.f("%sAlign = %d // its address is a multiple of it", name, t.align)
	g.f("")
	for _, f := range t.members {
		g.f("%s%sOffset = %d", name, goName(f.name), f.offset)
	}
	g.f(")")
}

// layoutStruct writes a record as a struct that has the record's layout on every Go target. The padding is explicit,
// because 32-bit targets align 64-bit integers to 4.
func (g *goText) layoutStruct(t *typ) {
	name := goName(t.name)
	g.named(name, t.docs, "", layoutSentence(t))
	g.f("type %s struct {", name)
	padding := func(i int) {
		if p, ok := t.paddingBefore(i); ok {
			g.f("_ [%d]byte", p.end-p.begin)
		}
	}
	for i, f := range t.members {
		padding(i)
		g.comment("\t//", slices.Concat(f.docs, pointerSentence(f))...)
		g.f("%s %s", goName(f.name), goType(f.typ))
	}
	padding(len(t.members))
	g.f("}")
}

// layoutAsserts writes declarations that compile only where a struct has the layout of its record.
func (g *goText) layoutAsserts(records []*typ) {
	g.f("")
	g.comment("//", "These compile only when every struct has the layout of its record.")
	g.f("var (")
	for _, t := range records {
		name := goName(t.name)
		g.f("_ [%sSize]struct{} = [unsafe.Sizeof(%s{})]struct{}{}", name, name)
		for _, f := range t.members {
			field := goName(f.name)
			g.f("_ [%s%sOffset]struct{} = [unsafe.Offsetof(%s{}.%s)]struct{}{}", name, field, name, field)
		}
	}
	g.f(")")
}

// initialisms are the words that Go writes in capitals.
var initialisms = map[string]string{"http": "HTTP", "http2": "HTTP2", "eof": "EOF"}

// goName turns no_session into NoSession, and http_1_0 into HTTP10.
func goName(name string) string {
	var b strings.Builder
	for _, word := range strings.Split(name, "_") {
		if capitals, ok := initialisms[word]; ok {
			b.WriteString(capitals)
		} else {
			b.WriteString(pascal(word))
		}
	}
	return b.String()
}

// goType gives the Go type of a field. Addresses are uint32: the memory they point into is another one's, or, in a
// handler, they stand in memory that the host reads.
func goType(t *typ) string {
	switch t.kind {
	case kindPointer, kindConstPointer:
		return "uint32"
	case kindBool:
		return "bool"
	case kindInt:
		if t.line == 0 {
			return fmt.Sprintf("uint%d", t.bits)
		}
	}
	return goName(t.name)
}

// pointerSentence says what a field of an address type points to.
func pointerSentence(f *member) []string {
	if f.typ.kind != kindPointer && f.typ.kind != kindConstPointer {
		return nil
	}
	return []string{"An address: a " + describe(f.typ) + "."}
}

// layoutSentence says how large a record is.
func layoutSentence(t *typ) string {
	unit := "bytes"
	if t.size == 1 {
		unit = "byte"
	}
	return fmt.Sprintf("%d %s, aligned to %d.", t.size, unit, t.align)
}
