package main

import "fmt"

// The layout of wasm32, as the reference crate `witx` computes it: integers align to their size, addresses, handles and
// lengths are 32 bits, a list is an address followed by the number of its elements, and a record aligns to the largest
// alignment in it.

// place sets the size and alignment of a type, and the offsets of a record's fields. What it refers to is placed.
func place(t *typ) {
	switch t.kind {
	case kindInt, kindEnum, kindFlags:
		t.size, t.align = t.bits/8, t.bits/8
	case kindBool:
		t.size, t.align = 1, 1
	case kindHandle, kindPointer, kindConstPointer:
		t.size, t.align = 4, 4
	case kindList:
		t.size, t.align = 8, 4
	case kindRecord:
		placeRecord(t)
	}
}

func placeRecord(t *typ) {
	end := 0
	t.align = 1
	for _, f := range t.members {
		f.offset = alignUp(end, f.typ.align)
		end = f.offset + f.typ.size
		t.align = max(t.align, f.typ.align)
	}
	t.size = alignUp(end, t.align)
}

func alignUp(offset, align int) int { return (offset + align - 1) / align * align }

// gap is a run of bytes of a record that belong to no field.
type gap struct{ begin, end int }

// paddingBefore gives the gap in front of field i of a record, or behind the last field for i = the number of fields.
func (t *typ) paddingBefore(i int) (gap, bool) {
	if t.kind != kindRecord {
		return gap{}, false
	}
	g := gap{0, t.size}
	if i > 0 {
		before := t.members[i-1]
		g.begin = before.offset + before.typ.size
	}
	if i < len(t.members) {
		g.end = t.members[i].offset
	}
	return g, g.begin < g.end
}

// value types of wasm.
const (
	i32 = "i32"
	i64 = "i64"
)

// wasmParam is a parameter as wasm sees it.
type wasmParam struct {
	name    string
	typ     string // i32 or i64
	meaning string // for the reference
}

// lower gives the wasm parameters of a function.
func (f *function) lower() []wasmParam {
	var params []wasmParam
	for _, p := range f.params {
		switch p.typ.kind {
		case kindList:
			params = append(params, wasmParam{p.name, i32, "address"}, wasmParam{p.name + "_len", i32, "number of elements"})
		default:
			params = append(params, wasmParam{p.name, wasmType(p.typ), describe(p.typ)})
		}
	}
	return params
}

// lowerResult gives the wasm result of a function, or nothing.
func (f *function) lowerResult() []string {
	if f.result == nil {
		return nil
	}
	return []string{wasmType(f.result.typ)}
}

// wasmType gives the value type of whatever is passed in one value.
func wasmType(t *typ) string {
	if t.bits == 64 {
		return i64
	}
	return i32
}

// describe names a type for people: `u32`, `list of field`.
func describe(t *typ) string {
	switch {
	case t.name != "":
		return t.name
	case t.kind == kindList:
		return "list of " + t.elem.name
	case t.kind == kindPointer:
		return "pointer to " + t.elem.name
	case t.kind == kindConstPointer:
		return "const pointer to " + t.elem.name
	case t.kind == kindExpected:
		return t.elem.name
	}
	panic(fmt.Sprintf("a %d without a name", t.kind))
}
