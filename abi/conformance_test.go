package abi_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluicehttp/sluice/abi"
)

// The bindings for C, Rust, Go, Zig and AssemblyScript are tested where they are used: as wasm. The programs in the conformance folders of the
// SDKs show what a binding makes of a record's bytes and of a call's arguments; abi/gen/conformance.go says how.

func TestCConformance(t *testing.T) {
	need(t, "clang", "clang --version", "clang")
	need(t, "clang's linker for wasm", "wasm-ld --version", "lld")
	dependOn(t, "../sdk-c/sluice_abi.h")
	sources := dependOn(t, "../sdk-c/conformance/*.c")
	out := filepath.Join(t.TempDir(), "c.wasm")
	command(t, nil, "clang", append([]string{"--target=wasm32", "-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
		"-ffreestanding", "-nostdlib", "-I", "../sdk-c", "-Wl,--no-entry", "-o", out}, sources...)...)
	conform(t, out, true)
}

// TestHeaderInCPlusPlus compiles the header as the oldest C++ it supports, in wasm and out of it.
func TestHeaderInCPlusPlus(t *testing.T) {
	need(t, "clang", "clang --version", "clang")
	dependOn(t, "../sdk-c/sluice_abi.h")
	flags := []string{"-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffreestanding", "-fsyntax-only",
		"../sdk-c/sluice_abi.h"}
	command(t, nil, "clang", flags...)
	command(t, nil, "clang", append([]string{"--target=wasm32"}, flags...)...)
}

func TestRustConformance(t *testing.T) {
	rustc := rustCompiler(t)
	dependOn(t, "../sdk-rust/src/abi.rs")
	dependOn(t, "../sdk-rust/conformance/*.rs")
	out := filepath.Join(t.TempDir(), "rust.wasm")
	command(t, nil, rustc, "--edition", "2021", "--crate-type", "cdylib", "--crate-name", "conformance", "--target",
		"wasm32-unknown-unknown", "-O", "-C", "panic=abort", "-D", "warnings", "-o", out, "../sdk-rust/conformance/lib.rs")
	conform(t, out, true)
}

func TestGoConformance(t *testing.T) {
	dependOn(t, "../sdk-go/abi/*.go")
	dependOn(t, "../sdk-go/conformance/*.go")
	out := filepath.Join(t.TempDir(), "go.wasm")
	command(t, []string{"GOOS=wasip1", "GOARCH=wasm"}, "go", "build", "-buildmode=c-shared", "-o", out, "../sdk-go/conformance")
	conform(t, out, false) // its records are tested natively, see TestHandlerRecordsInGo
}

func TestZigConformance(t *testing.T) {
	zig := installed(t, "../build/zig/ziglang/zig", "sdk-zig/build.sh zig")
	dependOn(t, "../sdk-zig/abi.zig")
	dependOn(t, "../sdk-zig/conformance/*.zig")
	out := filepath.Join(t.TempDir(), "zig.wasm")
	cache := filepath.Join("..", "build", "zig-cache")
	command(t, []string{"ZIG_GLOBAL_CACHE_DIR=" + cache, "ZIG_LOCAL_CACHE_DIR=" + cache}, zig, "build-exe", "-target",
		"wasm32-freestanding", "-fno-entry", "-rdynamic", "-O", "ReleaseSmall", "--dep", "abi",
		"-Mroot=../sdk-zig/conformance/handler.zig", "-Mabi=../sdk-zig/abi.zig", "-femit-bin="+out)
	conform(t, out, true)
}

func TestAssemblyScriptConformance(t *testing.T) {
	need(t, "Node", "node --version", "nodejs")
	compiler := installed(t, "../sdk-as/node_modules/assemblyscript/bin/asc.js", "sdk-as/build.sh packages")
	dependOn(t, "../sdk-as/assembly/abi.ts")
	dependOn(t, "../sdk-as/conformance/*.ts")
	out := filepath.Join(t.TempDir(), "assemblyscript.wasm")
	command(t, nil, "node", compiler, "../sdk-as/conformance/handler.ts", "--runtime", "stub", "--noAssert",
		"--use", "abort=", "-o", out)
	conform(t, out, true)
}

// conform tests a module.
func conform(t *testing.T, path string, hasRecords bool) {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	compiled := compile(t, runtime, path)
	t.Run("signatures", func(t *testing.T) { testSignatures(t, compiled) })

	var calls callLog
	calls.host(t, runtime)
	module, err := runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("calls", func(t *testing.T) { testCalls(t, module, &calls) })
	if hasRecords {
		t.Run("records", func(t *testing.T) { testRecords(t, module) })
	}
}

func compile(t *testing.T, runtime wazero.Runtime, path string) wazero.CompiledModule {
	t.Helper()
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := runtime.CompileModule(context.Background(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// testSignatures holds what a built module imports and exports against the tables: every function, each with its type.
func testSignatures(t *testing.T, compiled wazero.CompiledModule) {
	imports := map[string]api.FunctionDefinition{}
	for _, f := range compiled.ImportedFunctions() {
		if module, name, _ := f.Import(); module == abi.HandlerImportModule {
			imports[name] = f
		}
	}
	if len(imports) != len(abi.HandlerImports) {
		t.Errorf("%d imports, want %d", len(imports), len(abi.HandlerImports))
	}
	for _, f := range abi.HandlerImports {
		if got := imports[f.Name]; got == nil {
			t.Errorf("%s is not imported", f.Name)
		} else if got := definitionSignature(got); got != f.Signature() {
			t.Errorf("%s is imported as %s, want %s", f.Name, got, f.Signature())
		}
	}
	for _, f := range abi.HandlerExports {
		if got := compiled.ExportedFunctions()[f.Name]; got == nil {
			t.Errorf("%s is not exported", f.Name)
		} else if got := definitionSignature(got); got != f.Signature() {
			t.Errorf("%s is exported as %s, want %s", f.Name, got, f.Signature())
		}
	}
}

func definitionSignature(f api.FunctionDefinition) string {
	convert := func(types []api.ValueType) []abi.ValueType {
		var converted []abi.ValueType
		for _, t := range types {
			converted = append(converted, map[api.ValueType]abi.ValueType{
				api.ValueTypeI32: abi.I32, api.ValueTypeI64: abi.I64, api.ValueTypeF32: abi.F32, api.ValueTypeF64: abi.F64,
			}[t])
		}
		return converted
	}
	return (&abi.Func{Params: convert(f.ParamTypes()), Results: convert(f.ResultTypes())}).Signature()
}

// callLog is a host that notes what it is called with.
type callLog struct{ calls []string }

// callError is what the host gives back: every bit pattern that fits an errno has to come through.
const callError = 0xfedc

func (l *callLog) host(t *testing.T, runtime wazero.Runtime) {
	t.Helper()
	ctx := context.Background()
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime) // for Go
	builder := runtime.NewHostModuleBuilder(abi.HandlerImportModule)
	for _, f := range abi.HandlerImports {
		builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			var args []string
			for i, v := range f.Params {
				if v == abi.I32 {
					stack[i] = uint64(uint32(stack[i]))
				}
				args = append(args, strconv.FormatUint(stack[i], 10))
			}
			l.calls = append(l.calls, f.Name+"("+strings.Join(args, ", ")+")")
			stack[0] = callError
		}), hostTypes(f.Params), hostTypes(f.Results)).Export(f.Name)
	}
	if _, err := builder.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
}

func hostTypes(types []abi.ValueType) []api.ValueType {
	var converted []api.ValueType
	for _, t := range types {
		converted = append(converted, [...]api.ValueType{
			abi.I32: api.ValueTypeI32, abi.I64: api.ValueTypeI64, abi.F32: api.ValueTypeF32, abi.F64: api.ValueTypeF64,
		}[t])
	}
	return converted
}

// testCalls lets the module call every import: the arguments must arrive in their places, the errno must come back.
func testCalls(t *testing.T, module api.Module, log *callLog) {
	for _, f := range abi.HandlerImports {
		log.calls = nil
		got, err := call(module, "call_"+f.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got != callError {
			t.Errorf("%s gave back %#x, want %#x", f.Name, got, callError)
		}
		var args []string
		for i := range f.Params {
			args = append(args, strconv.Itoa(8*(i+1)))
		}
		if f.Name == "auto_send" {
			args[1] = "1" // true
		}
		if want := []string{f.Name + "(" + strings.Join(args, ", ") + ")"}; !slices.Equal(log.calls, want) {
			t.Errorf("the host heard %v, want %v", log.calls, want)
		}
	}
}

// testRecords lets the module decode and encode every vector.
func testRecords(t *testing.T, module api.Module) {
	room, err := call(module, "room")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readVectors(t) {
		if r.For == "core" {
			continue // handlers do not see it
		}
		for _, v := range r.Vectors {
			want := unhex(t, v.Bytes)
			numbers := map[string]uint64{}
			flatten(t, r.Name, v.Value, numbers)

			fill(t, module, room, want)
			for name, number := range numbers {
				got, err := call(module, "get_"+name)
				if err != nil {
					t.Error(err)
				} else if got != number {
					t.Errorf("%s: %s = %d, want %d", v.Name, name, got, number)
				}
			}

			fill(t, module, room, make([]byte, len(want)))
			for name, number := range numbers {
				if _, err := call(module, "set_"+name, number); err != nil {
					t.Error(err)
				}
			}
			if got, ok := module.Memory().Read(uint32(room), uint32(len(want))); !ok || !bytes.Equal(got, want) {
				t.Errorf("%s/%s: in memory\n%x, want\n%x", r.Name, v.Name, got, want)
			}
		}
	}
}

// flatten names every number of a vector as the module does: message__line__version.
func flatten(t *testing.T, path string, value map[string]any, into map[string]uint64) {
	t.Helper()
	for name, v := range value {
		path := path + "__" + name
		if inner, ok := v.(map[string]any); ok {
			flatten(t, path, inner, into)
			continue
		}
		number, err := strconv.ParseUint(fmt.Sprint(v), 10, 64)
		if err != nil {
			t.Fatalf("%s in vectors.json: %v", path, err)
		}
		into[path] = number
	}
}

func fill(t *testing.T, module api.Module, address uint64, b []byte) {
	t.Helper()
	if !module.Memory().Write(uint32(address), b) {
		t.Fatalf("no %d bytes at %d", len(b), address)
	}
}

// call calls an export that gives back one value, or none.
func call(module api.Module, name string, args ...uint64) (uint64, error) {
	f := module.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("%s is not exported", name)
	}
	results, err := f.Call(context.Background(), args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if len(results) == 0 {
		return 0, nil
	}
	if f.Definition().ResultTypes()[0] == api.ValueTypeI32 {
		return uint64(uint32(results[0])), nil // the upper half may hold anything
	}
	return results[0], nil
}

// rustCompiler gives the first Rust compiler that has the library for wasm.
func rustCompiler(t *testing.T) string {
	t.Helper()
	for _, rustc := range []string{os.Getenv("RUSTC"), "rustc", "/usr/bin/rustc"} {
		if rustc == "" {
			continue
		}
		dir, err := exec.Command(rustc, "--print", "target-libdir", "--target", "wasm32-unknown-unknown").Output()
		if err != nil {
			continue
		}
		if _, err := os.Stat(strings.TrimSpace(string(dir))); err == nil {
			return rustc
		}
	}
	missing(t, "a Rust compiler with the library for wasm32-unknown-unknown", "rustc libstd-rust-dev-wasm32 lld")
	return ""
}

// dependOn reads files that only other programs would read, so that `go test` knows when its kept result is out of date.
// It gives their paths.
func dependOn(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file %s (%v)", pattern, err)
	}
	for _, path := range paths {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// need looks for a tool by running it.
func need(t *testing.T, what, probe, packages string) {
	t.Helper()
	words := strings.Fields(probe)
	if err := exec.Command(words[0], words[1:]...).Run(); err != nil {
		missing(t, what, packages)
	}
}

// missing ends a test for want of a tool that Debian has.
func missing(t *testing.T, what, packages string) {
	t.Helper()
	absent(t, fmt.Sprintf("%s is missing; on Debian: apt-get install %s", what, packages))
}

// installed looks for a tool that a script of the project installs.
func installed(t *testing.T, path, script string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		absent(t, fmt.Sprintf("%s is missing; %s installs it", path, script))
	}
	return path
}

// absent ends a test for want of something: as skipped, or as failed where everything has to be there.
func absent(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func command(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if bytes.Contains(out, []byte("linker `rust-lld` not found")) {
		missing(t, "rustc's linker for wasm", "lld")
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
}
