package rewrite_test

import (
	"bytes"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// random makes modules out of bytes: each byte decides something, and when there are no more the code ends. The functions
// take a number and return one; "run" calls the last. Their control flow is as wild as can be, and mostly ends.
type random struct {
	choices   []byte
	functions uint32 // how many there are already
	code      Code
	labels    []label
	size      int
}

// label is what a branch can go to.
type label struct {
	loop   bool
	result bool
}

const (
	randomLocals   = 6 // the parameter is the first
	randomTypes    = 2 // 0: () -> (), 1: (i32) -> i32
	mostFunctions  = 6
	randomCodeSize = 2000
)

// module makes a module.
func (r *random) module() []byte {
	var m Module
	m.Memory(Between(1, 2))
	m.Table(AtLeast(mostFunctions))
	i32 := []ValueType{I32}
	var all []uint32
	for r.functions = 0; r.functions == 0 || r.functions < mostFunctions && r.more(); r.functions++ {
		r.code, r.labels, r.size = nil, []label{{result: true}}, 0
		r.statements(0)
		r.expression(0)
		all = append(all, m.Func(Signature{Params: i32, Results: i32}, randomLocals-1, r.code))
	}
	m.Elements(0, all...)
	// Many calls, so that what is charged once, or not, hardly counts.
	const times = 40
	last := Call(r.functions-1, Add(Get(0), Get(1)))
	main := m.Func(Signature{Params: i32, Results: i32}, 2,
		Set(2, Const(times)),
		While(Get(2), Set(2, Add(Get(2), Const(-1))), Set(1, Add(Get(1), last))),
		Get(1))
	m.Export("run", KindFunc, main)
	return m.Encode()
}

func (r *random) more() bool { return len(r.choices) > 0 }

func (r *random) choose(n int) int {
	if !r.more() {
		return 0
	}
	c := int(r.choices[0]) % n
	r.choices = r.choices[1:]
	return c
}

func (r *random) emit(bytes ...byte) { r.code = append(r.code, bytes...) }

func (r *random) index(op byte, v int) { r.code = append(append(r.code, op), U32(uint32(v))...) }

// statements leave nothing on the stack.
func (r *random) statements(depth int) {
	for r.more() && len(r.code) < randomCodeSize && r.choose(7) != 1 {
		r.statement(depth)
	}
}

func (r *random) statement(depth int) {
	switch c := r.choose(12); {
	case c < 3 || depth > 6:
		r.expression(depth)
		r.index(wasm.OpLocalSet, r.choose(randomLocals))
	case c == 3:
		r.nested(depth, wasm.OpBlock, false)
	case c == 4 || c == 5:
		r.loop(depth)
	case c == 6 || c == 7:
		r.expression(depth)
		r.branches(depth, false)
	case c == 8:
		target := r.choose(len(r.labels))
		if r.labels[len(r.labels)-1-target].result {
			r.expression(depth)
			r.expression(depth)
			r.index(wasm.OpBrIf, target)
			r.emit(wasm.OpDrop)
		} else {
			r.expression(depth)
			r.index(wasm.OpBrIf, target)
		}
	case c == 9:
		// Code that is not reached follows, up to the end of the block.
		r.nested(depth, wasm.OpBlock, false, func() { r.leave(depth) })
	case c == 10:
		r.table(depth)
	default:
		r.expression(depth)
		r.emit(wasm.OpDrop)
	}
}

// nested is a block, in which do comes last.
func (r *random) nested(depth int, op byte, result bool, do ...func()) {
	t := byte(0x40)
	if result {
		t = I32
	}
	r.emit(op, t)
	r.labels = append(r.labels, label{loop: op == wasm.OpLoop, result: result && op != wasm.OpLoop})
	r.statements(depth + 1)
	if result {
		r.expression(depth + 1)
	}
	for _, f := range do {
		f()
	}
	r.labels = r.labels[:len(r.labels)-1]
	r.emit(wasm.OpEnd)
}

// loop runs a few times: it counts down the last local, which others may set.
func (r *random) loop(depth int) {
	const counter = randomLocals - 1
	r.emit(wasm.OpI32Const, byte(r.choose(20)))
	r.index(wasm.OpLocalSet, counter)
	r.nested(depth, wasm.OpLoop, false, func() {
		r.index(wasm.OpLocalGet, counter)
		r.emit(wasm.OpI32Const, 1, wasm.OpI32Sub)
		r.index(wasm.OpLocalTee, counter)
		r.emit(wasm.OpI32Const, 0, 0x4a) // i32.gt_s
		if r.choose(3) == 0 {
			r.emit(wasm.OpIf, 0x40)
			r.index(wasm.OpBr, 1)
			r.emit(wasm.OpEnd)
		} else {
			r.index(wasm.OpBrIf, 0)
		}
	})
}

// branches is an if, whose condition is on the stack.
func (r *random) branches(depth int, result bool) {
	t := byte(0x40)
	if result {
		t = I32
	}
	arm := func() {
		r.statements(depth + 1)
		if result {
			r.expression(depth + 1)
		}
	}
	r.emit(wasm.OpIf, t)
	r.labels = append(r.labels, label{result: result})
	arm()
	if result || r.choose(2) == 0 {
		r.emit(wasm.OpElse)
		arm()
	}
	r.labels = r.labels[:len(r.labels)-1]
	r.emit(wasm.OpEnd)
}

// leave goes elsewhere for good.
func (r *random) leave(depth int) {
	if r.choose(3) == 0 {
		r.expression(depth)
		r.emit(wasm.OpReturn)
		return
	}
	target := r.choose(len(r.labels))
	if r.labels[len(r.labels)-1-target].result {
		r.expression(depth)
	}
	r.index(wasm.OpBr, target)
}

// table is a br_table in blocks of its own, whose labels may be farther out too.
func (r *random) table(depth int) {
	n := 1 + r.choose(5)
	for range n {
		r.emit(wasm.OpBlock, 0x40)
		r.labels = append(r.labels, label{})
	}
	r.expression(depth)
	var targets []byte
	count := 1 + r.choose(6)
	for range count + 1 {
		target := r.choose(len(r.labels))
		if r.labels[len(r.labels)-1-target].result {
			target = 0
		}
		targets = append(targets, byte(target))
	}
	r.emit(wasm.OpBrTable, byte(count))
	r.emit(targets...)
	for range n {
		r.labels = r.labels[:len(r.labels)-1]
		r.emit(wasm.OpEnd)
		r.statements(depth + 1)
	}
}

// expression leaves a number on the stack.
func (r *random) expression(depth int) {
	if depth > 8 || !r.more() {
		r.index(wasm.OpLocalGet, 0)
		return
	}
	switch r.choose(12) {
	case 0, 1, 2:
		r.index(wasm.OpLocalGet, r.choose(randomLocals))
	case 3, 4:
		r.emit(wasm.OpI32Const, byte(r.choose(64)))
	case 5, 6:
		r.expression(depth + 1)
		r.expression(depth + 1)
		r.emit([]byte{
			wasm.OpI32Add, wasm.OpI32Sub, wasm.OpI32And, wasm.OpI32LtS, wasm.OpI32Or, wasm.OpI32Shl, wasm.OpI32GtU, wasm.OpI32DivS,
		}[r.choose(30)%8])
	case 7:
		r.call(depth)
	case 8:
		r.expression(depth + 1)
		r.branches(depth+1, true)
	case 9:
		r.nested(depth+1, wasm.OpBlock, true)
	case 10:
		r.expression(depth + 1)
		r.emit(wasm.OpI32Const, 63, wasm.OpI32And, wasm.OpI32Load, 2, 0)
	default:
		r.bulk(depth)
	}
}

// call calls a function, mostly one that was made before, or one through the table.
func (r *random) call(depth int) {
	r.expression(depth + 1)
	switch c := r.choose(60); {
	case c == 1 || c == 2:
		r.emit(wasm.OpI32Const, byte(r.choose(int(r.functions)+1)), wasm.OpCallIndirect, 0, 0)
	case c == 3:
		r.index(wasm.OpCall, int(r.functions)) // itself
	case r.functions == 0:
	default:
		r.index(wasm.OpCall, r.choose(int(r.functions)))
	}
}

// bulk fills or copies a few bytes of memory, or asks for its size, or grows it.
func (r *random) bulk(depth int) {
	switch r.choose(4) {
	case 0:
		r.emit(wasm.OpMemorySize, 0)
		return
	case 1:
		r.emit(wasm.OpI32Const, byte(r.choose(3)), wasm.OpMemoryGrow, 0)
		return
	}
	for range 3 {
		r.expression(depth + 1)
		r.emit(wasm.OpI32Const)
		r.code = append(r.code, bytes.Clone(wasm.AppendSigned(nil, 0x3ff))...)
		r.emit(wasm.OpI32And)
	}
	if r.choose(2) == 0 {
		r.emit(wasm.OpPrefixMisc, 11, 0)
	} else {
		r.emit(wasm.OpPrefixMisc, 10, 0, 0)
	}
	r.emit(wasm.OpI32Const, 7)
}
