package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// TestSeparate tells what goes where.
func TestSeparate(t *testing.T) {
	const dataCount = "\x0c\x01\x01"
	memory, global := section(wasm.SectionMemory, 1, 0, 1), func(content ...byte) string { return section(wasm.SectionGlobal, content...) }
	data := func(content ...byte) string { return section(wasm.SectionData, content...) }
	for _, test := range []struct {
		name, module, code, state string
	}{
		{"memory", section(wasm.SectionMemory, 1, 0, 11), section(wasm.SectionMemory, 1, 0, 8), "{11 [] []}"},
		{"memory with a maximum", section(wasm.SectionMemory, 1, 1, 3, 3), section(wasm.SectionMemory, 1, 1, 2, 3), "{3 [] []}"},
		{"memory of nothing", section(wasm.SectionMemory, 1, 0, 0), section(wasm.SectionMemory, 1, 0, 0), "{0 [] []}"},
		{"memory beyond its maximum", section(wasm.SectionMemory, 1, 1, 3, 2), section(wasm.SectionMemory, 1, 1, 3, 2), "{0 [] []}"},
		{"two memories", section(wasm.SectionMemory, 2, 0, 3, 0, 3), section(wasm.SectionMemory, 2, 0, 3, 0, 3), "{0 [] []}"},
		{"data", memory + data(2, 0, 0x41, 8, 0x0b, 1, 'a', 2, 0, 0x41, 0x7f, 0x0b, 2, 'b', 'c'), memory,
			"{1 [{0 8 [97]} {1 4294967295 [98 99]}] []}"},
		{"data that is counted", memory + dataCount + data(1, 0, 0x41, 8, 0x0b, 1, 'a'),
			memory + dataCount + data(1, 0, 0x41, 0, 0x0b, 0), "{1 [{0 8 [97]}] []}"},
		{"passive data", memory + data(2, 1, 1, 'p', 0, 0x41, 8, 0x0b, 1, 'a'),
			memory + data(2, 1, 1, 'p', 0, 0x41, 0, 0x0b, 0), "{1 [{1 8 [97]}] []}"},
		{"data without memory", data(1, 0, 0x41, 8, 0x0b, 1, 'a'), data(1, 0, 0x41, 8, 0x0b, 1, 'a'), "{0 [] []}"},
		{"data that is counted wrongly", memory + dataCount + data(0), memory + dataCount + data(0), "{1 [] []}"},
		{"data at a global", memory + data(1, 0, 0x23, 0, 0x0b, 1, 'a'), memory + data(1, 0, 0x23, 0, 0x0b, 1, 'a'), "{1 [] []}"},
		{"globals", global(3, 0x7f, 0, 0x41, 5, 0x0b, 0x7f, 1, 0x41, 0x7e, 0x0b, 0x7c, 1, 0x44, 1, 2, 3, 4, 5, 6, 7, 8, 0x0b),
			global(3, 0x7f, 0, 0x41, 5, 0x0b, 0x7f, 1, 0x41, 0, 0x0b, 0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b),
			"{0 [] [{0 4294967294} {1 578437695752307201}]}"},
		{"references", global(2, 0x70, 1, 0xd0, 0x70, 0x0b, 0x7d, 1, 0x43, 1, 0, 0, 0, 0x0b),
			global(2, 0x70, 1, 0xd0, 0x70, 0x0b, 0x7d, 1, 0x43, 0, 0, 0, 0, 0x0b), "{0 [] [{0 1}]}"},
		{"a global of another type", global(1, 0x7e, 1, 0x41, 5, 0x0b), global(1, 0x7e, 1, 0x41, 5, 0x0b), "{0 [] []}"},
		{"a number with bits too many", global(1, 0x7f, 1, 0x41, 0xff, 0xff, 0xff, 0xff, 0x17, 0x0b),
			global(1, 0x7f, 1, 0x41, 0xff, 0xff, 0xff, 0xff, 0x17, 0x0b), "{0 [] []}"},
		{"the smallest numbers", global(2, 0x7f, 1, 0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x0b,
			0x7e, 1, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x0b),
			global(2, 0x7f, 1, 0x41, 0, 0x0b, 0x7e, 1, 0x42, 0, 0x0b), "{0 [] [{0 2147483648} {1 9223372036854775808}]}"},
		{"custom sections", section(wasm.SectionCustom, 1, 'x', 1) + section(wasm.SectionCustom, 4, 'n', 'a', 'm', 'e'),
			section(wasm.SectionCustom, 4, 'n', 'a', 'm', 'e'), "{0 [] []}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := wasm.Decode([]byte(wasmtest.Header + test.module))
			if err != nil {
				t.Fatal(err)
			}
			code, state := wasm.Separate(m)
			if want := wasmtest.Header + test.code; string(code) != want {
				t.Errorf("code %x\nwant %x", code, want)
			}
			if got := fmt.Sprint(state); got != test.state {
				t.Errorf("state %s, want %s", got, test.state)
			}
		})
	}
}

func section(id byte, content ...byte) string { return string(wasmtest.Section(id, content)) }

// TestSeparateGenerated is FuzzSeparate with programs that it need not look for.
func TestSeparateGenerated(t *testing.T) {
	contents, values := 0, 0
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 3))
		input := make([]byte, 500+random.IntN(2000))
		for i := range input {
			input[i] = byte(random.Uint32())
		}
		state := separateGenerated(t, input)
		contents += len(state.Data)
		values += len(state.Globals)
	}
	if contents < 100 || values < 100 {
		t.Errorf("%d contents and %d values in 500 programs: too few to say anything", contents, values)
	}
}

// FuzzSeparate compares what instances of generated programs begin with and what instances of their code do that were given
// their state.
func FuzzSeparate(f *testing.F) {
	f.Fuzz(func(t *testing.T, input []byte) { separateGenerated(t, input) })
}

func separateGenerated(t *testing.T, input []byte) wasm.State {
	p := wasmtest.Generate(input)
	m, err := wasm.Decode(withoutStart(t, p.Wasm)) // it would run before the state is there
	if err != nil {
		t.Fatal(err)
	}
	code, state := wasm.Separate(m)
	whole, wholeErr := instantiate(t, p, m.Wasm)
	apart, err := instantiate(t, p, code)
	if err == nil {
		err = fill(apart, m, state)
	}
	if (err == nil) != (wholeErr == nil) {
		t.Fatalf("instantiation: %v and %v", wholeErr, err)
	}
	if err == nil {
		compare(t, p, whole, apart)
	}
	return state
}

func withoutStart(t *testing.T, binary []byte) []byte {
	m, err := wasm.Decode(binary)
	if err != nil {
		t.Fatal(err)
	}
	out := wasm.AppendHeader(nil)
	for _, s := range m.Sections {
		if s.ID != wasm.SectionStart {
			out = append(out, s.All.Of(binary)...)
		}
	}
	return out
}

// instantiate makes an instance in a runtime of its own.
func instantiate(t *testing.T, p *wasmtest.Program, binary []byte) (api.Module, error) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(8))
	t.Cleanup(func() { r.Close(ctx) })
	host := r.NewHostModuleBuilder(wasmtest.HostModule)
	for _, f := range p.Imports {
		nothing := api.GoFunc(func(context.Context, []uint64) {})
		host.NewFunctionBuilder().WithGoFunction(nothing, f.Params, f.Results).Export(f.Name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	compiled, err := r.CompileModule(ctx, binary)
	if err != nil {
		t.Fatal(err)
	}
	return r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithStartFunctions())
}

// fill gives an instance its state. The globals of generated programs are exported by their indices.
func fill(instance api.Module, m *wasm.Module, state wasm.State) error {
	if have := state.Pages; have > 0 {
		instance.Memory().Grow(have - instance.Memory().Size()>>16)
	}
	for _, data := range state.Data {
		if !instance.Memory().Write(data.Offset, data.Bytes) {
			return fmt.Errorf("data[%d] is out of bounds", data.Segment)
		}
	}
	var mutable []int
	for i, g := range m.Globals {
		if g.Mutable && !wasm.IsRef(g.Type) {
			mutable = append(mutable, i)
		}
	}
	for _, value := range state.Globals {
		instance.ExportedGlobal(fmt.Sprint("g", mutable[value.Mutable])).(api.MutableGlobal).Set(value.Bits)
	}
	return nil
}

func compare(t *testing.T, p *wasmtest.Program, whole, apart api.Module) {
	if p.Memory {
		want, _ := whole.Memory().Read(0, whole.Memory().Size())
		if got, _ := apart.Memory().Read(0, apart.Memory().Size()); !bytes.Equal(got, want) {
			t.Error("the memories differ")
		}
	}
	for i, g := range p.Globals {
		name := fmt.Sprint("g", i)
		if want, got := whole.ExportedGlobal(name).Get(), apart.ExportedGlobal(name).Get(); !wasm.IsRef(byte(g.Type)) && got != want {
			t.Errorf("global %d of type %#x is %#x, want %#x", i, g.Type, got, want)
		}
	}
}
