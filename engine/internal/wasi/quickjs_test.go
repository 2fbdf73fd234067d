package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// TestQuickJS runs a script in QuickJS, as an npm package has it: a library that is no handler, but has all that it imports
// of WASI from us. What it imports besides are callbacks into a host that embeds it, which this script never calls.
func TestQuickJS(t *testing.T) {
	binary, err := os.ReadFile("../../testdata/toolchains/node_modules/quickjs-wasi/quickjs.wasm")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		t.Skipf("%v; ./build.sh toolchains installs it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	q := startQuickJS(t, binary)
	for script, want := range map[string]string{
		"[1, 2, 3].map(x => x * x).join()":                          "1,4,9",
		"new Date().getUTCFullYear() > 2020 && Date.now() > 1.6e12": "true",
		"Math.random() !== Math.random()":                           "true",
		"JSON.stringify({text: 'Grüße'})":                           `{"text":"Grüße"}`,
		"/(\\d+)-(\\d+)/.exec('10-20')[2]":                          "20",
		"try { null.x } catch (e) { e.name }":                       "TypeError",
		"null.x":                                                    "exception: TypeError: cannot read property 'x' of null",
	} {
		if got := q.eval(script); got != want {
			t.Errorf("%s gave %q, want %q", script, got, want)
		}
	}
}

// quickJS is an instance with one context of JavaScript.
type quickJS struct {
	t      *testing.T
	call   *hostabi.Call
	module api.Module
}

func startQuickJS(t *testing.T, binary []byte) *quickJS {
	t.Helper()
	runtime, err := wasmruntime.New(t.Context(), wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { runtime.Close(context.Background()) })
	compiled, err := runtime.Compile(t.Context(), binary)
	if err != nil {
		t.Fatal(err)
	}
	registerCallbacks(t, runtime, compiled)
	q := &quickJS{t: t, call: hostabi.NewCall(meter.New(meter.NewLanes(1).NewParty(), 1<<20), hostabi.Limits{})}
	output := &bytes.Buffer{}
	q.call.Equip(&wasi.Process{Stdout: output, Stderr: output}, time.Sleep)
	if q.module, err = runtime.Instantiate(q.call, compiled, wazero.NewModuleConfig(), 64<<20); err != nil {
		t.Fatal(err)
	}
	q.invoke("_initialize")
	if failed := q.invoke("qjs_init"); failed != 0 {
		t.Fatalf("qjs_init gave %d: %s", failed, output)
	}
	return q
}

// registerCallbacks makes functions importable that the module calls for its host, and fails the test when one is called.
func registerCallbacks(t *testing.T, runtime *wasmruntime.Runtime, compiled wazero.CompiledModule) {
	t.Helper()
	env := runtime.NewHostModule("env")
	for _, f := range compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		if module != "env" {
			continue
		}
		called := func(context.Context, []uint64) { panic("the script called " + name) }
		env.NewFunctionBuilder().WithGoFunction(api.GoFunc(called), f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	if _, err := env.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// eval gives the value of a script as text.
func (q *quickJS) eval(script string) string {
	q.t.Helper()
	value := q.invoke("qjs_eval", q.text(script), uint64(len(script)), q.text("test.js"), 0)
	if q.invoke("qjs_is_exception", value) != 0 {
		return "exception: " + q.string(q.invoke("qjs_get_exception"))
	}
	return q.string(value)
}

// text puts a string of C into the memory.
func (q *quickJS) text(s string) (address uint64) {
	q.t.Helper()
	address = q.invoke("wasm_malloc", uint64(len(s)+1))
	if address == 0 || !q.module.Memory().Write(uint32(address), append([]byte(s), 0)) {
		q.t.Fatalf("no room for %d bytes", len(s))
	}
	return address
}

// string reads a value as text.
func (q *quickJS) string(value uint64) string {
	q.t.Helper()
	length := q.invoke("wasm_malloc", 4)
	address := q.invoke("qjs_get_string_len", value, length)
	size, _ := q.module.Memory().ReadUint32Le(uint32(length))
	text, ok := q.module.Memory().Read(uint32(address), size)
	if address == 0 || !ok {
		q.t.Fatalf("no string at %d", address)
	}
	return string(text)
}

func (q *quickJS) invoke(name string, params ...uint64) uint64 {
	q.t.Helper()
	results, err := q.module.ExportedFunction(name).Call(q.call, params...)
	if err != nil {
		q.t.Fatalf("%s: %v", name, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}
