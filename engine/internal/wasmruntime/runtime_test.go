package wasmruntime_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	. "github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

var i32 = []wasmtest.ValueType{wasmtest.I32}

func TestWazeroVersion(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`github\.com/tetratelabs/wazero (\S+)`).FindSubmatch(mod)
	if required == nil {
		t.Fatal("go.mod does not require wazero")
	}
	if got := string(required[1]); got != WazeroVersion {
		t.Errorf("go.mod requires wazero %s, WazeroVersion is %s", got, WazeroVersion)
	}
}

func TestMemoryStaysAndGrowsToTheLimit(t *testing.T) {
	var m wasmtest.Module
	m.Memory(wasmtest.AtLeast(1))
	m.Export("grow", wasmtest.KindFunc,
		m.Func(wasmtest.Signature{Params: i32, Results: i32}, 0, wasmtest.MemoryGrow(wasmtest.Get(0))))
	instance := instantiate(t, newRuntime(t, Config{}), m.Encode(), 4*PageSize)
	memory, grow := instance.Memory(), instance.ExportedFunction("grow")

	start, _ := memory.Read(0, 1)
	for _, step := range []struct {
		by   uint64
		want int32 // the size before, in pages
	}{{0, 1}, {2, 1}, {2, -1}, {1, 3}, {1, -1}, {65535, -1}} {
		result, err := grow.Call(t.Context(), step.by)
		if err != nil {
			t.Fatal(err)
		}
		if got := int32(result[0]); got != step.want {
			t.Errorf("grow by %d gave %d, want %d", step.by, got, step.want)
		}
	}
	if got := memory.Size(); got != 4*PageSize {
		t.Errorf("%d bytes after growing, want %d", got, 4*PageSize)
	}
	end, _ := memory.Read(4*PageSize-1, 1)
	end[0] = 1 // writable to the last byte
	if now, _ := memory.Read(0, 1); &now[0] != &start[0] {
		t.Error("the memory moved")
	}
}

func TestMemoryAboveTheLimitIsAnError(t *testing.T) {
	var m wasmtest.Module
	m.Memory(wasmtest.AtLeast(2))
	r := newRuntime(t, Config{})
	compiled, err := r.Compile(t.Context(), m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Instantiate(t.Context(), compiled, wazero.NewModuleConfig(), PageSize)
	if want := "memory: 131072 bytes are more than the limit of 65536"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// TestFailedInstantiationGivesMemoryBack would run out of addresses (47 bits) if each of its failures kept 4 GiB of them.
func TestFailedInstantiationGivesMemoryBack(t *testing.T) {
	var m wasmtest.Module
	m.Memory(wasmtest.AtLeast(1))
	m.Start(m.Func(wasmtest.Signature{}, 0, wasmtest.Unreachable()))
	r := newRuntime(t, Config{})
	compiled, err := r.Compile(t.Context(), m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for range 1<<15 + 1000 {
		_, err := r.Instantiate(t.Context(), compiled, wazero.NewModuleConfig(), MaxMemory)
		if err == nil || !strings.Contains(err.Error(), "unreachable") {
			t.Fatalf("got error %v, want the trap of the start function", err)
		}
	}
}

func TestBrokenModuleIsAnError(t *testing.T) {
	for name, dir := range map[string]string{"without cache": "", "with cache": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			r := newRuntime(t, Config{CacheDir: dir})
			if _, err := r.Compile(t.Context(), []byte(wasmtest.Header+"\xff")); err == nil {
				t.Error("compiled")
			}
		})
	}
}

func addOne() []byte {
	var m wasmtest.Module
	m.Export("add_one", wasmtest.KindFunc,
		m.Func(wasmtest.Signature{Params: i32, Results: i32}, 0, wasmtest.Add(wasmtest.Get(0), wasmtest.Const(1))))
	return m.Encode()
}

func checkAddOne(t *testing.T, r *Runtime, wasm []byte) {
	t.Helper()
	result, err := instantiate(t, r, wasm, 0).ExportedFunction("add_one").Call(t.Context(), 41)
	if err != nil || result[0] != 42 {
		t.Fatalf("add_one(41) = %d, %v", result, err)
	}
}

func newRuntime(t *testing.T, config Config) *Runtime {
	t.Helper()
	r, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	return r
}

func instantiate(t *testing.T, r *Runtime, wasm []byte, maxMemory uint64) api.Module {
	t.Helper()
	compiled, err := r.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := r.Instantiate(t.Context(), compiled, wazero.NewModuleConfig(), maxMemory)
	if err != nil {
		t.Fatal(err)
	}
	return instance
}
