package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// vectors writes byte vectors: records as values and as the bytes they have in memory. Every language's tests decode and
// encode them.
func vectors(doc *document) ([]byte, error) {
	t := &text{}
	t.f("{")
	t.f(`  "generated": %q,`, notice)
	t.f(`  "about": "A value maps field names to numbers, or to values of the same form; a list is its ptr and its len, and a ` +
		`number of 64 bits is a decimal string. Bytes are in hexadecimal, padding is zero. Every record has the same vectors: ` +
		`all bits 0, bytes that count up from 1, all bits 1.",`)
	t.f(`  "records": [`)
	records := ofKind(doc.types, kindRecord)
	for i, r := range records {
		t.f(`    {"name": %q, "for": %q, "vectors": [`, r.name, r.section)
		for j, v := range vectorsOf(r) {
			t.f(`      {"name": %q, "bytes": %q,`, v.name, hex.EncodeToString(v.bytes))
			t.f(`       "value": %s}%s`, valueJSON(r, v.bytes), comma(j, 3))
		}
		t.f("    ]}%s", comma(i, len(records)))
	}
	t.f("  ]")
	t.f("}")
	return []byte(t.String()), nil
}

// comma gives what separates element i of n from the next.
func comma(i, n int) string {
	if i+1 < n {
		return ","
	}
	return ""
}

type vector struct {
	name  string
	bytes []byte
}

// vectorsOf fills a record's fields three times. Its padding stays zero.
func vectorsOf(t *typ) []vector {
	var used = make([]bool, t.size)
	t.mark(used)
	fill := func(name string, value func(i int) byte) vector {
		v := vector{name, make([]byte, t.size)}
		for i := range v.bytes {
			if used[i] {
				v.bytes[i] = value(i)
			}
		}
		return v
	}
	return []vector{
		fill("zero", func(int) byte { return 0 }),
		fill("distinct", func(i int) byte { return byte(i + 1) }),
		fill("max", func(int) byte { return 0xff }),
	}
}

// mark sets the bytes that belong to a field and not to padding.
func (t *typ) mark(used []bool) {
	if t.kind != kindRecord {
		for i := range t.size {
			used[i] = true
		}
		return
	}
	for _, f := range t.members {
		f.typ.mark(used[f.offset:])
	}
}

// valueJSON decodes bytes by the layout.
func valueJSON(t *typ, b []byte) string {
	switch t.kind {
	case kindRecord:
		var fields []string
		for _, f := range t.members {
			fields = append(fields, fmt.Sprintf("%q: %s", f.name, valueJSON(f.typ, b[f.offset:])))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case kindList:
		return fmt.Sprintf(`{"ptr": %d, "len": %d}`, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]))
	}
	var wide [8]byte
	copy(wide[:], b[:t.size])
	number := binary.LittleEndian.Uint64(wide[:])
	if t.size == 8 {
		return fmt.Sprintf(`"%d"`, number)
	}
	return fmt.Sprint(number)
}
