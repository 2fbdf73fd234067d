package sandbox_test

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestModulesAreTakenFromTheCache loads handlers where nothing can compile them: what is known of them is the same, and
// they answer the same.
func TestModulesAreTakenFromTheCache(t *testing.T) {
	vector := Hello()
	vector.GlobalOf(V128, true, append(Code{0xfd, 0x0c}, make(Code, 16)...)) // v128.const
	vector.GlobalOf(I64, true, Code{0x42, 7})                                // i64.const
	for name, h := range map[string]*Handler{"plain": Hello(), "globals": vector, "pulls": Pull()} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			wasm := h.Encode()
			filled, facts := answerFrom(t, dir, wasmruntime.Compiler{}, wasm)
			cached, recalled := answerFrom(t, dir, nothing, wasm)
			if cached != filled {
				t.Errorf("answered %s and before %s", cached, filled)
			}
			if !reflect.DeepEqual(recalled, facts) {
				t.Errorf("known are %+v and before %+v", recalled, facts)
			}
		})
	}
}

// TestCacheIsOfOneConfiguration has a loader whose handlers may take another amount of memory make modules anew.
func TestCacheIsOfOneConfiguration(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	answerFrom(t, dir, wasmruntime.Compiler{}, Hello().Encode())
	l := newCachingLoader(t, dir, nothing, sandbox.Config{MaxMemory: 32 << 20})
	_, err := l.Load(t.Context(), "handler.wasm", Hello().Encode())
	if err == nil || !strings.Contains(err.Error(), "the compiler cannot be started") {
		t.Errorf("got error %v, want that there is no compiler", err)
	}
}

// nothing compiles.
var nothing = wasmruntime.Compiler{Program: []string{"/no/such/program"}}

// answerFrom loads a handler in a runtime of its own, and says what it answered and what is known of it.
func answerFrom(t *testing.T, dir string, compiler wasmruntime.Compiler, wasm []byte) (answer string, facts any) {
	t.Helper()
	m, err := newCachingLoader(t, dir, compiler, sandbox.Config{}).Load(t.Context(), "handler.wasm", wasm)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.NewPool(sandbox.PoolConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	x := &exchangetest.Exchange{Events: post("one", "two")}
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	return x.Log(), m.Facts()
}

func newCachingLoader(t *testing.T, dir string, compiler wasmruntime.Compiler, config sandbox.Config) *sandbox.Loader {
	t.Helper()
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{CacheDir: dir, Compiler: compiler})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	l, err := sandbox.NewLoader(t.Context(), r, config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
