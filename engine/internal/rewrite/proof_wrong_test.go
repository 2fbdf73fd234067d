package rewrite_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestWrongRewriters has the proofs find out rewriters that are wrong, one by one. What finds nothing proves nothing.
func TestWrongRewriters(t *testing.T) {
	same := func(l *laboratory, p *wasmtest.Program, r rewriter) error { _, err := l.same(p, r); return err }
	image := func(l *laboratory, p *wasmtest.Program, r rewriter) error { _, err := l.image(p, r); return err }
	measure := func(l *laboratory, p *wasmtest.Program, r rewriter) error { _, err := l.measure(p, r); return err }
	tests := []struct {
		name     string
		proof    func(*laboratory, *wasmtest.Program, rewriter) error
		rewriter rewriter
	}{
		{"i32.sub for i32.add", same, replacing(0x6a, 0x6b)},
		{"i64.xor for i64.or", same, replacing(0x84, 0x85)},
		{"nothing is paid, and it ends all the same", same, withoutMeter},
		{"a global is kept back", same, after(func(m *rewrite.Module) { m.Globals = m.Globals[:max(0, len(m.Globals)-1)] })},
		{"a global for another", same, after(swapGlobals)},
		{"no dirty flag", image, after(neverDirty)},
		{"the pages are not restored", image, after(func(m *rewrite.Module) {
			repoint(m, rewrite.PagesExport, rewrite.DirtyExport)
		})},
		{"a global is not in the image", image, after(func(m *rewrite.Module) {
			if len(m.Globals) > 1 {
				m.Globals = append(m.Globals[:len(m.Globals)-1:len(m.Globals)-1], m.Globals[0])
			}
		})},
		{"the upper half of a v128 is not in the image", image, after(halfVectors)},
		{"nothing is marked", image, after(neverMarked)},
		{"nothing is paid", measure, after(unpayAll)},
		{"every other charge is not paid", measure, after(func(m *rewrite.Module) { unpay(m, 2) })},
		{"every fourth charge is not paid", measure, after(func(m *rewrite.Module) { unpay(m, 4) })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLaboratory(t)
			for seed := range uint64(200) {
				if err := test.proof(l, wasmtest.Generate(programInput(seed)), test.rewriter); err != nil {
					t.Logf("found by program %d: %v", seed, err)
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}

// after does something to a module that was rewritten well.
func after(harm func(*rewrite.Module)) rewriter {
	return func(wasm []byte) (*rewrite.Module, error) {
		m, err := rewriteProgram(wasm)
		if err == nil {
			harm(m)
		}
		return m, err
	}
}

// replacing rewrites a module in which an instruction stands for another.
func replacing(was, is byte) rewriter {
	return func(wasm []byte) (*rewrite.Module, error) {
		harmed, err := wasmtest.Replaced(wasm, was, is)
		if err != nil {
			return nil, err
		}
		return rewriteProgram(harmed)
	}
}

// withoutMeter rewrites a module that then pays nothing, and bounds it in another way.
func withoutMeter(wasm []byte) (*rewrite.Module, error) {
	m, err := rewriteProgram(wasm)
	if err != nil {
		return nil, err
	}
	unpayAll(m)
	m.Wasm, err = wasmtest.Counted(m.Wasm, 10*programLimit)
	return m, err
}

// swapGlobals exchanges the exports of the first two globals of a type.
func swapGlobals(m *rewrite.Module) {
	for i := range m.Globals {
		for j := range i {
			if a, b := &m.Globals[i], &m.Globals[j]; a.Type == b.Type && a.Export != "" {
				a.Export, b.Export = b.Export, a.Export
				return
			}
		}
	}
}

// exportIndex is where the index of an exported global stands in a module, if it is one byte.
func exportIndex(m *rewrite.Module, name string) int {
	return bytes.Index(m.Wasm, append(wasmtest.Name(name), wasmtest.KindGlobal)) + 1 + len(name) + 1
}

// repoint has one export name the global of another.
func repoint(m *rewrite.Module, name, other string) {
	m.Wasm = bytes.Clone(m.Wasm)
	m.Wasm[exportIndex(m, name)] = m.Wasm[exportIndex(m, other)]
}

// neverDirty takes the code that sets the flag for code that clears it.
func neverDirty(m *rewrite.Module) {
	flag := m.Wasm[exportIndex(m, rewrite.DirtyExport)]
	m.Wasm = bytes.ReplaceAll(m.Wasm, []byte{0x41, 1, 0x24, flag}, []byte{0x41, 0, 0x24, flag})
}

// neverMarked has marks come to nothing.
func neverMarked(m *rewrite.Module) {
	const or64, and64, setGlobal = 0x84, 0x83, 0x24
	marks := m.Wasm[exportIndex(m, rewrite.MarksExport)]
	m.Wasm = bytes.ReplaceAll(m.Wasm, []byte{or64, setGlobal, marks}, []byte{and64, setGlobal, marks})
}

// halfVectors has the upper half of vectors come from nowhere.
func halfVectors(m *rewrite.Module) {
	const extractLower, extractUpper = "\xfd\x1d\x00", "\xfd\x1d\x01"
	m.Wasm = bytes.ReplaceAll(m.Wasm, []byte(extractUpper), []byte(extractLower))
}

// unpayAll has nothing taken from the budget but for the frames of functions.
func unpayAll(m *rewrite.Module) {
	const shiftLeft64, shiftRight64, sub64, setGlobal = 0x86, 0x88, 0x7d, 0x24
	unpay(m, 1)
	// What is charged by length is a number of 32 bits that is shifted to the upper half. Shifted the other way it is 0.
	budget := m.Wasm[exportIndex(m, rewrite.BudgetExport)]
	m.Wasm = bytes.ReplaceAll(m.Wasm,
		[]byte{shiftLeft64, sub64, setGlobal, budget}, []byte{shiftRight64, sub64, setGlobal, budget})
}

// unpay has the cost of every n-th charge not taken from the budget, of those that are constants.
func unpay(m *rewrite.Module, n int) {
	const getGlobal, const64, sub64, setGlobal = 0x23, 0x42, 0x7d, 0x24
	m.Wasm = bytes.Clone(m.Wasm)
	budget := m.Wasm[exportIndex(m, rewrite.BudgetExport)]
	begin, end := []byte{getGlobal, budget, const64}, []byte{sub64, setGlobal, budget}
	for at, seen := 0, 0; ; {
		next := bytes.Index(m.Wasm[at:], begin)
		if next < 0 {
			return
		}
		at += next + len(begin)
		charge, size := binary.Uvarint(m.Wasm[at:])
		if size <= 0 || !bytes.HasPrefix(m.Wasm[at+size:], end) {
			continue
		}
		if seen%n == n-1 {
			frame := uint32(charge)
			for i := range size { // as long as it was
				m.Wasm[at+i] = byte(frame&0x7f) | 0x80
				frame >>= 7
			}
			m.Wasm[at+size-1] &^= 0x80
		}
		seen++
	}
}
