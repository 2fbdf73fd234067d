package rewrite_test

import (
	"errors"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestBudget runs what would never end, or not soon.
func TestBudget(t *testing.T) {
	for name, test := range map[string]struct {
		build func(m *Module)
		want  error
	}{
		"endless loop": {func(m *Module) {
			m.Export("run", KindFunc, m.Func(Signature{}, 0, Code{0x03, 0x40, 0x0c, 0, 0x0b}))
		}, errFuel},
		"calls that double": {func(m *Module) {
			last := m.Func(Signature{}, 0)
			for range 31 {
				last = m.Func(Signature{}, 0, Call(last), Call(last))
			}
			m.Export("run", KindFunc, last)
		}, errFuel},
		"recursion": {func(m *Module) {
			m.Export("run", KindFunc, m.Func(Signature{}, 0, Call(0)))
		}, errStack},
		"recursion of two": {func(m *Module) {
			m.Func(Signature{}, 0, Call(1))
			m.Export("run", KindFunc, m.Func(Signature{}, 0, Call(0)))
		}, errStack},
		"recursion through a table": {func(m *Module) {
			m.Table(AtLeast(1))
			f := m.Func(Signature{}, 0, Const(0), Code{0x11, 0, 0})
			m.Elements(0, f)
			m.Export("run", KindFunc, f)
		}, errStack},
	} {
		t.Run(name, func(t *testing.T) {
			for engine, config := range engines {
				h := newHost(t, config())
				h.allowed, h.stack = 10<<20, 64<<10 // the interpreter has a limit of its own, of 2,000 frames or so
				var m Module
				test.build(&m)
				instance, _ := h.rewritten(t, m.Encode())
				_, err := h.call(instance, "run")
				if !errors.Is(err, test.want) {
					t.Errorf("%s: %v", engine, err)
				}
				fuel, _ := h.used(instance)
				t.Logf("%s: %d ticks, %d fuel", engine, h.ticks, fuel)
			}
		})
	}
}
