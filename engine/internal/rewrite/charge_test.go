package rewrite_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
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

// FuzzCharges runs modules with wild control flow. They compute what they did before, and never run more than was charged.
func FuzzCharges(f *testing.F) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 0))
		data := make([]byte, 200+r.IntN(3000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data, int32(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte, argument int32) {
		r := random{choices: data}
		module := r.module()
		usual, err := rewrite.Rewrite(module, rewrite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkCharges(t, module, usual, uint64(uint32(argument)))
		// Where charges stand for hardly more than what runs, one that is too small is not made up for by others.
		dense, err := rewrite.RewriteDensely(module)
		if err != nil {
			t.Fatal(err)
		}
		checkCharges(t, module, dense, uint64(uint32(argument)))
	})
}

func checkCharges(t *testing.T, binary []byte, rewritten *rewrite.Module, argument uint64) {
	t.Helper()
	const most = 1 << 14
	h := newHost(t, wazero.NewRuntimeConfigInterpreter())
	h.slice, h.allowed, h.stack = 1000, 20*most, 64<<10
	plain := h.instance(t, counted(t, binary, most))
	metered := h.instance(t, rewritten.Wasm)
	want, wantErr := plain.ExportedFunction("run").Call(t.Context(), argument)
	executed := count(plain).Get()
	got, err := h.call(metered, "run", argument)
	charged, stack := h.used(metered)
	switch {
	case errors.Is(err, errFuel) || errors.Is(err, errStack):
		if wantErr == nil {
			t.Errorf("%v, after %d instructions", err, executed)
		}
	case executed > most && charged > most: // it runs longer than is counted
	case executed > most:
		t.Errorf("more than %d instructions, and %d was charged: %v", most, charged, err)
	case wantErr != nil && strings.Contains(wantErr.Error(), "stack overflow"): // by the interpreter's own limit
	case (err == nil) != (wantErr == nil) || err == nil && got[0] != want[0]:
		t.Errorf("%v, %v; want %v, %v", got, err, want, wantErr)
	}
	const free = 100 // a function that is cheap to enter has its callers pay for that, and the host pays nothing
	if charged+free < int64(executed) && executed <= most && err == nil {
		t.Errorf("%d instructions, and %d was charged", executed, charged)
	}
	if stack != 0 && err == nil {
		t.Errorf("%d bytes of the stack were not given back", stack)
	}
}
