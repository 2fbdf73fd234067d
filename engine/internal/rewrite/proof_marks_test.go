package rewrite_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// FuzzMarks generates functions that write in all ways to wherever they like, and looks whether every block that has changed is
// marked. Most of their addresses lie in locals and globals that are set in branches and loops: what is known of these decides
// where there are no marks.
func FuzzMarks(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(programInput(seed))
	}
	l := newLaboratory(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		l.TB = t
		if _, err := l.marks(input, rewriteProgram); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMarks does what [FuzzMarks] does with some hundred functions.
func TestMarks(t *testing.T) {
	l := newLaboratory(t)
	const most = 400
	changed := 0
	for seed := range uint64(most) {
		one, err := l.marks(programInput(*proofSeed+seed), rewriteProgram)
		if err != nil {
			t.Fatalf("-proofseed %d: %v", *proofSeed+seed, err)
		}
		changed += one
	}
	t.Logf("%d blocks were changed", changed)
	if changed < 10*most {
		t.Errorf("only %d blocks were changed: that proves little", changed)
	}
}

// marks runs generated functions, and counts the blocks that they have changed.
func (l *laboratory) marks(input []byte, rewriter rewriter) (changed int, err error) {
	w := writer{choices: input}
	p := l.subject(&Program{Wasm: w.module(), Memory: true})
	defer p.close()
	rewritten, err := rewriter(p.Wasm)
	if err != nil {
		return 0, fmt.Errorf("refused: %w", err)
	}
	compiled := p.compile(rewritten.Wasm)
	defer compiled.Close(p.ctx)
	r, err := p.start(rewritten, compiled)
	if err != nil {
		return 0, err
	}
	defer r.end()
	p.meter.slice, p.meter.limit = writerFuel, writerFuel
	defer func() { p.meter.slice, p.meter.limit = math.MaxInt32, 0 }()
	for call := range 4 {
		r.global(rewrite.MarksExport).Set(0)
		before := r.take()
		args := make([]uint64, writerParams)
		for i := range args {
			args[i] = api.EncodeU32(w.address())
		}
		o := r.invoke(Invocation{Function: Function{Name: "run"}, Args: args})
		after, _ := r.module.Memory().Read(0, r.module.Memory().Size())
		marks := rewrite.Marks(r.global(rewrite.MarksExport).Get())
		size := r.blocks()
		for at := 0; at < len(after); at += size {
			block, was := after[at:][:size], before.memory[at:][:size]
			if bytes.Equal(block, was) {
				continue
			}
			changed++
			if known := marked(marks, size, at/size); !bytes.Equal(block[known:], was[known:]) {
				return changed, fmt.Errorf("call %d%#x, which came to %v, has changed the block at %#x, and marked %#x",
					call, args, o, at, marks)
			}
		}
		clear(after) // so that what is written changes something again
	}
	return changed, nil
}

// writer makes modules out of bytes, as random does, whose functions write. Their first locals hold addresses.
type writer struct {
	choices []byte
	code    Code
	labels  int
	loops   int // how many loops there are, each with a counter
	callee  int // a function to call, or -1
}

const (
	writerFuel   = 20_000
	writerPages  = 8
	writerParams = 3
	writerNarrow = 4 // locals of type i32, parameters included; then follow those of type i64
	writerWide   = 1
	writerLoops  = 4
	writerSize   = 1500 // of a function's code, in bytes
)

// module exports run: (i32, i32, i32) -> (), which calls another function of the same type.
func (w *writer) module() []byte {
	var m Module
	m.Memory(AtLeast(writerPages))
	m.Global(int32(w.address()))
	m.Global(int32(w.address()))
	m.PassiveData(bytes.Repeat([]byte{0xd5}, 6000))
	m.CountData()
	s := Signature{Params: []ValueType{I32, I32, I32}}
	for callee := range uint32(2) {
		w.code, w.labels, w.loops, w.callee = nil, 1, 0, int(callee)-1
		w.statements(0)
		locals := Code{3, writerNarrow - writerParams, I32, writerWide, I64, writerLoops, I32}
		f := m.RawFunc(s, Seq(locals, w.code, Code{end}))
		if callee > 0 {
			m.Export("run", KindFunc, f)
		}
	}
	return m.Encode()
}

func (w *writer) more() bool { return len(w.choices) > 0 }

func (w *writer) choose(n int) int {
	if !w.more() {
		return 0
	}
	c := int(w.choices[0]) % n
	w.choices = w.choices[1:]
	return c
}

func (w *writer) emit(code ...Code) { w.code = append(w.code, Seq(code...)...) }

// address is mostly one near the end of a block.
func (w *writer) address() uint32 {
	block := 1 + uint32(w.choose(writerPages*16-20))
	return block<<12 - uint32(w.choose(40)) + 1024*uint32(w.choose(4))
}

func (w *writer) offset() uint32 {
	if w.choose(100) == 1 {
		return 1<<32 - 2000
	}
	return []uint32{0, 0, 0, 4, 16, 700, 1020, 1023, 1024, 4090, 70_000}[w.choose(11)]
}

func (w *writer) narrow() uint32 { return uint32(w.choose(writerNarrow)) }
func (w *writer) wide() uint32   { return writerNarrow + uint32(w.choose(writerWide)) }

// statements leave nothing on the stack.
func (w *writer) statements(depth int) {
	for w.more() && len(w.code) < writerSize && w.choose(9) != 1 {
		w.statement(depth)
	}
}

func (w *writer) statement(depth int) {
	switch c := w.choose(20); {
	case c < 8 || depth > 4:
		w.store(depth)
	case c < 10:
		w.value(depth)
		w.emit(index(localSet, w.narrow()))
	case c == 10:
		w.value(depth)
		w.emit(Code{extend}, index(localSet, w.wide()))
	case c == 11:
		w.value(depth)
		w.emit(index(globalSet, uint32(w.choose(2))))
	case c == 12:
		w.bulk(depth)
	case c >= 13 && c < 15 && w.callee >= 0:
		// The global may be another afterwards.
		store := Store(GetGlobal(uint32(w.choose(2))), 0, Const(-1))
		w.emit(store, Call(uint32(w.callee), Get(w.narrow()), Get(w.narrow()), Get(w.narrow())), store)
	case c == 14:
		w.nested(depth, Code{blockOp, none}, func() {})
	case c == 15:
		w.loop(depth)
	case c == 16:
		w.condition()
		w.nested(depth, Code{ifThen, none}, func() {
			if w.choose(2) == 1 {
				w.emit(Code{orElse})
				w.statements(depth + 1)
			}
		})
	case c == 17:
		// Code that is not reached follows, up to the end of the block.
		w.nested(depth, Code{blockOp, none}, func() {
			w.emit([]Code{op(br, byte(w.choose(w.labels))), Unreachable(), Return()}[w.choose(3)])
			w.statements(depth + 1)
			if w.choose(2) == 1 { // takes what is not there
				w.emit(Code{blockOp, none}, Get(0), op(brIf, 0), Code{end}, Code{0x36, 0, 0})
			}
		})
	default:
		w.condition()
		w.emit(op(brIf, byte(w.choose(w.labels))))
	}
}

// nested is a block, in which do comes last.
func (w *writer) nested(depth int, begin Code, do func()) {
	w.emit(begin)
	w.labels++
	w.statements(depth + 1)
	do()
	w.labels--
	w.emit(Code{end})
}

// loop runs a few times, unless a branch has it run for ever.
func (w *writer) loop(depth int) {
	if w.loops == writerLoops {
		return
	}
	counter := uint32(writerNarrow + writerWide + w.loops)
	w.loops++
	w.emit(Set(counter, Const(int32(w.choose(8)))))
	walks := w.narrow() // an address that moves
	w.emit(Store(Get(walks), 0, Const(-1)))
	w.nested(depth, Code{loopOp, none}, func() {
		w.emit(Store(Get(walks), 0, Const(-1)), Set(walks, Add(Get(walks), Const(int32(w.offset())))))
		w.emit(Set(counter, Add(Get(counter), Const(-1))), Get(counter), Const(0), Code{greater}, op(brIf, 0))
	})
}

// condition depends on an address.
func (w *writer) condition() { w.emit(Get(w.narrow()), Const(int32(1)<<w.choose(14)), Code{and}) }

// value leaves an address on the stack.
func (w *writer) value(depth int) {
	switch w.choose(16) {
	case 0, 1, 2, 3:
		w.emit(Get(w.narrow()))
	case 4:
		w.emit(Const(int32(w.address())))
	case 5:
		w.emit(Add(Get(w.narrow()), Const(int32(w.offset()))))
	case 6, 11:
		w.emit(GetGlobal(uint32(w.choose(2))))
	case 7:
		w.emit(Get(w.wide()), Code{wrap})
	case 8:
		w.emit(Get(w.narrow()), index(localTee, w.narrow()))
	case 9:
		w.emit(Const(int32(w.address())), index(localTee, w.narrow()))
	case 10: // a value that waits while the local it came from is set, or another global
		w.emit(Get(w.narrow()))
		if depth < 5 {
			w.statement(5)
			w.emit(Const(int32(w.address())), []Code{index(localSet, w.narrow()), index(globalSet, 1)}[w.choose(2)])
		}
	case 14: // a vector waits below
		w.emit(Code{i64Const, 1, 0xfd, 0x12}, Code{blockOp, I32})
		w.labels++
		w.statement(5)
		w.labels--
		w.emit(Get(w.narrow()), Code{end}, index(localSet, w.narrow()), Code{drop}, Get(w.narrow()))
	case 15: // a value that waits while code which never runs takes what is not there
		w.emit(Get(w.narrow()), Code{blockOp, none}, op(br, 0), index(localTee, w.narrow()), op(br, 0), Code{end})
	default: // one of two values
		w.emit(Code{blockOp, I32}, Get(w.narrow()), Get(w.narrow()), op(brIf, 0), Code{drop}, Get(w.narrow()), Code{end})
	}
}

// store writes bytes that are not zero.
func (w *writer) store(depth int) {
	w.value(depth)
	if w.choose(5) == 0 { // the local of the address may change after it was read
		w.value(depth)
		w.emit(index(localSet, w.narrow()))
	}
	offset := U32(w.offset())
	lane := byte(w.choose(2))
	vector := Seq(Code{i64Const, 0x55, 0xfd, 0x12})
	stores := []Code{
		Seq(Const(-1), Code{0x36, 0}, offset), Seq(Code{i64Const, 0x55, 0x37, 0}, offset),
		Seq(Const(-1), Code{0xb2, 0x38, 0}, offset), Seq(Const(-1), Code{0xb7, 0x39, 0}, offset),
		Seq(Const(-1), Code{0x3a, 0}, offset), Seq(Const(-1), Code{0x3b, 0}, offset),
		Seq(Code{i64Const, 0x55, 0x3c, 0}, offset), Seq(Code{i64Const, 0x55, 0x3d, 0}, offset),
		Seq(Code{i64Const, 0x55, 0x3e, 0}, offset), Seq(vector, Code{0xfd, 0x0b, 0}, offset),
		Seq(vector, Code{0xfd, 0x58, 0}, offset, Code{lane}), Seq(vector, Code{0xfd, 0x59, 0}, offset, Code{lane}),
		Seq(vector, Code{0xfd, 0x5a, 0}, offset, Code{lane}), Seq(vector, Code{0xfd, 0x5b, 0}, offset, Code{lane}),
	}
	w.emit(stores[w.choose(len(stores))])
}

// bulk fills or copies.
func (w *writer) bulk(depth int) {
	size := Const([]int32{0, 1, 100, 256, 257, 1000, 5000}[w.choose(7)])
	if w.choose(2) == 0 {
		size = Seq(size, Const(0), Code{or}) // not known to be a constant
	}
	if w.choose(20) == 1 {
		size = Const(70_000)
	}
	w.value(depth)
	switch w.choose(3) {
	case 0:
		w.emit(Const(0x77), size, Code{0xfc, 11, 0})
	case 1:
		w.value(depth)
		w.emit(size, Code{0xfc, 10, 0, 0})
	default:
		w.emit(Const(5), size, Code{0xfc, 8, 0, 0}) // traps when the segment is shorter
	}
}

func index(op byte, v uint32) Code { return append(Code{op}, U32(v)...) }

const (
	localSet, localTee, globalSet = 0x21, 0x22, 0x24
	i64Const, extend, wrap        = 0x42, 0xad, 0xa7
	greater, and, or, blockOp     = 0x4a, 0x71, 0x72, 0x02
)
