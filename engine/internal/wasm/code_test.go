package wasm_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// TestCode reads one instruction of each kind.
func TestCode(t *testing.T) {
	for _, test := range []struct {
		code string
		want string // opcode, the first immediates, bytes read; or the error
	}{
		{"\x01", "0x1 0 0 1"},
		{"\x02\x40", "0x2 -64 0 2"},
		{"\x02\x7f", "0x2 -1 0 2"},
		{"\x03\xc0\x7f", "0x3 -64 0 3"}, // the same as 0x40, in two bytes
		{"\x04\x85\x02", "0x4 261 0 3"},
		{"\x0c\x07", "0xc 7 0 2"},
		{"\x0e\x02\x01\x02\x03", "0xe 3 0 5"},
		{"\x10\x80\x80\x00", "0x10 0 0 4"},
		{"\x11\x01\x02", "0x11 1 2 3"},
		{"\x1c\x01\x7e", "0x1c 0 0 3"},
		{"\x28\x02\x81\x01", "0x28 129 0 4"},
		{"\x41\x7f", "0x41 -1 0 2"},
		{"\x41\x80\x80\x80\x80\x78", "0x41 -2147483648 0 6"},
		{"\x42\xff\x00", "0x42 127 0 3"},
		{"\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", "0x42 -9223372036854775808 0 11"},
		{"\x44\x00\x00\x00\x00\x00\x00\xf0\x3f", "0x44 0 0 9"},
		{"\xd0\x70", "0xd0 0 0 2"},
		{"\xfc\x08\x03\x00", "0x108 3 0 4"},
		{"\xfc\x8a\x00\x00\x00", "0x10a 0 0 5"}, // an opcode in two bytes
		{"\xfc\x0c\x01\x02", "0x10c 1 2 4"},
		{"\xfd\x0c0123456789abcdef", "0x20c 0 0 18"},
		{"\xfd\x00\x04\x10", "0x200 16 0 4"},
		{"\xfd\x54\x00\x01\x02", "0x254 1 0 5"},
		{"\xfd\x15\x03", "0x215 0 0 3"},
		{"\xfd\xb5\x01", "0x2b5 0 0 3"},

		{"\x06", "byte 0: instruction 0x06 is not supported"},
		{"\x12\x00", "byte 0: instruction 0x12 is not supported"},
		{"\xfe\x00", "byte 0: instruction 0xfe is not supported"},
		{"\x41", "byte 0: an instruction is cut short"},
		{"\x44\x00", "byte 0: an instruction is cut short"},
		{"\x10\x80", "byte 0: a number is cut short or has more than 32 bits"},
		{"\x10\xff\xff\xff\xff\x1f", "byte 0: a number is cut short or has more than 32 bits"},
		{"\x41\x80\x80\x80\x80\x80\x00", "byte 0: a number has more than 32 bits"},
		{"\x02\x80\x80\x80\x80\x40", "byte 0: a number has more than 33 bits"},
		{"\x02\x69", "byte 0: block type -23 is not supported"},
		{"\x0e\x05\x00", "byte 0: 5 labels are announced where 1 bytes are left"},
		{"\x1c\x02\x7f\x7f", "byte 0: select with 2 types"},
		{"\x3f\x01", "byte 0: a byte that is reserved is not zero"},
		{"\xd0\x69", "byte 0: reference type 0x69 is not supported"},
		{"\xfc\x12", "byte 0: instruction 0xfc 0x12 is not supported"},
		{"\xfd\x80\x02", "byte 0: vector instruction 0x80 is not supported, or not encoded in the shortest way"},
	} {
		code := wasm.NewCode([]byte(test.code), wasm.Span{End: len(test.code)})
		var i wasm.Instruction
		code.Next(&i)
		got := fmt.Sprintf("%#x %d %d %d", uint(i.Op), i.A, i.B, i.Len())
		if err := code.Err(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%x: %s\nwant %s", test.code, got, test.want)
		}
	}
}

// TestNumbers writes numbers and reads them again.
func TestNumbers(t *testing.T) {
	for shift := range 64 {
		for _, v := range []int64{1<<shift - 1, 1 << shift, -1 << shift, -1<<shift - 1, math.MinInt64, math.MaxInt64} {
			encoded := wasm.AppendSigned([]byte{wasm.OpI64Const}, v)
			code := wasm.NewCode(encoded, wasm.Span{End: len(encoded)})
			var i wasm.Instruction
			if code.Next(&i); code.Err() != nil || i.A != v || code.More() {
				t.Errorf("%d: %d, %v", v, i.A, code.Err())
			}
			unsigned := wasm.AppendU32(nil, uint32(v))
			r := wasm.NewReader(unsigned, wasm.Span{End: len(unsigned)})
			if got := r.U32(); got != uint32(v) || r.Err() != nil || r.More() {
				t.Errorf("%d: %d, %v", uint32(v), got, r.Err())
			}
		}
	}
}

// TestOrder wants sections in their order, each once.
func TestOrder(t *testing.T) {
	section := func(id byte, content ...byte) string { return string(wasm.AppendSection(nil, id, content)) }
	types, elements, count := section(wasm.SectionType, 0), section(wasm.SectionElement, 0), section(wasm.SectionDataCount, 0)
	code, data, custom := section(wasm.SectionCode, 0), section(wasm.SectionData, 0), section(wasm.SectionCustom, 1, 'x')
	for _, test := range []struct {
		sections []string
		want     string
	}{
		{[]string{custom, types, custom, elements, count, custom, code, data, custom}, ""},
		{[]string{types, types}, "the type section is broken or cut short at byte 13: it comes after the type section"},
		{[]string{elements, types}, "the type section is broken or cut short at byte 13: it comes after the element section"},
		{[]string{code, count}, "the data count section is broken or cut short at byte 13: it comes after the code section"},
		{[]string{count, elements}, "the element section is broken or cut short at byte 13: it comes after the data count section"},
	} {
		_, err := wasm.Decode(append(wasm.AppendHeader(nil), strings.Join(test.sections, "")...))
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("%v\nwant %s", err, test.want)
		}
	}
}
