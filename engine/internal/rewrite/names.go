package rewrite

import "github.com/sluicehttp/sluice/engine/internal/wasm"

func (r *rewriter) isNames(s wasm.Section) bool {
	return wasm.NewReader(r.Wasm, s.Content).Name() == "name"
}

// names is a name section with the functions' new indices, and with names for those that are built in. It keeps the names
// of the module and of its functions, which stack traces show.
func (a *assembler) names(s wasm.Section) []byte {
	out := wasm.AppendName(nil, "name")
	r := wasm.NewReader(a.Wasm, s.Content)
	r.Name()
	for r.More() {
		id := r.Byte()
		part := r.Part(r.U32())
		switch id {
		case wasm.NamesModule:
			out = wasm.AppendSection(out, id, part.Rest().Of(a.Wasm))
		case wasm.NamesFunctions:
			out = wasm.AppendSection(out, id, a.functionNames(part))
		}
	}
	return out
}

// functionNames copies names in their order, which is that of the indices, with tick's where it belongs.
func (a *assembler) functionNames(r *wasm.Reader) []byte {
	count := r.Count()
	out := make([]byte, 0, r.Len()+16*(2+len(a.appended)))
	out = wasm.AppendU32(out, uint32(count+1+len(a.appended)))
	ticked := false
	for range count {
		index := r.U32()
		if !ticked && !a.imported(index) {
			out, ticked = appendFunctionName(out, a.tickImport(), TickImport), true
		}
		name := r.Bytes(r.U32())
		out = wasm.AppendU32(out, a.shifted(index))
		out = append(wasm.AppendU32(out, uint32(len(name))), name...)
	}
	if !ticked {
		out = appendFunctionName(out, a.tickImport(), TickImport)
	}
	for i, f := range a.appended {
		out = appendFunctionName(out, a.tick()+uint32(i), f.name)
	}
	return out
}

func appendFunctionName(out []byte, index uint32, name string) []byte {
	return wasm.AppendName(wasm.AppendU32(out, index), Prefix+name)
}
