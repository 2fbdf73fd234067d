package wasi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// errEnded ends calls of a [recorder].
var errEnded = errors.New("the call was ended")

// recorder is a caller that writes down what it is asked for. It ends a call that sleeps for more than a millisecond, and
// one that costs more than its budget unless that is 0.
type recorder struct {
	context.Context
	process        Process
	stdout, stderr bytes.Buffer
	charges        []int64
	charged        int64
	budget         int64
	slept          []time.Duration
	wrote          []span // what was told of writes
}

func newRecorder() *recorder {
	r := &recorder{Context: context.Background()}
	r.process = Process{
		Args:   NewStrings([]string{"a", "bc"}),
		Env:    NewStrings([]string{"a=b", "b=cd"}),
		Stdout: &r.stdout,
		Stderr: &r.stderr,
	}
	return r
}

func (r *recorder) Value(key any) any {
	if _, ok := key.(CallerKey); ok {
		return r
	}
	return r.Context.Value(key)
}

func (r *recorder) Process() *Process { return &r.process }

func (r *recorder) Charge(units int64) {
	r.charges = append(r.charges, units)
	if r.charged += units; r.budget > 0 && r.charged > r.budget {
		panic(errEnded)
	}
}

func (r *recorder) Wrote(address, count uint32) {
	r.wrote = append(r.wrote, span{uint64(address), uint64(count)})
}

func (r *recorder) Sleep(d time.Duration) {
	r.slept = append(r.slept, d)
	if d > time.Millisecond {
		panic(errEnded)
	}
	time.Sleep(d)
}

// instance is a module that imports all functions and exports each under its own name, with a memory.
type instance struct {
	api.Module
	t testing.TB
	r *recorder
}

// pages is how large its memory is.
const pages = 2

// newInstance makes one in a runtime that knows our functions.
func newInstance(t testing.TB) *instance {
	t.Helper()
	runtime := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { runtime.Close(context.Background()) })
	if _, err := Register(t.Context(), runtime.NewHostModuleBuilder(ModuleName)); err != nil {
		t.Fatal(err)
	}
	return instantiate(t, runtime, wazero.NewModuleConfig())
}

func instantiate(t testing.TB, runtime wazero.Runtime, config wazero.ModuleConfig) *instance {
	t.Helper()
	var m wasmtest.Module
	signatures := make([]wasmtest.Signature, len(functions))
	for i := range functions {
		signatures[i] = wasmtest.Signature{Params: functions[i].paramTypes(), Results: functions[i].resultTypes()}
		m.Import(ModuleName, functions[i].name, signatures[i])
	}
	for i, s := range signatures {
		var params []wasmtest.Code
		for p := range s.Params {
			params = append(params, wasmtest.Get(uint32(p)))
		}
		m.Export(functions[i].name, wasmtest.KindFunc, m.Func(s, 0, wasmtest.Call(uint32(i), params...)))
	}
	m.Memory(wasmtest.AtLeast(pages))
	module, err := runtime.InstantiateWithConfig(t.Context(), m.Encode(), config)
	if err != nil {
		t.Fatal(err)
	}
	return &instance{module, t, newRecorder()}
}

// call calls a function. An error is a trap, or the end of the call.
func (i *instance) call(name string, params ...uint64) (Errno, error) {
	i.t.Helper()
	results, err := i.ExportedFunction(name).Call(i.r, params...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	if results[0]>>16 != 0 {
		i.t.Errorf("%s%v gave %#x, which is no errno", name, params, results[0])
	}
	return Errno(results[0]), nil
}

// want calls a function that has to give an errno.
func (i *instance) want(want Errno, name string, params ...uint64) {
	i.t.Helper()
	if got, err := i.call(name, params...); err != nil || got != want {
		i.t.Errorf("%s%v = %d, %v; want %d", name, params, got, err, want)
	}
}

// fill puts a byte everywhere, so that it shows what is written.
func (i *instance) fill(b byte) {
	i.Memory().Write(0, bytes.Repeat([]byte{b}, int(i.Memory().Size())))
}

// wantBytes compares memory, with the byte before and the byte behind.
func (i *instance) wantBytes(address uint32, want string) {
	i.t.Helper()
	if got, _ := i.Memory().Read(address-1, uint32(len(want))); string(got) != want {
		i.t.Errorf("%q at %d, want %q", got, address-1, want)
	}
}

const end = pages << 16 // the first address outside of the memory

func TestSignaturesAreThoseOfWASI(t *testing.T) {
	runtime := wazero.NewRuntime(context.Background())
	defer runtime.Close(context.Background())
	theirs, err := wasi_snapshot_preview1.NewBuilder(runtime).Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, definition := range theirs.ExportedFunctions() {
		at := slices.IndexFunc(functions[:], func(f function) bool { return f.name == name })
		if at < 0 {
			t.Errorf("%s is missing", name)
			continue
		}
		f := &functions[at]
		if got, want := fmt.Sprint(f.paramTypes(), f.resultTypes()),
			fmt.Sprint(definition.ParamTypes(), definition.ResultTypes()); got != want {
			t.Errorf("%s has %s, want %s", name, got, want)
		}
	}
	if got, want := len(functions), len(theirs.ExportedFunctions()); got != want {
		t.Errorf("%d functions, want %d", got, want)
	}
}

func TestStrings(t *testing.T) {
	i := newInstance(t)
	i.fill('?')
	i.want(Success, "args_sizes_get", 1, 6)
	i.wantBytes(1, "?\x02\x00\x00\x00?\x05\x00\x00\x00?")
	i.want(Success, "args_get", 24, 17)
	i.wantBytes(17, "?a\x00bc\x00??\x11\x00\x00\x00\x13\x00\x00\x00?")
	i.want(Success, "environ_sizes_get", 1, 6)
	i.wantBytes(1, "?\x02\x00\x00\x00?\x09\x00\x00\x00?")
	i.fill('?')
	i.want(Success, "environ_get", 32, 17)
	i.wantBytes(17, "?a=b\x00b=cd\x00??????\x11\x00\x00\x00\x15\x00\x00\x00?")

	for _, name := range []string{"args", "environ"} {
		i.want(Fault, name+"_sizes_get", end-3, 0)
		i.want(Fault, name+"_sizes_get", 0, end-3)
		i.want(Fault, name+"_get", end-7, 0)
		i.want(Fault, name+"_get", 0, end-4)
		i.want(Fault, name+"_get", 1<<32-1, 1<<32-1)
	}
	i.r.process = Process{}
	i.fill('?')
	i.want(Success, "args_sizes_get", 1, 6)
	i.wantBytes(1, "?\x00\x00\x00\x00?\x00\x00\x00\x00")
	i.want(Success, "environ_get", end, end)
}

func TestClocks(t *testing.T) {
	i := newInstance(t)
	read := func(clock uint64) uint64 {
		i.want(Success, "clock_time_get", clock, 1<<63, 8)
		ns, _ := i.Memory().ReadUint64Le(8)
		return ns
	}
	if off := time.Since(time.Unix(0, int64(read(clockRealtime)))); off < 0 || off > time.Minute {
		t.Errorf("the clock realtime is late by %v", off)
	}
	first := read(clockMonotonic)
	time.Sleep(time.Millisecond)
	if passed := time.Duration(read(clockMonotonic) - first); first == 0 || passed < time.Millisecond || passed > time.Minute {
		t.Errorf("the clock monotonic shows %d, and %v more a millisecond later", first, passed)
	}
	i.want(Success, "clock_res_get", clockMonotonic, 8)
	i.wantBytes(9, "\x01\x00\x00\x00\x00\x00\x00\x00")
	for _, clock := range []uint64{2, 3, 4, 1<<32 - 1} {
		i.want(Inval, "clock_time_get", clock, 0, 8)
		i.want(Inval, "clock_res_get", clock, 8)
	}
	i.want(Fault, "clock_time_get", clockRealtime, 0, end-7)
	i.want(Fault, "clock_res_get", clockRealtime, end-7)
}

func TestRandomComesInSteps(t *testing.T) {
	i := newInstance(t)
	i.fill(0)
	const size = end - 10
	i.want(Success, "random_get", 5, size)
	memory, _ := i.Memory().Read(0, end)
	if bytes.Contains(memory[5:5+size], make([]byte, 16)) {
		t.Error("some bytes are not random")
	}
	if !bytes.Equal(memory[:5], make([]byte, 5)) || !bytes.Equal(memory[5+size:], make([]byte, 5)) {
		t.Error("bytes beside the buffer were written")
	}
	want := append(slices.Repeat([]int64{2 << 14}, size>>14), 2*(size&(1<<14-1)))
	if !slices.Equal(i.r.charges, want) {
		t.Errorf("charged %v, want %v", i.r.charges, want)
	}
	i.want(Success, "random_get", end, 0)
	i.want(Fault, "random_get", end, 1)
	i.want(Fault, "random_get", 1, end)
	i.want(Fault, "random_get", 1<<32-1, 1<<32-1)
}

// TestEverythingLongIsCharged calls what works for long, each for some length.
func TestEverythingLongIsCharged(t *testing.T) {
	i := newInstance(t)
	iovs, count := i.vectors(8, 4, 12, 3)
	for _, test := range []struct {
		name   string
		params []uint64
		want   int64
	}{
		{"args_get", []uint64{8, 32}, 2*4 + 5},
		{"environ_get", []uint64{8, 32}, 2*4 + 9},
		{"fd_write", []uint64{stdout, iovs, count, 0}, 2*vectorUnits + 7*writeUnits},
		{"fd_read", []uint64{stdin, iovs, count, 0}, 2 * vectorUnits},
		{"poll_oneoff", []uint64{4096, 8192, 7, 0}, 7 * subscriptionUnits},
		{"random_get", []uint64{0, 10}, 10 * randomUnits},
	} {
		i.r.charged = 0
		i.want(Success, test.name, test.params...)
		if i.r.charged != test.want {
			t.Errorf("%s charged %d, want %d", test.name, i.r.charged, test.want)
		}
	}
}

// TestChargeEndsACall has the account run out in the middle of work.
func TestChargeEndsACall(t *testing.T) {
	i := newInstance(t)
	i.fill(0)
	i.r.budget = 2 << 16
	if _, err := i.call("random_get", 0, end); !errors.Is(err, errEnded) {
		t.Errorf("got error %v, want the end of the call", err)
	}
	memory, _ := i.Memory().Read(1<<16, 1<<16)
	if !bytes.Equal(memory, make([]byte, 1<<16)) {
		t.Error("work went on without a charge")
	}
}

func TestExit(t *testing.T) {
	i := newInstance(t)
	var exit *ExitError
	if _, err := i.call("proc_exit", 1<<32-1); !errors.As(err, &exit) || exit.Code != 1<<32-1 {
		t.Errorf("proc_exit gave %v", err)
	}
	i.want(Success, "sched_yield") // the instance lives
	i.want(Nosys, "proc_raise", 9)
}

func TestOtherContexts(t *testing.T) {
	i := newInstance(t)
	i.want(Success, "args_sizes_get", 0, 4)
	type key struct{}
	made := context.WithValue(i.r, key{}, "value")
	if results, err := i.ExportedFunction("args_sizes_get").Call(made, 8, 12); err != nil || results[0] != 0 {
		t.Errorf("errno %v, error %v", results, err)
	}
	if count, _ := i.Memory().ReadUint32Le(8); count != 2 {
		t.Errorf("%d arguments for a context made of the caller, want 2", count)
	}
	results, err := i.ExportedFunction("args_sizes_get").Call(t.Context(), 0, 4)
	if count, _ := i.Memory().ReadUint32Le(0); err != nil || results[0] != 0 || count != 0 {
		t.Errorf("%d arguments, errno %v, error %v", count, results, err)
	}
}
