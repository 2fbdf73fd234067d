package wasmtest

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func TestCounted(t *testing.T) {
	bulk := func(op byte, immediates ...byte) Code { return append(Code{prefixMisc, op}, immediates...) }
	three := func(a, b, c int32) Code { return Seq(Const(a), Const(b), Const(c)) }
	tests := []struct {
		name string
		code Code
		want int64
		trap string
	}{
		{name: "nothing", want: 0},
		{name: "no jump", code: Drop(Add(Const(1), Const(2))), want: 4},
		{name: "nop", code: Code{opNop, opNop}, want: 0},
		{name: "a call", code: Call(0), want: 1 + 3},
		{name: "if and else", code: IfElse(Const(1), Call(0), Seq(Call(0), Call(0))), want: 2 + 4},
		{name: "else", code: IfElse(Const(0), Call(0), Seq(Call(0), Call(0))), want: 2 + 8},
		// Three rounds of condition, eqz, br_if, body and br; the last condition with eqz and br_if.
		{name: "a loop", code: While(Get(0), Set(0, Add(Get(0), Const(-1)))), want: 3*(3+4+1) + 3},
		{name: "a trap between jumps", code: Seq(Const(1), Unreachable()), want: 2, trap: "unreachable"},
		{name: "memory.fill", code: Seq(three(0, 0, 1024), bulk(miscMemoryFill, 0)), want: 4 + 1024/BytesPerInstruction},
		{name: "memory.copy", code: Seq(three(0, 0, 160), bulk(miscMemoryCopy, 0, 0)), want: 4 + 160/BytesPerInstruction},
		{name: "memory.init", code: Seq(three(0, 0, 32), bulk(miscMemoryInit, 0, 0)), want: 4 + 32/BytesPerInstruction},
		{name: "table.fill", code: Seq(Const(0), Code{opRefNull, FuncRef}, Const(7), bulk(miscTableFill, 0)), want: 4 + 7},
		{name: "table.copy", code: Seq(three(0, 0, 5), bulk(miscTableCopy, 0, 0)), want: 4 + 5},
		{name: "table.grow", code: Drop(Seq(Code{opRefNull, FuncRef}, Const(3), bulk(miscTableGrow, 0))), want: 4 + 3},
		{name: "table.init", code: Seq(three(0, 0, 1), bulk(miscTableInit, 0, 0)), want: 4 + 1},
		{name: "table.grow that fails", code: Drop(Seq(Code{opRefNull, FuncRef}, Const(-1), bulk(miscTableGrow, 0))), want: 4},
		{name: "memory.fill that traps", code: Seq(three(0, 0, -1), bulk(miscMemoryFill, 0)), want: 4, trap: "out of bounds"},
		{name: "no end", code: While(Const(1)), want: 1001, trap: "unreachable"},
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := Module{}
			m.Func(Signature{}, 0, Drop(Seq(Const(1), Code{opEqz})))
			f := m.Func(Signature{Params: []ValueType{I32}}, 0, test.code)
			m.Export("f", KindFunc, f)
			m.Memory(AtLeast(1))
			m.Table(AtLeast(10))
			m.RawElements([]byte{1, 0, 1, 0})
			m.PassiveData(make([]byte, 64))
			m.CountData()
			wasm, err := Counted(m.Encode(), 1000)
			if err != nil {
				t.Fatal(err)
			}
			instance, err := r.Instantiate(ctx, wasm)
			if err != nil {
				t.Fatal(err)
			}
			defer instance.Close(ctx)
			_, err = instance.ExportedFunction("f").Call(ctx, 3)
			if (err != nil) != (test.trap != "") || err != nil && !strings.Contains(err.Error(), test.trap) {
				t.Errorf("the call ended with %v, want %q", err, test.trap)
			}
			have := int64(instance.ExportedGlobal(CountExport).Get())
			// A module without an end is stopped at a loop head, up to a round after the limit.
			if have != test.want && (test.name != "no end" || have < test.want || have > test.want+10) {
				t.Errorf("%d instructions, want %d", have, test.want)
			}
		})
	}
}

func TestCountedRefusesBrokenModules(t *testing.T) {
	whole := Generate(generatedInput(3)).Wasm
	for n := range whole {
		// Either it says that the module is broken, or what broke is none of its business. It must not panic.
		_, _ = Counted(whole[:n], 1)
	}
	if _, err := Counted(whole[:len(whole)-1], 1); err == nil {
		t.Error("a module without its last byte was taken")
	}
}

// TestGeneratedPrograms runs them: most calls must come to an end that is neither a trap nor the limit, or comparing how
// they end would say little.
func TestGeneratedPrograms(t *testing.T) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(8)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer r.Close(ctx)
	const limit = 200_000
	ends := map[string]int{}
	var calls, returned, busy int
	for seed := range uint64(150) {
		p := Generate(generatedInput(seed))
		wasm, err := Counted(p.Wasm, limit)
		if err != nil {
			t.Fatal(err)
		}
		host := r.NewHostModuleBuilder(HostModule)
		for _, f := range p.Imports {
			nothing := api.GoFunc(func(context.Context, []uint64) {})
			host.NewFunctionBuilder().WithGoFunction(nothing, f.Params, f.Results).Export(f.Name)
		}
		imports, err := host.Instantiate(ctx)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := r.Instantiate(ctx, wasm)
		if err != nil {
			ends["instantiation: "+trapOf(err)]++
		} else {
			if start := instance.ExportedFunction(CountedStart); start != nil {
				if _, err := start.Call(ctx); err != nil {
					ends["start: "+trapOf(err)]++
				}
			}
			for _, call := range p.Calls {
				before := instance.ExportedGlobal(CountExport).Get()
				if _, err = instance.ExportedFunction(call.Function.Name).Call(ctx, call.Args...); err != nil {
					ends[trapOf(err)]++
				}
				if call.Function.Name == "refuel" {
					continue
				}
				calls++
				count := instance.ExportedGlobal(CountExport).Get()
				if err == nil {
					returned++
				}
				if count-before > 100 {
					busy++
				}
				if count > limit {
					ends["limit"]++
					break
				}
			}
			instance.Close(ctx)
		}
		imports.Close(ctx)
	}
	t.Logf("%d calls, %d returned, %d made more than 100 instructions; others: %v", calls, returned, busy, ends)
	if returned < calls/2 || busy < calls/4 {
		t.Errorf("of %d calls, %d returned and %d did something; want half of them, and a quarter", calls, returned, busy)
	}
}

func trapOf(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

func TestReplaced(t *testing.T) {
	const or, xor = 0x72, 0x73
	m := Module{}
	m.Export("f", KindFunc, m.Func(Signature{Results: []ValueType{I32}}, 0, Const(or), Const(6), Code{or}))
	wasm, err := Replaced(m.Encode(), or, xor)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	instance, err := r.Instantiate(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	results, err := instance.ExportedFunction("f").Call(ctx)
	if err != nil || results[0] != or^6 {
		t.Errorf("%#x, %v; want %#x", results, err, or^6)
	}
}
