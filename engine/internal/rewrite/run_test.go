package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// host runs modules, and gives those that were rewritten their budgets.
type host struct {
	runtime wazero.Runtime
	// slice is the fuel of each tick.
	slice int32
	// allowed is how much fuel a call may have. Ticks beyond it end the call.
	allowed int64
	given   int64
	ticks   int
	// stack is how much of the stack a call may have, in bytes.
	stack int32
}

var (
	errFuel  = errors.New("out of fuel")
	errStack = errors.New("out of stack")
)

func newHost(t testing.TB, config wazero.RuntimeConfig) *host {
	ctx := context.Background()
	h := &host{
		runtime: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2)),
		slice:   1 << 17, allowed: 1 << 40, stack: 1 << 20,
	}
	t.Cleanup(func() { _ = h.runtime.Close(ctx) })
	_, err := h.runtime.NewHostModuleBuilder(rewrite.HostModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(h.tick), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(rewrite.TickImport).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, h.runtime)
	return h
}

func (h *host) tick(_ context.Context, stack []uint64) {
	h.ticks++
	left := int32(stack[0])
	if left < 0 {
		panic(errStack)
	}
	if h.given >= h.allowed {
		panic(errFuel)
	}
	h.given += int64(h.slice) - int64(stack[0])>>32
	stack[0] = uint64(h.slice)<<32 | uint64(uint32(left))
}

// begin sets the budget for a call.
func (h *host) begin(m api.Module) {
	h.given, h.ticks = int64(h.slice), 0
	budget(m).Set(uint64(h.slice)<<32 | uint64(uint32(h.stack)))
}

func budget(m api.Module) api.MutableGlobal {
	return m.ExportedGlobal(rewrite.BudgetExport).(api.MutableGlobal)
}

// used is the fuel that was charged since begin, stack what of the stack was not given back.
func (h *host) used(m api.Module) (fuel int64, stack int32) {
	left := int64(budget(m).Get())
	return h.given - left>>32, h.stack - int32(left)
}

func (h *host) rewritten(t testing.TB, wasm []byte) (api.Module, *rewrite.Module) {
	t.Helper()
	m, err := rewrite.Rewrite(wasm, rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h.instance(t, m.Wasm), m
}

func (h *host) instance(t testing.TB, wasm []byte) api.Module {
	t.Helper()
	instance, err := h.runtime.InstantiateWithConfig(context.Background(), wasm,
		wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Close(context.Background()) })
	return instance
}

// call calls an export with a budget.
func (h *host) call(m api.Module, name string, args ...uint64) (results []uint64, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	h.begin(m)
	return m.ExportedFunction(name).Call(context.Background(), args...)
}

// engines are the runtime's two.
var engines = map[string]func() wazero.RuntimeConfig{
	"compiler":    wazero.NewRuntimeConfigCompiler,
	"interpreter": wazero.NewRuntimeConfigInterpreter,
}
