package rewrite_test

import (
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestFound holds what generated programs have shown to differ, each cut down to what it takes.
func TestFound(t *testing.T) {
	const misc = 0xfc
	bulk := func(op byte, immediates ...byte) Code { return append(Code{misc, op}, immediates...) }
	tests := []struct {
		name string
		code Code
		want string // the trap
	}{
		// A segment that was dropped is empty, and what begins behind its end is out of bounds though nothing is copied
		// (WebAssembly 2.0 sections 4.4.6.10 and 4.4.7.14).
		{"memory.init of nothing from a dropped segment",
			Seq(bulk(9, 0), Const(0), Const(1), Const(0), bulk(8, 0, 0)), "out of bounds memory access"},
		{"table.init of nothing from a dropped segment",
			Seq(bulk(13, 0), Const(0), Const(1), Const(0), bulk(12, 0, 0)), "invalid table access"},
		{"memory.init of nothing from the start of a dropped segment",
			Seq(bulk(9, 0), Const(0), Const(0), Const(0), bulk(8, 0, 0)), ""},
		{"memory.init of nothing from the end of a segment",
			Seq(Const(0), Const(4), Const(0), bulk(8, 0, 0)), ""},
	}
	l := newLaboratory(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := Module{}
			m.Export("f0", KindFunc, m.Func(Signature{}, 0, test.code))
			m.Memory(AtLeast(1))
			m.Table(Between(4, 4))
			m.RawElements([]byte{1, 0, 2, 0, 0})
			m.PassiveData([]byte("data"))
			m.CountData()
			p := l.subject(&Program{Wasm: m.Encode()})
			defer p.close()
			rewritten, err := rewriteProgram(p.Wasm)
			if err != nil {
				t.Fatal(err)
			}
			for name, m := range map[string]*rewrite.Module{"original": {Wasm: p.Wasm}, "rewritten": rewritten} {
				compiled := p.compile(m.Wasm)
				defer compiled.Close(p.ctx)
				r, err := p.start(m, compiled)
				if err != nil {
					t.Fatal(err)
				}
				defer r.end()
				if o := r.invoke(Invocation{Function: Function{Name: "f0"}}); o.trap != test.want {
					t.Errorf("%s: ended with %q, want %q", name, o.trap, test.want)
				}
			}
		})
	}
}
