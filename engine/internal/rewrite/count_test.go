package rewrite_test

import (
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// counted builds into a module, in the plainest way, a count of what the instructions that it runs weigh. A call that comes
// to more than most traps. The count is exported as "count".
func counted(tb testing.TB, binary []byte, most int64) []byte {
	tb.Helper()
	m, err := wasm.Decode(binary)
	if err != nil {
		tb.Fatal(err)
	}
	out := wasm.AppendHeader(nil)
	counter := uint32(len(m.Globals))
	more := func(s wasm.Section, item []byte) []byte {
		r := wasm.NewReader(binary, s.Content)
		content := wasm.AppendU32(nil, r.U32()+1)
		return append(append(content, r.Rest().Of(binary)...), item...)
	}
	global := []byte{wasm.I64, 1, wasm.OpI64Const, 0, wasm.OpEnd}
	seen := false
	for _, s := range m.Sections {
		content := s.Content.Of(binary)
		if s.ID >= wasm.SectionGlobal && s.ID != wasm.SectionDataCount && !seen {
			seen = true
			if s.ID == wasm.SectionGlobal {
				content = more(s, global)
			} else {
				out = wasm.AppendSection(out, wasm.SectionGlobal, append([]byte{1}, global...))
			}
		}
		switch s.ID {
		case wasm.SectionExport:
			content = more(s, wasm.AppendU32(append(wasm.AppendName(nil, "count"), byte(wasm.KindGlobal)), counter))
		case wasm.SectionCode:
			content = countedCode(tb, m, counter, most)
		}
		out = wasm.AppendSection(out, s.ID, content)
	}
	return out
}

func countedCode(tb testing.TB, m *wasm.Module, counter uint32, most int64) []byte {
	out := wasm.AppendU32(nil, uint32(len(m.Bodies)))
	for _, body := range m.Bodies {
		r := wasm.NewReader(m.Wasm, body)
		for range r.Count() {
			r.U32()
			r.ValueType()
		}
		code := wasm.NewCode(m.Wasm, wasm.Span{Start: r.Pos(), End: body.End})
		content := append([]byte(nil), m.Wasm[body.Start:r.Pos()]...)
		for code.More() {
			var i wasm.Instruction
			code.Next(&i)
			if weight := rewrite.Weight(i.Op); weight > 0 {
				content = appendCount(content, counter, int64(weight), most)
			}
			content = append(content, i.Of(m.Wasm)...)
		}
		if code.Err() != nil {
			tb.Fatal(code.Err())
		}
		out = append(wasm.AppendU32(out, uint32(len(content))), content...)
	}
	return out
}

// appendCount appends: count += weight, and a trap when it is too much.
func appendCount(out []byte, counter uint32, weight, most int64) []byte {
	global := func(op byte) { out = wasm.AppendU32(append(out, op), counter) }
	global(wasm.OpGlobalGet)
	out = append(wasm.AppendSigned(append(out, wasm.OpI64Const), weight), wasm.OpI64Add)
	global(wasm.OpGlobalSet)
	global(wasm.OpGlobalGet)
	out = wasm.AppendSigned(append(out, wasm.OpI64Const), most)
	return append(out, wasm.OpI64GtU, wasm.OpIf, 0x40, wasm.OpUnreachable, wasm.OpEnd)
}

func count(m api.Module) api.MutableGlobal { return m.ExportedGlobal("count").(api.MutableGlobal) }
