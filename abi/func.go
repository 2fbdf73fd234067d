package abi

import "encoding/binary"

// ValueType is the type of a value that wasm passes.
type ValueType byte

const (
	I32 ValueType = iota // 32-bit integer
	I64                  // 64-bit integer
	F32                  // 32-bit float
	F64                  // 64-bit float
)

// String gives the name of the type in the text format of wasm.
func (v ValueType) String() string {
	switch v {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	}
	return "unknown"
}

// Func is a function that crosses a sandbox's wall, as wasm sees it.
type Func struct {
	// Name is the name under which it is exported and imported.
	Name string
	// Params and Results are its types in order.
	Params, Results []ValueType
}

// Signature gives the type of the function for messages: "(i32, i64) -> i32". A function without result ends in "-> ()".
func (f *Func) Signature() string {
	params := "(" + join(f.Params) + ")"
	if len(f.Results) == 1 {
		return params + " -> " + f.Results[0].String()
	}
	return params + " -> (" + join(f.Results) + ")"
}

func join(types []ValueType) string {
	text := ""
	for i, t := range types {
		if i > 0 {
			text += ", "
		}
		text += t.String()
	}
	return text
}

// List is how a list lies in memory: 8 bytes, aligned to 4.
type List struct {
	Ptr uint32 // address of the first element
	Len uint32 // number of elements
}

// ListSize is how many bytes a [List] takes.
const ListSize = 8

// Load reads the list from the first ListSize bytes of b. It panics when b is shorter.
func (l *List) Load(b []byte) {
	l.Len = binary.LittleEndian.Uint32(b[4:])
	l.Ptr = binary.LittleEndian.Uint32(b)
}

// Store writes the list into the first ListSize bytes of b. It panics when b is shorter.
func (l *List) Store(b []byte) {
	binary.LittleEndian.PutUint32(b[4:], l.Len)
	binary.LittleEndian.PutUint32(b, l.Ptr)
}
