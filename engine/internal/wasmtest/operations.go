package wasmtest

import (
	"slices"
	"strings"
)

// operation is an instruction without immediates, or with a lane for one, that only computes.
type operation struct {
	code     Code
	operands []ValueType
	result   ValueType
	lanes    byte // when not 0: the immediate is below this
	vector   bool
}

// operations are the instructions that compute (WebAssembly 2.0 sections 5.4.7 and 5.4.8), by the type of their result.
// Reinterpretations and extractions of lanes that are floats are among them, so whoever compares two runs compares the
// bits of NaNs; one machine gives the same ones.
var operations = func() map[ValueType][]operation {
	out := map[ValueType][]operation{}
	// Arithmetic of integers several times more, because it is what programs mostly do.
	groups := slices.Concat(operationGroups, slices.Repeat(integerArithmetic, 8))
	for _, group := range groups {
		operands, result, _ := strings.Cut(group.signature, ":")
		for op := group.first; op <= group.last; op++ {
			o := operation{operands: typesOf(operands), result: typesOf(result)[0], lanes: group.lanes}
			switch group.prefix {
			case 0:
				o.code = Code{byte(op)}
			default:
				o.code = append(Code{group.prefix}, U32(op)...)
				o.vector = group.prefix == prefixVector
			}
			out[o.result] = append(out[o.result], o)
		}
	}
	return out
}()

// typesOf reads a list of types: i and I are i32 and i64, f and F are f32 and f64, v is v128.
func typesOf(list string) []ValueType {
	letters := map[rune]ValueType{'i': I32, 'I': I64, 'f': F32, 'F': F64, 'v': V128}
	var out []ValueType
	for _, letter := range list {
		out = append(out, letters[letter])
	}
	return out
}

// operationGroup are the instructions from one number to another that have the same signature.
type operationGroup struct {
	signature   string
	prefix      byte
	first, last uint32
	lanes       byte
}

var integerArithmetic = []operationGroup{{"ii:i", 0, 0x6a, 0x78, 0}, {"II:I", 0, 0x7c, 0x8a, 0}}

var operationGroups = []operationGroup{
	// Comparisons.
	{"i:i", 0, 0x45, 0x45, 0}, {"ii:i", 0, 0x46, 0x4f, 0}, {"I:i", 0, 0x50, 0x50, 0}, {"II:i", 0, 0x51, 0x5a, 0},
	{"ff:i", 0, 0x5b, 0x60, 0}, {"FF:i", 0, 0x61, 0x66, 0},
	// Arithmetic.
	{"i:i", 0, 0x67, 0x69, 0}, {"ii:i", 0, 0x6a, 0x78, 0}, {"I:I", 0, 0x79, 0x7b, 0}, {"II:I", 0, 0x7c, 0x8a, 0},
	{"f:f", 0, 0x8b, 0x91, 0}, {"ff:f", 0, 0x92, 0x98, 0}, {"F:F", 0, 0x99, 0x9f, 0}, {"FF:F", 0, 0xa0, 0xa6, 0},
	// Conversions.
	{"I:i", 0, 0xa7, 0xa7, 0}, {"f:i", 0, 0xa8, 0xa9, 0}, {"F:i", 0, 0xaa, 0xab, 0}, {"i:I", 0, 0xac, 0xad, 0},
	{"f:I", 0, 0xae, 0xaf, 0}, {"F:I", 0, 0xb0, 0xb1, 0}, {"i:f", 0, 0xb2, 0xb3, 0}, {"I:f", 0, 0xb4, 0xb5, 0},
	{"F:f", 0, 0xb6, 0xb6, 0}, {"i:F", 0, 0xb7, 0xb8, 0}, {"I:F", 0, 0xb9, 0xba, 0}, {"f:F", 0, 0xbb, 0xbb, 0},
	{"f:i", 0, 0xbc, 0xbc, 0}, {"F:I", 0, 0xbd, 0xbd, 0}, {"i:f", 0, 0xbe, 0xbe, 0}, {"I:F", 0, 0xbf, 0xbf, 0},
	{"i:i", 0, 0xc0, 0xc1, 0}, {"I:I", 0, 0xc2, 0xc4, 0},
	{"f:i", prefixMisc, 0, 1, 0}, {"F:i", prefixMisc, 2, 3, 0}, {"f:I", prefixMisc, 4, 5, 0}, {"F:I", prefixMisc, 6, 7, 0},
	// Vectors: splats and lanes.
	{"vv:v", prefixVector, 14, 14, 0}, {"i:v", prefixVector, 15, 17, 0}, {"I:v", prefixVector, 18, 18, 0},
	{"f:v", prefixVector, 19, 19, 0}, {"F:v", prefixVector, 20, 20, 0},
	{"v:i", prefixVector, 21, 22, 16}, {"vi:v", prefixVector, 23, 23, 16}, {"v:i", prefixVector, 24, 25, 8},
	{"vi:v", prefixVector, 26, 26, 8}, {"v:i", prefixVector, 27, 27, 4}, {"vi:v", prefixVector, 28, 28, 4},
	{"v:I", prefixVector, 29, 29, 2}, {"vI:v", prefixVector, 30, 30, 2}, {"v:f", prefixVector, 31, 31, 4},
	{"vf:v", prefixVector, 32, 32, 4}, {"v:F", prefixVector, 33, 33, 2}, {"vF:v", prefixVector, 34, 34, 2},
	// Comparisons and bits.
	{"vv:v", prefixVector, 35, 76, 0}, {"v:v", prefixVector, 77, 77, 0}, {"vv:v", prefixVector, 78, 81, 0},
	{"vvv:v", prefixVector, 82, 82, 0}, {"v:i", prefixVector, 83, 83, 0}, {"v:v", prefixVector, 94, 95, 0},
	// Lanes of 8 bits.
	{"v:v", prefixVector, 96, 98, 0}, {"v:i", prefixVector, 99, 100, 0}, {"vv:v", prefixVector, 101, 102, 0},
	{"v:v", prefixVector, 103, 106, 0}, {"vi:v", prefixVector, 107, 109, 0}, {"vv:v", prefixVector, 110, 115, 0},
	{"v:v", prefixVector, 116, 117, 0}, {"vv:v", prefixVector, 118, 121, 0}, {"v:v", prefixVector, 122, 122, 0},
	{"vv:v", prefixVector, 123, 123, 0}, {"v:v", prefixVector, 124, 127, 0},
	// Lanes of 16 bits.
	{"v:v", prefixVector, 128, 129, 0}, {"vv:v", prefixVector, 130, 130, 0}, {"v:i", prefixVector, 131, 132, 0},
	{"vv:v", prefixVector, 133, 134, 0}, {"v:v", prefixVector, 135, 138, 0}, {"vi:v", prefixVector, 139, 141, 0},
	{"vv:v", prefixVector, 142, 147, 0}, {"v:v", prefixVector, 148, 148, 0}, {"vv:v", prefixVector, 149, 153, 0},
	{"vv:v", prefixVector, 155, 159, 0},
	// Lanes of 32 bits.
	{"v:v", prefixVector, 160, 161, 0}, {"v:i", prefixVector, 163, 164, 0}, {"v:v", prefixVector, 167, 170, 0},
	{"vi:v", prefixVector, 171, 173, 0}, {"vv:v", prefixVector, 174, 174, 0}, {"vv:v", prefixVector, 177, 177, 0},
	{"vv:v", prefixVector, 181, 186, 0}, {"vv:v", prefixVector, 188, 191, 0},
	// Lanes of 64 bits.
	{"v:v", prefixVector, 192, 193, 0}, {"v:i", prefixVector, 195, 196, 0}, {"v:v", prefixVector, 199, 202, 0},
	{"vi:v", prefixVector, 203, 205, 0}, {"vv:v", prefixVector, 206, 206, 0}, {"vv:v", prefixVector, 209, 209, 0},
	{"vv:v", prefixVector, 213, 223, 0},
	// Lanes of floats.
	{"v:v", prefixVector, 224, 225, 0}, {"v:v", prefixVector, 227, 227, 0}, {"vv:v", prefixVector, 228, 235, 0},
	{"v:v", prefixVector, 236, 237, 0}, {"v:v", prefixVector, 239, 239, 0}, {"vv:v", prefixVector, 240, 247, 0},
	{"v:v", prefixVector, 248, 255, 0},
}

// access is an instruction that loads from memory or stores to it.
type access struct {
	code  Code
	value ValueType
	store bool
	size  uint32 // the largest alignment, as a power of two
	lanes byte   // when not 0: it moves one lane, below this
}

// accesses are all loads and stores (WebAssembly 2.0 sections 5.4.6 and 5.4.8).
var accesses = func() (out []access) {
	add := func(prefix byte, first, last uint32, value ValueType, store bool, sizes ...uint32) {
		for i := range last - first + 1 {
			code := Code{byte(first + i)}
			if prefix != 0 {
				code = append(Code{prefix}, U32(first+i)...)
			}
			out = append(out, access{code: code, value: value, store: store, size: sizes[i]})
		}
	}
	add(0, 0x28, 0x28, I32, false, 2)
	add(0, 0x29, 0x29, I64, false, 3)
	add(0, 0x2a, 0x2a, F32, false, 2)
	add(0, 0x2b, 0x2b, F64, false, 3)
	add(0, 0x2c, 0x2f, I32, false, 0, 0, 1, 1)
	add(0, 0x30, 0x35, I64, false, 0, 0, 1, 1, 2, 2)
	add(0, 0x36, 0x36, I32, true, 2)
	add(0, 0x37, 0x37, I64, true, 3)
	add(0, 0x38, 0x38, F32, true, 2)
	add(0, 0x39, 0x39, F64, true, 3)
	add(0, 0x3a, 0x3b, I32, true, 0, 1)
	add(0, 0x3c, 0x3e, I64, true, 0, 1, 2)
	add(prefixVector, 0, 10, V128, false, 4, 3, 3, 3, 3, 3, 3, 0, 1, 2, 3)
	add(prefixVector, 11, 11, V128, true, 4)
	add(prefixVector, 92, 93, V128, false, 2, 3)
	for i := range uint32(4) {
		lanes := byte(16 >> i)
		out = append(out, access{append(Code{prefixVector}, U32(84+i)...), V128, false, i, lanes},
			access{append(Code{prefixVector}, U32(88+i)...), V128, true, i, lanes})
	}
	return out
}()
