package wasmruntime_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	. "github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestModulesThatDifferInCode has modules with the same outline but for its mark at work at the same time, made and taken
// from the cache.
func TestModulesThatDifferInCode(t *testing.T) {
	eachWay(t, func(t *testing.T, config Config) {
		config.CacheDir = cacheDir(t)
		for range 2 {
			r := newRuntime(t, config)
			for _, value := range []int32{1, 2, 3} {
				instance := instantiate(t, r, constant(value), 0)
				got, err := instance.ExportedFunction("f").Call(t.Context())
				if err != nil || got[0] != uint64(value) {
					t.Errorf("got %d (%v), want %d", got, err, value)
				}
			}
		}
	})
}

// constant is a module whose function f gives a value, and which has a custom section that nothing needs.
func constant(value int32) []byte {
	var m wasmtest.Module
	f := m.Func(wasmtest.Signature{Results: []wasmtest.ValueType{wasmtest.I32}}, 0, wasmtest.Const(value))
	m.Export("f", wasmtest.KindFunc, f)
	m.Custom("producers", bytes.Repeat([]byte("nobody"), 1000))
	return m.Encode()
}

// TestOutlines looks at what outlines hold and what not.
func TestOutlines(t *testing.T) {
	one, two := Outline(constant(1)), Outline(constant(2))
	if bytes.Equal(one, two) {
		t.Error("two modules have one outline")
	}
	if !bytes.Equal(one, Outline(constant(1))) {
		t.Error("one module has two outlines")
	}
	if len(one) > 200 {
		t.Errorf("the outline has %d bytes", len(one))
	}
	for name, wasm := range map[string][]byte{"nothing": nil, "text": []byte("text"), "half": constant(1)[:30]} {
		if got := Outline(wasm); !bytes.Equal(got, wasm) {
			t.Errorf("%s: the outline is %q", name, got)
		}
	}
}

// TestTrapsOfCachedModulesHaveNames takes a module with a name section from the cache.
func TestTrapsOfCachedModulesHaveNames(t *testing.T) {
	var m wasmtest.Module
	m.Export("f", wasmtest.KindFunc, m.Func(wasmtest.Signature{}, 0, wasmtest.Unreachable()))
	m.Custom("name", []byte("\x01\x0a\x01\x00\x07culprit"))
	wasm, config := m.Encode(), Config{CacheDir: cacheDir(t)}
	for range 2 {
		r := newRuntime(t, config)
		compiled, err := r.Compile(t.Context(), wasm)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := r.Instantiate(t.Context(), compiled, wazero.NewModuleConfig(), 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = instance.ExportedFunction("f").Call(t.Context())
		if err == nil || !strings.Contains(err.Error(), ".culprit(") {
			t.Errorf("got error %v, want one that names the function", err)
		}
	}
}
