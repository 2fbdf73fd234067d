package rewrite_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// shapes are the ways to run for long that the language has, each as f0 of a module: () -> ().
var shapes = []struct {
	name string
	make func(*Module)
}{
	{"br", code(loop(op(br, 0)))},
	{"br_if", code(loop(Const(1), op(brIf, 0)))},
	{"br_table, its default", code(loop(Const(5), op(brTable, 1, 1, 0)))},
	{"br_table, an entry", code(loop(Const(0), op(brTable, 1, 0, 1)))},
	{"br_table, an entry for an outer loop", code(loop(loop(Const(0), op(brTable, 2, 1, 2, 2))))},
	{"from a block", code(loop(block(op(br, 1))))},
	{"from a block, and past the rest", code(loop(block(Const(1), op(brIf, 1), work(100))))},
	{"from one arm", code(loop(Const(1), op(ifThen, none), op(br, 1), op(orElse), op(end)))},
	{"from the other arm", code(loop(Const(0), op(ifThen, none), op(orElse), op(br, 1), op(end)))},
	{"from far inside", code(loop(block(block(block(block(Const(1), op(brIf, 4)))))))},
	{"around a loop that runs once", code(loop(loop(Const(0), op(brIf, 0)), op(br, 0)))},
	{"around a loop that never runs", code(loop(block(Const(1), op(brIf, 0), loop(op(br, 0))), op(br, 0)))},
	{"alternating", code(loop(loop(Set(0, Eqz(Get(0))), Get(0), op(brIf, 0), op(br, 1))))},
	{"with a parameter", func(m *Module) {
		t := byte(m.Type(Signature{Params: []ValueType{I32}}))
		m.Export("f0", KindFunc, m.Func(Signature{}, 1, Const(0), Code{loopOp, t}, op(brIf, 1), Const(0), op(br, 0), op(end)))
	}},
	{"with much work", code(loop(work(1000), op(br, 0)))},
	{"with much work that is skipped", code(loop(block(Const(1), op(brIf, 0), work(1000)), op(br, 0)))},
	{"with much work in the arm that is seldom taken", code(loop(Const(0), op(ifThen, none), work(1000), op(end), op(br, 0)))},
	{"code without a jump", func(m *Module) {
		f := m.Func(Signature{}, 1, work(5000))
		m.Export("f0", KindFunc, m.Func(Signature{}, 1, loop(Call(f), op(br, 0))))
	}},
	{"a call in a loop", func(m *Module) {
		f := m.Func(Signature{}, 0)
		m.Export("f0", KindFunc, m.Func(Signature{}, 0, loop(Call(f), op(br, 0))))
	}},
	{"recursion", func(m *Module) {
		m.Export("f0", KindFunc, m.Func(Signature{}, 0, Call(0)))
	}},
	{"recursion of two", func(m *Module) {
		m.Export("f0", KindFunc, m.Func(Signature{}, 0, Call(1)))
		m.Func(Signature{}, 0, Call(0))
	}},
	{"recursion through a table", func(m *Module) {
		m.Export("f0", KindFunc, m.Func(Signature{}, 0, Const(0), Code{callIndirect, 0, 0}))
		m.Table(AtLeast(1))
		m.Elements(0, 0)
	}},
	{"recursion that branches", func(m *Module) { // as deep as 40 calls
		countdown := Seq(Get(0), op(ifThen, none), Call(0, Add(Get(0), Const(-1))), Call(0, Add(Get(0), Const(-1))), op(end))
		f := m.Func(Signature{Params: []ValueType{I32}}, 0, countdown)
		m.Export("f0", KindFunc, m.Func(Signature{}, 0, Call(f, Const(40))))
	}},
	{"neither loops nor recursion", doubling(func(f uint32) Code { return Call(f) })},
	{"neither loops nor recursion, through a table", doubling(func(f uint32) Code {
		return Seq(Const(int32(f)), Code{callIndirect, 0, 0})
	})},
	{"memory.fill", code(loop(Const(0), Const(0), Const(8<<16), op(misc, 11, 0), op(br, 0)))},
	{"memory.fill of little", code(loop(Const(0), Const(0), Const(200), op(misc, 11, 0), op(br, 0)))},
	{"memory.fill of what is not known to be little", code(loop(Const(0), Const(0), Get(0), op(misc, 11, 0), op(br, 0)))},
	{"memory.copy", code(loop(Const(8), Const(0), Const(7<<16), op(misc, 10, 0, 0), op(br, 0)))},
	{"memory.copy to below", code(loop(Const(0), Const(8), Const(7<<16), op(misc, 10, 0, 0), op(br, 0)))},
	{"memory.init", code(loop(Const(0), Const(0), Const(100_000), op(misc, 8, 0, 0), op(br, 0)))},
	{"memory.grow that fails", code(loop(Drop(MemoryGrow(Const(-1))), op(br, 0)))},
	{"memory.grow by nothing", code(loop(Drop(MemoryGrow(Const(0))), op(br, 0)))},
	{"table.fill", code(loop(Const(0), op(refNull, FuncRef), Const(10_000), op(misc, 17, 0), op(br, 0)))},
	{"table.copy", code(loop(Const(0), Const(1), Const(9999), op(misc, 14, 0, 0), op(br, 0)))},
	{"table.init", code(loop(Const(0), Const(0), Const(1), op(misc, 12, 0, 0), op(br, 0)))},
	{"table.grow that fails", code(loop(op(refNull, FuncRef), Const(-1), op(misc, 15, 0), op(drop), op(br, 0)))},
	{"segments dropped", code(loop(op(misc, 9, 0), op(misc, 13, 0), op(br, 0)))},
}

// The instructions that the shapes are made of.
const (
	loopOp, ifThen, orElse, end, br, brIf, brTable = 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e
	callIndirect, drop, refNull, misc              = 0x11, 0x1a, 0xd0, 0xfc
	none                                           = 0x40 // the type of a block without results
)

func op(bytes ...byte) Code { return bytes }

func loop(body ...Code) Code { return Seq(op(loopOp, none), Seq(body...), op(end)) }

func block(body ...Code) Code { return Seq(op(0x02, none), Seq(body...), op(end)) }

// work takes a while and does nothing.
func work(instructions int) Code {
	return slices.Repeat(Set(0, Add(Get(0), Const(1))), instructions/4)
}

// code is a module whose f0 has this code, with one local, a memory, a table and segments.
func code(body Code) func(*Module) {
	return func(m *Module) {
		m.Export("f0", KindFunc, m.Func(Signature{}, 1, body))
		m.Memory(Between(programPages, programPages))
		m.Table(Between(10_000, 10_000))
		m.RawElements([]byte{1, 0, 1, 0})
		m.PassiveData(make([]byte, 100_000))
		m.CountData()
	}
}

// doubling is a module of functions of which each calls the one before it twice: 2^31 calls.
func doubling(call func(uint32) Code) func(*Module) {
	return func(m *Module) {
		const functions = 32
		f := m.Func(Signature{}, 0)
		m.Table(AtLeast(functions))
		all := []uint32{f}
		for len(all) < functions {
			f = m.Func(Signature{}, 0, call(f), call(f))
			all = append(all, f)
		}
		m.Elements(0, all...)
		m.Export("f0", KindFunc, f)
	}
}

// TestShapes runs each of them until the meter ends it, with a count of what really ran. Then it does the same with nothing
// paid, to see that this is found out.
func TestShapes(t *testing.T) {
	l := newLaboratory(t)
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			l.TB = t
			m := &Module{}
			shape.make(m)
			p := &Program{Wasm: m.Encode()}
			for _, slice := range []int32{1, 1000, 100_000} {
				if err := l.stopped(p, rewriteProgram, slice); err != nil {
					t.Errorf("slices of %d: %v", slice, err)
				}
			}
			if err := l.stopped(p, after(unpayAll), 1000); err == nil {
				t.Error("it pays nothing, and nobody found out")
			}
		})
	}
}

// shapeFuel is how much fuel a shape may use before it is ended.
const shapeFuel = 1_000_000

// stopped runs f0 until the meter ends it.
func (l *laboratory) stopped(generated *Program, rewriter rewriter, slice int32) error {
	p := l.subject(generated)
	defer p.close()
	rewritten, err := rewriter(p.Wasm)
	if err != nil {
		return err
	}
	counted := *rewritten
	if counted.Wasm, err = Counted(rewritten.Wasm, 20*shapeFuel); err != nil {
		return err
	}
	compiled := p.compile(counted.Wasm)
	defer compiled.Close(p.ctx)
	r, err := p.start(&counted, compiled)
	if err != nil {
		return err
	}
	defer r.end()
	var done paid
	w := watch{run: r, paid: &done}
	p.meter.slice, p.meter.limit, p.meter.onTick = slice, shapeFuel, w.tick
	defer func() { p.meter.limit, p.meter.onTick = 0, nil }()
	o := r.invoke(Invocation{Function: Function{Name: "f0"}})
	switch {
	case o.trap != errNoFuel.Error() && o.trap != errNoStack.Error():
		return fmt.Errorf("ended with %v after %d instructions and %d fuel", o, r.count(), p.meter.used)
	case w.free != nil:
		return w.free
	}
	return nil
}
