package rewrite_test

import (
	"math"
	"runtime"
	"slices"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// The stack that a recursion is allowed, in bytes, and how many times as much wazero may allocate for it: it doubles a
// stack that is too small, and copies.
const (
	recursionStack = 1 << 20
	mostAllocated  = 6
	leastAllocated = 0.02 // or frames weigh far more than they take
)

// TestStack has functions call themselves that keep much across the call, in all ways, and compares what the runtime
// allocates for it with what was allowed.
func TestStack(t *testing.T) {
	i32 := Signature{Params: []ValueType{I32}, Results: []ValueType{I32}}
	locals := func(n int, t ValueType) []byte { return append(append([]byte{1}, U32(uint32(n))...), t) }
	tests := []struct {
		name   string
		locals []byte
		body   Code // of f0, which is (i32) -> (i32)
	}{
		{"nothing", []byte{0}, Call(0, Get(0))},
		{"its parameter", []byte{0}, Add(Call(0, Get(0)), Get(0))},
		{"100 locals", locals(100, I32), keepLocals(100)},
		{"1000 locals", locals(1000, I32), keepLocals(1000)},
		{"1000 locals that are not used", locals(1000, I64), Call(0, Get(0))},
		{"100 values on the operand stack", []byte{0}, keepOperands(100)},
		{"1000 values on the operand stack", []byte{0}, keepOperands(1000)},
		{"100 vectors", locals(100, V128), keepVectors(100)},
		{"values of 100 blocks", locals(1, I32), keepBlocks(100)},
	}
	l := newLaboratory(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := &Module{}
			m.Export("f0", KindFunc, m.RawFunc(i32, slices.Concat(test.locals, test.body, Code{end})))
			m.Export("f1", KindFunc, m.Func(i32, 0, Get(0)))
			p := l.subject(&Program{Wasm: m.Encode()})
			defer p.close()
			rewritten, err := rewriteProgram(p.Wasm)
			if err != nil {
				t.Fatal(err)
			}
			compiled := p.compile(rewritten.Wasm)
			defer compiled.Close(p.ctx)
			r, err := p.start(rewritten, compiled)
			if err != nil {
				t.Fatal(err)
			}
			defer r.end()
			p.meter.slice, p.meter.stack = math.MaxInt32, recursionStack
			defer func() { p.meter.stack = math.MaxInt32 }()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o := r.invoke(Invocation{Function: Function{Name: "f0", Signature: i32}, Args: []uint64{1}})
			runtime.ReadMemStats(&after)
			if o.trap != errNoStack.Error() {
				t.Fatalf("ended with %v", o)
			}
			allocated := float64(after.TotalAlloc-before.TotalAlloc) / recursionStack
			t.Logf("%.2f times what was allowed", allocated)
			if allocated > mostAllocated || allocated < leastAllocated {
				t.Errorf("allocated %.2f times what was allowed; want between %v and %v", allocated, leastAllocated, mostAllocated)
			}
			// The call ended, and the instance lives.
			if results, err := r.call("f1", 7); err != nil || results[0] != 7 {
				t.Errorf("afterwards: %v, %v", results, err)
			}
		})
	}
}

// keepLocals sets locals before the call and adds them up after it.
func keepLocals(n int) (out Code) {
	for i := range uint32(n) {
		out = append(out, Set(1+i, Add(Get(0), Const(int32(i))))...)
	}
	out = append(out, Call(0, Get(0))...)
	for i := range uint32(n) {
		out = Add(out, Get(1+i))
	}
	return out
}

// keepOperands has values wait on the operand stack during the call.
func keepOperands(n int) (out Code) {
	for i := range int32(n) {
		out = append(out, Add(Get(0), Const(i))...)
	}
	out = append(out, Call(0, Get(0))...)
	return append(out, slices.Repeat(Code{0x6a}, n)...)
}

// keepVectors is keepLocals with v128.
func keepVectors(n int) (out Code) {
	const prefix, splat, lane, add = 0xfd, 17, 27, 0x6a
	for i := range uint32(n) {
		out = append(out, Set(1+i, Seq(Add(Get(0), Const(int32(i))), Code{prefix, splat}))...)
	}
	out = append(out, Call(0, Get(0))...)
	for i := range uint32(n) {
		out = append(out, Seq(Get(1+i), Code{prefix, lane, 1, add})...)
	}
	return out
}

// keepBlocks has values come out of branches before the call, and uses them after it.
func keepBlocks(n int) (out Code) {
	for i := range int32(n) {
		out = append(out, Seq(Get(0), Code{ifThen, I32}, Add(Get(0), Const(i)), Code{orElse}, Const(i), Code{end})...)
	}
	out = append(out, Call(0, Get(0))...)
	return append(out, slices.Repeat(Code{0x6a}, n)...)
}
