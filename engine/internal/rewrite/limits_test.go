package rewrite_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestLimits refuses functions that the compiler would take too long for, and takes those that are half as large.
func TestLimits(t *testing.T) {
	var (
		plain  = []byte{wasm.OpLocalGet, 0, wasm.OpDrop}
		blocks = []byte{wasm.OpBlock, 0x40, wasm.OpLocalGet, 0, wasm.OpBrIf, 0, wasm.OpEnd}
		loops  = []byte{wasm.OpLoop, 0x40, wasm.OpLocalGet, 0, wasm.OpBrIf, 0, wasm.OpEnd}
		sets   = []byte{wasm.OpLocalGet, 0, wasm.OpLocalSet, 1}
		fills  = []byte{wasm.OpLocalGet, 0, wasm.OpLocalGet, 0, wasm.OpLocalGet, 0, 0xfc, 11, 0}
	)
	repeat := func(code []byte, n int) Code { return slices.Repeat(code, n) }
	// joins has n ways come together one after the other, each with another value of one more local.
	joins := func(n int) (code Code) {
		code = append(repeat([]byte{wasm.OpBlock, 0x40}, n), wasm.OpLocalGet, 0, wasm.OpBrTable)
		code = append(code, U32(uint32(n-1))...)
		for i := range n {
			code = append(code, U32(uint32(i))...)
		}
		for i := range n {
			code = append(append(code, wasm.OpEnd), Set(uint32(i), Const(1))...)
		}
		return code
	}
	table := func(n int) (code Code) {
		code = append(Code{wasm.OpBlock, 0x40, wasm.OpLocalGet, 0, wasm.OpBrTable}, U32(uint32(n-1))...)
		return append(append(code, make([]byte, n)...), wasm.OpEnd)
	}
	for _, test := range []struct {
		name   string
		locals uint32
		code   func(n int) Code
		most   int // which is too much; a half is not
		want   string
	}{
		{"size", 1, func(n int) Code { return repeat(plain, n) }, 90_000, "bytes of code: "},
		{"blocks", 1, func(n int) Code { return repeat(blocks, n) }, 10_001, "blocks: "},
		{"charges", 1, func(n int) Code { return repeat(loops, n) }, 5_000, "blocks with those that charge: "},
		{"bulk", 1, func(n int) Code { return repeat(fills, n) }, 2_100, "blocks: "},
		{"locals", 1000, func(n int) Code { return repeat(blocks, n) }, 4_000, "blocks times 1000 locals: "},
		{"sets", 2, func(n int) Code { return repeat(sets, n) }, 60_000, ""},
		{"frame", 1000, joins, 1000, "bytes of a stack frame: "},
		{"table", 1, table, 20_002, "entries of br_table: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			rewritten := func(n int) error {
				var m Module
				m.Memory(AtLeast(1))
				m.Func(Signature{}, test.locals, test.code(n))
				_, err := rewrite.Rewrite(m.Encode(), rewrite.Options{})
				return err
			}
			if err := rewritten(test.most / 2); err != nil {
				t.Errorf("half of it: %v", err)
			}
			err := rewritten(test.most)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var limit *rewrite.LimitError
			if !errors.As(err, &limit) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
}
