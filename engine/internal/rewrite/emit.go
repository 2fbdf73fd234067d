package rewrite

import (
	"math/bits"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// emitter writes the code section.
type emitter struct {
	*rewriter
	out []byte // the section's content up to now
	// body is the function that is being written; it is copied when its size is known.
	body code
}

// bodies writes all functions: the module's, and those that are appended.
func (e *emitter) bodies(appended []appended) []byte {
	size := 0
	for _, body := range e.Bodies {
		size += body.Len()
	}
	e.out = make([]byte, 0, size*3/2+4096)
	e.out = wasm.AppendU32(e.out, uint32(len(e.functions)+len(appended)))
	for i := range e.functions {
		e.function(i)
		e.flush()
	}
	for _, a := range appended {
		e.body = append(append(e.body[:0], a.locals...), a.code...)
		e.flush()
	}
	return e.out
}

func (e *emitter) flush() {
	e.out = append(wasm.AppendU32(e.out, uint32(len(e.body))), e.body...)
}

// function writes one function of the module:
//
//	entry: budget -= cost and frame
//	block: the code, whose returns leave the block
//	end:   budget += frame
func (e *emitter) function(i int) {
	f := &e.functions[i]
	e.body = e.locals(e.body[:0], f)
	if f.pays {
		e.enter(f)
	}
	if f.counts {
		e.body.block(e.results(e.Types[e.Functions[e.ImportedFunctions+i]].Results))
	}
	at := f.code.Start
	marks := e.marks[f.firstMark:f.lastMark]
	for j := f.first; j < f.last; j++ {
		ev := &e.events[j]
		marks = e.plain(f, at, int(ev.at), marks)
		e.pay(ev.before)
		e.event(f, ev)
		e.pay(ev.after)
		at = int(ev.end)
	}
	if f.counts {
		e.body.end()
		e.body.global(e.budget()).const64(int64(f.stack)).op(wasm.OpI64Add).set(e.budget())
	}
	e.body.end()
}

// plain copies what lies between two events, with its marks. It returns those that come later.
func (e *emitter) plain(f *function, at, end int, marks []mark) []mark {
	for ; len(marks) > 0 && int(marks[0].at) <= end; marks = marks[1:] {
		e.body = append(e.body, e.Wasm[at:marks[0].at]...)
		e.mark(f, &marks[0])
		at = int(marks[0].at)
	}
	e.body = append(e.body, e.Wasm[at:end]...)
	return marks
}

// locals writes the declaration of the locals, with those that are needed beside them.
func (e *emitter) locals(out code, f *function) code {
	r := wasm.NewReader(e.Wasm, f.locals)
	out = wasm.AppendU32(out, r.U32()+uint32(bits.OnesCount8(uint8(f.scratch))))
	out = append(out, r.Rest().Of(e.Wasm)...)
	for i, t := range scratchTypes {
		if f.scratch>>i&1 != 0 {
			out = append(out, 1, t)
		}
	}
	return out
}

// mark has the code mark a block.
func (e *emitter) mark(f *function, m *mark) {
	c, to := &e.body, e.marker(&e.body)
	switch m.where {
	case inLocal:
		to.address(func() { c.get(m.arg) }, m.add)
	case inWideLocal:
		to.wide(m.arg, m.add)
	case inGlobal:
		to.address(func() { c.global(m.arg) }, m.add)
	case inOperand:
		for i := len(m.values) - 1; i >= 0; i-- {
			c.put(f.extra(scratchOf(m.values, i)))
		}
		address := f.extra(scratchAddress)
		c.tee(address)
		to.address(func() { c.get(address) }, m.add)
		for i := range m.values {
			c.get(f.extra(scratchOf(m.values, i)))
		}
	case constant:
		to.constant(m.arg)
	}
}

// enter charges for the first stretch of a function, and for its frame.
func (e *emitter) enter(f *function) {
	if !f.counts {
		e.pay(f.entry)
		return
	}
	b := e.budget()
	e.module.Charges++
	e.body.global(b).const64(int64(f.entry)<<32 + int64(f.stack)).op(wasm.OpI64Sub).set(b)
	e.body.global(b).const64(bothSigns).op(wasm.OpI64And).op(wasm.OpI64Eqz)
	e.body.when().op(wasm.OpElse).call(e.tick()).end()
}

// bothSigns are the bits of a budget that say that a half is negative.
const bothSigns = -1<<63 | 1<<31

// pay charges for code that follows.
func (e *emitter) pay(cost uint32) {
	if cost > 0 {
		e.module.Charges++
		e.body.charge(e.budget(), e.tick(), int64(cost))
	}
}

func (e *emitter) event(f *function, ev *event) {
	switch ev.kind {
	case kindPlace, kindFinish:
	case kindReturn:
		e.leave(f, ev)
	case kindBack, kindBackIf:
		e.back(ev)
	case kindCall:
		e.body.call(e.shifted(ev.arg))
	case kindRefFunc:
		e.body = wasm.AppendU32(append(e.body, wasm.OpRefFunc), e.shifted(ev.arg))
	case kindHelper:
		e.body.call(e.helper(ev.arg))
	case kindPages:
		e.body.global(e.pages())
	case kindDirty:
		e.copy(ev)
		e.body.const32(1).set(e.dirty())
	case kindBulk:
		e.bulk(f, ev)
	default:
		e.copy(ev)
	}
}

func (e *emitter) copy(ev *event) { e.body = append(e.body, e.Wasm[ev.at:ev.end]...) }

// leave is for return, which leaves the block around the code where there is one, and for unreachable.
func (e *emitter) leave(f *function, ev *event) {
	if e.Wasm[ev.at] == wasm.OpReturn && f.counts {
		e.body = wasm.AppendU32(append(e.body, wasm.OpBr), ev.arg)
		return
	}
	e.copy(ev)
}

// back is for a branch back to a loop. The host is called on a way of its own, which comes together with the other at the
// loop's head, where ways come together anyway: elsewhere the compiler would forget what it has in registers.
func (e *emitter) back(ev *event) {
	if ev.back == 0 {
		e.copy(ev)
		return
	}
	depth := wasm.NewCode(e.Wasm, wasm.Span{Start: int(ev.at) + 1, End: int(ev.end)}).Index()
	conditional := ev.kind == kindBackIf
	if conditional {
		e.body.when()
		depth++
	}
	e.module.Charges++
	e.body.spend(e.budget(), int64(ev.back)).global(e.budget()).const64(0).op(wasm.OpI64GeS).branchIf(depth)
	e.body.call(e.tick()).branch(depth)
	if conditional {
		e.body.end()
	}
}

// bulk runs memory.copy or memory.fill where its length is small, and calls a helper otherwise.
func (e *emitter) bulk(f *function, ev *event) {
	count := f.extra(scratchCount)
	e.body.tee(count).get(count).const32(smallBulk).op(wasm.OpI32GtU)
	e.body = wasm.AppendSigned(append(e.body, wasm.OpIf), int64(e.signature(threeNumbers, nil)))
	e.body.call(e.helper(ev.arg)).op(wasm.OpElse)
	e.mark(f, &mark{where: inOperand, values: twoNumbers})
	e.copy(ev)
	e.body.end()
}

// shifted is the index of a function, now that one more is imported.
func (r *rewriter) shifted(function uint32) uint32 {
	if r.imported(function) {
		return function
	}
	return function + 1
}

// Where to find what is built in. Globals follow the module's own, and functions do: tick's caller first.
func (r *rewriter) budget() uint32  { return uint32(len(r.Globals)) }
func (r *rewriter) pages() uint32   { return uint32(len(r.Globals)) + 1 }
func (r *rewriter) dirty() uint32   { return uint32(len(r.Globals)) + 2 }
func (r *rewriter) written() uint32 { return uint32(len(r.Globals)) + 3 }

func (r *rewriter) tickImport() uint32          { return uint32(r.ImportedFunctions) }
func (r *rewriter) tick() uint32                { return uint32(len(r.Functions)) + 1 }
func (r *rewriter) helper(number uint32) uint32 { return r.tick() + 1 + number }
