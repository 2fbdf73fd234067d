package main

import (
	"fmt"
	"strings"
)

// The goldens hold the whole interface in a few lines, so that a change of it shows in a review as what it is. The
// reference crate writes the same lines, see abi/witx-check.

// signaturesGolden writes "module function (params) -> (results)", one function a line.
func signaturesGolden(doc *document) ([]byte, error) {
	t := &text{}
	t.f("# %s", notice)
	for _, m := range doc.modules {
		for _, f := range m.functions {
			var params []string
			for _, p := range f.lower() {
				params = append(params, p.typ)
			}
			t.f("%s %s (%s) -> (%s)", m.name, f.name, strings.Join(params, " "), strings.Join(f.lowerResult(), " "))
		}
	}
	return []byte(t.String()), nil
}

// layoutGolden writes every type with its size and alignment in bytes, and below it what it consists of.
func layoutGolden(doc *document) ([]byte, error) {
	t := &text{}
	t.f("# %s", notice)
	for _, typ := range doc.types {
		t.f("%s: %s, size %d, align %d", typ.name, goldenKind(typ), typ.size, typ.align)
		for _, m := range typ.members {
			switch typ.kind {
			case kindRecord:
				t.f("%s.%s: %s, offset %d, size %d", typ.name, m.name, describe(m.typ), m.offset, m.typ.size)
			case kindFlags:
				t.f("%s.%s = %d", typ.name, m.name, uint64(1)<<m.value)
			default:
				t.f("%s.%s = %d", typ.name, m.name, m.value)
			}
		}
		for _, c := range typ.consts {
			t.f("%s.%s = %d", typ.name, c.name, c.value)
		}
	}
	return []byte(t.String()), nil
}

// goldenKind names what a typename stands for.
func goldenKind(t *typ) string {
	switch t.kind {
	case kindInt:
		return fmt.Sprintf("u%d", t.bits)
	case kindEnum:
		return "enum"
	case kindFlags:
		return "flags"
	case kindRecord:
		return "record"
	case kindHandle:
		return "handle"
	}
	return describe(&typ{kind: t.kind, elem: t.elem})
}
