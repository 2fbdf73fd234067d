package wasmruntime_test

import (
	"context"
	"os"
	"path/filepath"
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

func TestCacheIsPrivate(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "wazero-"+WazeroVersion)
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	newRuntime(t, Config{CacheDir: dir})
	info, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode %o, want 700", got)
	}
}

func TestUnusableCacheIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Config{CacheDir: file}); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestDamagedCacheEntryIsReplaced(t *testing.T) {
	wasm := addOne()
	damages := map[string]func(entry []byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"cut short":   func(entry []byte) []byte { return entry[:len(entry)/2] },
		"other file":  func(entry []byte) []byte { return []byte(strings.Repeat("text ", len(entry))) },
		"wrong byte":  func(entry []byte) []byte { entry[len(entry)/2] ^= 0xff; return entry },
		"last byte":   func(entry []byte) []byte { return entry[:len(entry)-1] },
		"wrong magic": func(entry []byte) []byte { entry[0]++; return entry },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			checkAddOne(t, newRuntime(t, Config{CacheDir: dir}), wasm)
			file, intact := onlyEntry(t, dir)
			if err := os.WriteFile(file, damage(append([]byte(nil), intact...)), 0o600); err != nil {
				t.Fatal(err)
			}

			checkAddOne(t, newRuntime(t, Config{CacheDir: dir}), wasm)
			if _, now := onlyEntry(t, dir); string(now) != string(intact) {
				t.Error("the entry was not written anew")
			}
		})
	}
}

// TestLostCacheIsNoProblem takes the cache away while it is in use.
func TestLostCacheIsNoProblem(t *testing.T) {
	dir := t.TempDir()
	r := newRuntime(t, Config{CacheDir: dir})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	checkAddOne(t, r, addOne())
}

// onlyEntry finds and reads the one file in a cache.
func onlyEntry(t *testing.T, dir string) (name string, content []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the cache holds %q, want one entry (%v)", files, err)
	}
	content, err = os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return files[0], content
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
