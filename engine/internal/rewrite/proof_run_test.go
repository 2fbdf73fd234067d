package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// rewriter is what is proven: rewrite.Rewrite with options, or something in its place that is wrong, to see it found out.
type rewriter func(wasm []byte) (*rewrite.Module, error)

// unrewritten leaves a module as it is.
func unrewritten(wasm []byte) (*rewrite.Module, error) { return &rewrite.Module{Wasm: wasm}, nil }

var (
	errNoFuel  = errors.New("out of fuel")
	errNoStack = errors.New("out of stack")
)

// meter is the host's side of the budget.
type meter struct {
	slice int32 // how much fuel there is between two ticks
	stack int32 // how much stack a call may use, in bytes
	limit int64 // how much fuel a call may use; 0 is no limit
	used  int64 // how much fuel it has used
	ticks int
	// onTick, if set, is called at every tick with the fuel that was used since the tick before, and the stack that is in
	// use, in bytes.
	onTick func(used, depth int64)
}

// newMeter makes a meter without a limit. It is what modules of the runtime import as rewrite.HostModule.
func newMeter(ctx context.Context, t testing.TB, r wazero.Runtime) *meter {
	t.Helper()
	m := &meter{slice: math.MaxInt32, stack: math.MaxInt32}
	tick := api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = m.tick(stack[0]) })
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModuleBuilder(rewrite.HostModule).
		NewFunctionBuilder().WithGoModuleFunction(tick, i64, i64).Export(rewrite.TickImport).
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tick ends a call whose budget is used up, or goes on with a new slice.
func (m *meter) tick(budget uint64) uint64 {
	fuel, stack := int32(budget>>32), int32(budget)
	m.ticks++
	used := int64(m.slice) - int64(fuel)
	m.used += used
	if m.onTick != nil {
		m.onTick(used, int64(m.stack)-int64(stack))
	}
	switch {
	case stack < 0:
		panic(errNoStack)
	case fuel >= 0:
		panic(fmt.Errorf("tick was called with a budget of %d fuel and %d stack", fuel, stack))
	case m.limit > 0 && m.used > m.limit:
		panic(errNoFuel)
	}
	return uint64(uint32(m.slice))<<32 | uint64(uint32(stack))
}

// full is the budget that a call begins with.
func (m *meter) full() uint64 { return uint64(uint32(m.slice))<<32 | uint64(uint32(m.stack)) }

// instance is an instance of a module, rewritten or not.
type instance struct {
	module   api.Module
	compiled wazero.CompiledModule
	rewrite  *rewrite.Module
	meter    *meter
	metered  bool // it has a budget
	late     bool // its start function ended with an error, which is startErr
	startErr error
}

// newInstance makes an instance and calls its start function. What imports does not have is looked for by name in the
// runtime. An error of the start function leaves the instance there: functions of it that are in a table of another instance
// may be called.
func newInstance(ctx context.Context, r wazero.Runtime, m *rewrite.Module, meter *meter,
	imports func(string) api.Module) (*instance, error) {
	compiled, err := r.CompileModule(ctx, m.Wasm)
	if err != nil {
		return nil, err
	}
	return instantiate(ctx, r, compiled, m, meter, imports)
}

// instantiate is newInstance of a module that is compiled.
func instantiate(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule, m *rewrite.Module, meter *meter,
	imports func(string) api.Module) (*instance, error) {
	resolved := experimental.WithImportResolver(ctx, imports)
	module, err := r.InstantiateModule(resolved, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, err
	}
	i := &instance{module: module, compiled: compiled, rewrite: m, meter: meter}
	i.metered = i.budget() != nil
	if m.Start {
		_, err = i.call(ctx, rewrite.StartExport)
		i.late, i.startErr = err != nil, err
	}
	return i, err
}

// budget is nil where there is none.
func (i *instance) budget() api.MutableGlobal {
	budget, _ := i.module.ExportedGlobal(rewrite.BudgetExport).(api.MutableGlobal)
	return budget
}

// stackLeft is the lower half of the budget, in bytes.
func (i *instance) stackLeft() int32 {
	if !i.metered {
		return 0
	}
	return int32(i.budget().Get())
}

// refill sets the budget to what a call begins with.
func (i *instance) refill() {
	if i.metered {
		i.budget().Set(i.meter.full())
	}
}

// call calls a function, and afterwards the fuel that it has used is in the meter.
func (i *instance) call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	f := i.module.ExportedFunction(name)
	if f == nil {
		return nil, fmt.Errorf("no function %q", name)
	}
	i.refill()
	i.meter.used, i.meter.ticks = 0, 0
	results, err := f.Call(ctx, args...)
	if i.metered && !errors.Is(err, errNoFuel) && !errors.Is(err, errNoStack) {
		i.meter.used += int64(i.meter.slice) - int64(int32(i.budget().Get()>>32))
	}
	return results, err
}
