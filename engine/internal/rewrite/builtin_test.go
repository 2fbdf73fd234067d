package rewrite_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// global reads a hidden global.
func global(t *testing.T, m api.Module, name string) int32 {
	t.Helper()
	g := m.ExportedGlobal(name)
	if g == nil {
		t.Fatalf("no global %q", name)
	}
	return int32(g.Get())
}

// with puts a section into a module, in the place of the one that is there.
func with(module []byte, id byte, content []byte) []byte {
	m, err := wasm.Decode(module)
	if err != nil {
		panic(err)
	}
	rank := func(id byte) int {
		if id == wasm.SectionDataCount {
			return 2*wasm.SectionElement + 1
		}
		return 2 * int(id)
	}
	out, done := wasm.AppendHeader(nil), false
	for _, s := range m.Sections {
		if !done && s.ID != wasm.SectionCustom && rank(s.ID) >= rank(id) {
			out, done = wasm.AppendSection(out, id, content), true
		}
		if s.ID != id {
			out = append(out, s.All.Of(module)...)
		}
	}
	if !done {
		out = wasm.AppendSection(out, id, content)
	}
	return out
}

// withData gives a module a passive data segment.
func withData(module, segment []byte) []byte {
	module = with(module, wasm.SectionDataCount, []byte{1})
	return with(module, wasm.SectionData, slices.Concat([]byte{1, 1}, U32(uint32(len(segment))), segment))
}

func compilerHost(t testing.TB) *host { return newHost(t, wazero.NewRuntimeConfigCompiler()) }

func TestMemoryGrow(t *testing.T) {
	i32 := []ValueType{I32}
	var m Module
	m.Memory(Between(2, 5))
	m.Export("grow", KindFunc, m.Func(Signature{Params: i32, Results: i32}, 0, MemoryGrow(Get(0))))
	m.Export("size", KindFunc, m.Func(Signature{Results: i32}, 0, Code{wasm.OpMemorySize, 0}))
	h := compilerHost(t)
	instance, _ := h.rewritten(t, m.Encode())
	memory := instance.Memory()
	pages := instance.ExportedGlobal(rewrite.PagesExport).(api.MutableGlobal)
	for _, step := range []struct {
		do   func()
		grow uint32
		want int32
		// What there is afterwards, as the module knows it and really.
		size, real uint32
	}{
		{nil, 0, 2, 2, 2},
		{nil, 1, 2, 3, 3},
		{nil, 3, -1, 3, 3},
		{nil, 1 << 31, -1, 3, 3},
		{nil, 0xffffffff, -1, 3, 3},
		{nil, 2, 3, 5, 5},
		{nil, 1, -1, 5, 5},
		{func() { pages.Set(2) }, 0, 2, 2, 5}, // as a host does that undoes the growth
		{nil, 1, 2, 3, 5},
		{nil, 3, -1, 3, 5},
		{nil, 2, 3, 5, 5},
	} {
		if step.do != nil {
			step.do()
		}
		got, err := h.call(instance, "grow", uint64(step.grow))
		size, sizeErr := h.call(instance, "size")
		if err != nil || sizeErr != nil {
			t.Fatal(err, sizeErr)
		}
		if int32(got[0]) != step.want || uint32(size[0]) != step.size || memory.Size() != step.real*rewrite.PageSize {
			t.Errorf("memory.grow %d: %d, then %d pages, really %d bytes; want %d, %d, %d pages",
				int32(step.grow), int32(got[0]), size[0], memory.Size(), step.want, step.size, step.real)
		}
	}
}

// TestMemoryLimit lets a memory grow to the limit and not beyond.
func TestMemoryLimit(t *testing.T) {
	i32 := []ValueType{I32}
	var m Module
	m.Memory(AtLeast(1))
	m.Export("grow", KindFunc, m.Func(Signature{Params: i32, Results: i32}, 0, MemoryGrow(Get(0))))
	rewritten, err := rewrite.Rewrite(m.Encode(), rewrite.Options{MaxMemory: 3*rewrite.PageSize + 1})
	if err != nil {
		t.Fatal(err)
	}
	h := compilerHost(t)
	instance := h.instance(t, rewritten.Wasm)
	for _, want := range []int32{1, 2, -1} {
		if got, err := h.call(instance, "grow", 1); err != nil || int32(got[0]) != want {
			t.Errorf("%v, %v; want %d", got, err, want)
		}
	}
}

// TestBulk compares bulk operations with what they were, for operands on both sides of every border.
func TestBulk(t *testing.T) {
	const size = 5 * rewrite.PageSize
	three := Signature{Params: []ValueType{I32, I32, I32}}
	operands := Seq(Get(0), Get(1), Get(2))
	var m Module
	m.Memory(Between(5, 5))
	m.Export("copy", KindFunc, m.Func(three, 0, operands, Code{0xfc, 10, 0, 0}))
	m.Export("fill", KindFunc, m.Func(three, 0, operands, Code{0xfc, 11, 0}))
	m.Export("init", KindFunc, m.Func(three, 0, operands, Code{0xfc, 8, 0, 0}))
	m.Export("drop", KindFunc, m.Func(Signature{}, 0, Code{0xfc, 9, 0}))
	segment := bytes.Repeat([]byte("0123456789abcde"), 10_000)
	binary := withData(m.Encode(), segment)
	h := compilerHost(t)
	plain := h.instance(t, binary)
	metered, _ := h.rewritten(t, binary)

	compare := func(name string, args ...uint64) {
		t.Helper()
		var memories [2][]byte
		for i, instance := range []api.Module{plain, metered} {
			memories[i], _ = instance.Memory().Read(0, size)
			for at := range memories[i] {
				memories[i][at] = byte(at ^ at>>8)
			}
		}
		_, want := plain.ExportedFunction(name).Call(t.Context(), args...)
		_, got := h.call(metered, name, args...)
		if firstLine(got) != firstLine(want) {
			t.Errorf("%s%v: %v; want %v", name, args, got, want)
		}
		if !bytes.Equal(memories[0], memories[1]) {
			t.Errorf("%s%v: another memory", name, args)
		}
		if _, stack := h.used(metered); stack != 0 && got == nil {
			t.Errorf("%s%v: %d bytes of the stack", name, args, stack)
		}
	}
	counts := []uint64{0, 1, 256, 257, 65535, 65536, 65537, 150_000, 200_000, size, 1 << 31, 1<<32 - 1}
	places := []uint64{0, 1, 300, 65536, 100_000, size - 257, size - 1, size, size + 1, 1<<32 - 1}
	for _, count := range counts {
		for _, to := range places {
			compare("fill", to, 0x1a5, count)
			for _, from := range places {
				compare("copy", to, from, count)
				compare("init", to, from, count)
			}
		}
	}
	if dirty := global(t, metered, rewrite.DirtyExport); dirty != 0 {
		t.Errorf("dirty: %d", dirty)
	}
	compare("drop")
	compare("init", 0, 0, 0)
	compare("init", 0, 0, 1)
	compare("init", 0, 0, 1000)
	if dirty := global(t, metered, rewrite.DirtyExport); dirty != 1 {
		t.Errorf("after data.drop: %d", dirty)
	}
}

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// TestBulkPays has long operations pay by their length, in steps.
func TestBulkPays(t *testing.T) {
	var m Module
	m.Memory(Between(256, 256))
	m.Export("fill", KindFunc, m.Func(Signature{Params: []ValueType{I32}}, 0, Const(0), Const(0), Get(0), Code{0xfc, 11, 0}))
	h := compilerHost(t)
	instance, _ := h.rewritten(t, m.Encode())
	h.slice = 1000
	if _, err := h.call(instance, "fill", 16<<20); err != nil {
		t.Fatal(err)
	}
	if fuel, _ := h.used(instance); fuel < 16<<20/8 || h.ticks != 256 {
		t.Errorf("%d fuel, %d ticks", fuel, h.ticks)
	}
	h.allowed = 1 << 20
	if _, err := h.call(instance, "fill", 16<<20); !errors.Is(err, errFuel) {
		t.Error(err)
	}
}

// TestDirty has operations that an image cannot undo say so, and no others.
func TestDirty(t *testing.T) {
	null := Code{wasm.OpRefNull, wasm.FuncRef}
	for _, test := range []struct {
		name string
		code Code
		want int32
	}{
		{"nothing", nil, 0},
		{"table.get", Seq(Const(0), Code{wasm.OpTableGet, 0, wasm.OpDrop}), 0},
		{"table.size", Code{0xfc, 16, 0, wasm.OpDrop}, 0},
		{"table.set", Seq(Const(0), null, Code{wasm.OpTableSet, 0}), 1},
		{"table.grow", Seq(null, Const(1), Code{0xfc, 15, 0, wasm.OpDrop}), 1},
		{"table.grow in vain", Seq(null, Const(-1), Code{0xfc, 15, 0, wasm.OpDrop}), 0},
		{"table.fill", Seq(Const(0), null, Const(3), Code{0xfc, 17, 0}), 1},
		{"table.copy", Seq(Const(0), Const(1), Const(3), Code{0xfc, 14, 0, 0}), 1},
		{"table.init", Seq(Const(0), Const(0), Const(1), Code{0xfc, 12, 0, 0}), 1},
		{"elem.drop", Code{0xfc, 13, 0}, 1},
		{"data.drop", Code{0xfc, 9, 0}, 1},
		{"global.set of a number", SetGlobal(0, Const(3)), 0},
		{"global.set of a reference", SetGlobal(1, null), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m Module
			m.Memory(AtLeast(1))
			m.Table(Between(10, 20))
			m.Export("run", KindFunc, m.Func(Signature{}, 0, test.code))
			binary := withData(m.Encode(), []byte("x"))
			binary = with(binary, SectionElement, []byte{1, 1, 0, 1, 0})
			binary = with(binary, SectionGlobal, bytes.Join([][]byte{{2, wasm.I32, 1, wasm.OpI32Const, 1, wasm.OpEnd},
				{wasm.FuncRef, 1}, null, {wasm.OpEnd}}, nil))
			h := compilerHost(t)
			instance, _ := h.rewritten(t, binary)
			if _, err := h.call(instance, "run"); err != nil {
				t.Fatal(err)
			}
			if got := global(t, instance, rewrite.DirtyExport); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// TestTables compares operations on tables with what they were.
func TestTables(t *testing.T) {
	three, i32 := Signature{Params: []ValueType{I32, I32, I32}}, []ValueType{I32}
	operands := Seq(Get(0), Get(1), Get(2))
	var m Module
	m.Table(Between(20_000, 60_000))
	for range 3 {
		m.Func(Signature{}, 0)
	}
	elements := slices.Concat([]byte{2, 0}, Const(5), []byte{wasm.OpEnd, 3, 0, 1, 2}, []byte{1, 0}, U32(9000))
	elements = append(elements, bytes.Repeat([]byte{2, 0, 1}, 3000)...)
	null := Code{wasm.OpRefNull, wasm.FuncRef}
	m.Export("copy", KindFunc, m.Func(three, 0, operands, Code{0xfc, 14, 0, 0}))
	m.Export("init", KindFunc, m.Func(three, 0, operands, Code{0xfc, 12, 1, 0}))
	m.Export("fill", KindFunc, m.Func(three, 0, Get(0), null, Get(2), Code{0xfc, 17, 0}))
	m.Export("grow", KindFunc, m.Func(Signature{Params: i32, Results: i32}, 0, null, Get(0), Code{0xfc, 15, 0}))
	m.Export("size", KindFunc, m.Func(Signature{Results: i32}, 0, Code{0xfc, 16, 0}))
	// A number that tells which entries are null.
	m.Export("sum", KindFunc, m.Func(Signature{Results: i32}, 2,
		Set(0, Code{0xfc, 16, 0}),
		While(Get(0),
			Set(0, Add(Get(0), Const(-1))),
			Set(1, Add(Add(Get(1), Seq(Get(1), Const(4), Code{wasm.OpI32Shl})),
				Seq(Get(0), Code{wasm.OpTableGet, 0, wasm.OpRefIsNull})))),
		Get(1)))
	binary := with(m.Encode(), SectionElement, elements)
	h := compilerHost(t)
	plain := h.instance(t, binary)
	metered, _ := h.rewritten(t, binary)
	compare := func(name string, args ...uint64) {
		t.Helper()
		want, wantErr := plain.ExportedFunction(name).Call(t.Context(), args...)
		got, err := h.call(metered, name, args...)
		if firstLine(err) != firstLine(wantErr) || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s%v: %v, %v; want %v, %v", name, args, got, err, want, wantErr)
		}
		one, _ := plain.ExportedFunction("sum").Call(t.Context())
		if two, err := h.call(metered, "sum"); err != nil || one[0] != two[0] {
			t.Errorf("%s%v: another table, %v", name, args, err)
		}
	}
	for _, args := range [][]uint64{
		{0, 0, 0}, {0, 5, 10}, {3, 0, 9000}, {0, 3, 9000}, {10, 0, 19_990}, {11, 0, 19_990}, {0, 11, 19_990}, {20_000, 0, 0},
		{20_001, 0, 0}, {0, 1 << 31, 1 << 31}, {100, 100, 8192}, {8000, 0, 8193},
	} {
		for _, name := range []string{"init", "copy", "fill"} {
			compare(name, args...)
		}
	}
	for _, count := range []uint64{0, 1, 8192, 8193, 20_000, 40_000, 1<<32 - 1, 3614, 3615} {
		compare("grow", count)
		compare("size")
	}
}

func TestGlobals(t *testing.T) {
	var m Module
	m.Export("shown", KindGlobal, 0)
	binary := with(m.Encode(), SectionGlobal, bytes.Join([][]byte{{6},
		{wasm.I32, 1, wasm.OpI32Const, 7, wasm.OpEnd},
		{wasm.I64, 1, wasm.OpI64Const, 9, wasm.OpEnd},
		{wasm.I64, 0, wasm.OpI64Const, 9, wasm.OpEnd},
		{wasm.V128, 1, wasm.OpPrefixVector, 12}, []byte("0123456789abcdef"), {wasm.OpEnd},
		{wasm.F64, 1, wasm.OpF64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, wasm.OpEnd},
		{wasm.FuncRef, 1, wasm.OpRefNull, wasm.FuncRef, wasm.OpEnd},
	}, nil))
	h := compilerHost(t)
	instance, rewritten := h.rewritten(t, binary)
	want := []rewrite.Global{
		{Type: wasm.I32, Export: "sluice:global 0"},
		{Type: wasm.I64, Export: "sluice:global 1"},
		{Type: wasm.V128, GetLanes: "sluice:get 3", SetLanes: "sluice:set 3"},
		{Type: wasm.F64, Export: "sluice:global 4"},
	}
	if got := fmt.Sprint(rewritten.Globals); got != fmt.Sprint(want) {
		t.Fatalf("%v\nwant %v", got, want)
	}
	for i, value := range map[int]uint64{0: 7, 1: 9, 3: api.EncodeF64(1.5)} {
		g := instance.ExportedGlobal(want[i].Export).(api.MutableGlobal)
		if g.Get() != value {
			t.Errorf("global %d: %d", i, g.Get())
		}
		if g.Set(1); g.Get() != 1 {
			t.Errorf("global %d cannot be set", i)
		}
	}
	lanes := func(want ...uint64) {
		t.Helper()
		got, err := instance.ExportedFunction("sluice:get 3").Call(t.Context())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%x, %v; want %x", got, err, want)
		}
	}
	lanes(0x3736353433323130, 0x6665646362613938)
	if _, err := instance.ExportedFunction("sluice:set 3").Call(t.Context(), 3, 1<<63); err != nil {
		t.Error(err)
	}
	lanes(3, 1<<63)
}

// TestStart has the host call the start function.
func TestStart(t *testing.T) {
	var m Module
	m.Global(1)
	m.Import("env", "nothing", Signature{})
	m.Export("value", KindGlobal, 0)
	m.Start(m.Func(Signature{}, 0, SetGlobal(0, Const(5))))
	h := compilerHost(t)
	h.provide(t, m.Encode())
	instance, rewritten := h.rewritten(t, m.Encode())
	if !rewritten.Start || instance.ExportedGlobal("value").Get() != 1 {
		t.Error("it ran by itself")
	}
	if _, err := h.call(instance, rewrite.StartExport); err != nil || instance.ExportedGlobal("value").Get() != 5 {
		t.Error(err)
	}
}

// TestNames keeps stack traces readable.
func TestNames(t *testing.T) {
	var m Module
	m.Import("env", "nothing", Signature{})
	inner := m.Func(Signature{}, 0, Unreachable())
	m.Export("run", KindFunc, m.Func(Signature{}, 0, Call(inner)))
	name := func(index uint32, name string) []byte { return append(U32(index), Name(name)...) }
	functions := bytes.Join([][]byte{{3}, name(0, "nothing"), name(1, "inner"), name(2, "outer")}, nil)
	m.Custom("name", bytes.Join([][]byte{Section(0, Name("mine")), Section(1, functions), Section(3, []byte{0})}, nil))
	h := compilerHost(t)
	h.provide(t, m.Encode())
	instance, _ := h.rewritten(t, m.Encode())
	_, err := h.call(instance, "run")
	const want = "wasm error: unreachable\nwasm stack trace:\n\tmine.inner()\n\tmine.outer()"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestErrors(t *testing.T) {
	i32 := []ValueType{I32}
	for _, test := range []struct {
		name  string
		build func(m *Module)
		want  string
	}{
		{"local", func(m *Module) { m.Func(Signature{Params: i32}, 2, Drop(Get(3))) }, "function 0: byte 26: local 3 of 3"},
		{"global", func(m *Module) { m.Global(0); m.Func(Signature{}, 0, Drop(GetGlobal(1))) }, "function 0: byte 31: global 1 of 1"},
		{"function", func(m *Module) { m.Func(Signature{}, 0, Call(1)) }, "function 0: byte 23: function 1 of 1"},
		{"label", func(m *Module) { m.Func(Signature{}, 0, Code{wasm.OpBr, 1}) }, "function 0: byte 23: label 1 of 1"},
		{"type of a block", func(m *Module) { m.Func(Signature{}, 0, Code{wasm.OpBlock, 1, wasm.OpEnd}) },
			"function 0: byte 23: a block has type 1 of 1"},
		{"type of call_indirect", func(m *Module) { m.Table(AtLeast(1)); m.Func(Signature{}, 0, Const(0), Code{0x11, 1, 0}) },
			"function 0: byte 31: call_indirect of type 1 of 1"},
		{"start", func(m *Module) { m.Func(Signature{}, 0); m.Start(1) }, "the start function is function 1 of 1"},
		{"type of start", func(m *Module) { m.Start(m.Func(Signature{Params: i32}, 0)) },
			"the start function is (i32) -> (); expected () -> ()"},
		{"reference to start", func(m *Module) { m.Start(m.Func(Signature{}, 0, Code{wasm.OpRefFunc, 0, wasm.OpDrop})) },
			"function 0: byte 26: a reference to function 0, which nothing declares"},
		{"export of a name", func(m *Module) { m.Export("sluice:budget", KindFunc, m.Func(Signature{}, 0)) },
			`it exports "sluice:budget": names that begin with "sluice:" are the host's`},
		{"import of a name", func(m *Module) { m.Import("sluice:host", "tick", Signature{}) },
			`it imports "sluice:host"."tick": names that begin with "sluice:" are the host's`},
		{"export of nothing", func(m *Module) { m.Export("x", KindFunc, 0) }, `the export "x" is function 0 of 0`},
		{"memory upside down", func(m *Module) { m.Memory(Between(2, 1)) }, "the memory has from 2 up to 1 pages"},
		{"table upside down", func(m *Module) { m.Table(Between(2, 1)) }, "table 0 has from 2 up to 1 entries"},
		{"large memory", func(m *Module) { m.Memory(AtLeast(1025)) },
			"bytes that the memory begins with: 67174400, more than the limit of 67108864"},
		{"large table", func(m *Module) { m.Table(AtLeast(1<<17 + 1)) }, "entries of table 0: 131073, more than the limit of 131072"},
		{"deep blocks", func(m *Module) {
			m.Func(Signature{}, 0, bytes.Repeat([]byte{wasm.OpBlock, 0x40}, rewrite.DefaultMaxNesting+1))
		}, fmt.Sprintf("function 0: byte 4025: blocks in one another: %d, more than the limit of %d",
			rewrite.DefaultMaxNesting+1, rewrite.DefaultMaxNesting)},
		{"no end", func(m *Module) { m.Func(Signature{}, 0, Code{wasm.OpBlock, 0x40}) }, "function 0: byte 26: the end is missing"},
		{"code behind the end", func(m *Module) { m.Func(Signature{}, 0, Code{wasm.OpEnd}) },
			"function 0: byte 24: code after the end"},
		{"tail call", func(m *Module) { m.Func(Signature{}, 0, Code{0x12, 0}) },
			"function 0: byte 23: instruction 0x12 is not supported"},
		{"long vector opcode", func(m *Module) { m.Func(Signature{}, 0, Code{0xfd, 0x8c, 0}) },
			"function 0: byte 23: vector instruction 0x8c is not supported, or not encoded in the shortest way"},
		{"memory.size without a memory", func(m *Module) { m.Func(Signature{}, 0, Code{wasm.OpMemorySize, 0, wasm.OpDrop}) },
			"function 0: byte 23: there is no memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m Module
			test.build(&m)
			_, err := rewrite.Rewrite(m.Encode(), rewrite.Options{})
			if err == nil || err.Error() != test.want {
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
	var limit *rewrite.LimitError
	var m Module
	m.Memory(AtLeast(1025))
	if _, err := rewrite.Rewrite(m.Encode(), rewrite.Options{}); !errors.As(err, &limit) || limit.Limit != 64<<20 {
		t.Error(err)
	}
}
