package rewrite_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// FuzzImage generates a program, runs it, makes its instance like new by what the hidden exports show, and runs it again.
func FuzzImage(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(programInput(seed))
	}
	l := newLaboratory(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		l.TB = t
		if _, err := l.image(wasmtest.Generate(input), rewriteProgram); err != nil {
			t.Fatal(err)
		}
	})
}

// TestImage does what [FuzzImage] does for some seconds.
func TestImage(t *testing.T) {
	l := newLaboratory(t)
	all := imaged{}
	l.programs(3, func(p *wasmtest.Program) error {
		one, err := l.image(p, rewriteProgram)
		all[one]++
		return err
	})
	t.Logf("%v", all)
	for _, kind := range []imageOutcome{imageSame, imageSameAfterGrowth, imageDirty} {
		if all[kind] < 3 {
			t.Errorf("%d programs came to %q", all[kind], kind)
		}
	}
}

// imaged counts what came of programs.
type imaged map[imageOutcome]int

type imageOutcome string

const (
	imageNone            imageOutcome = "its start failed, or nothing ran"
	imageDirty           imageOutcome = "an image is not enough, and it says so"
	imageSame            imageOutcome = "did the same again"
	imageSameAfterGrowth imageOutcome = "did the same again, with a memory that had grown"
	// imageBeyond is the one difference that there may be. The memory does not shrink, so that what lies behind the end of
	// a memory that has been made like new can be read and written, where a new instance traps. It is zero.
	imageBeyond imageOutcome = "used memory behind its end"
)

// image runs a program on one instance twice, the second time after the instance was made like new. An instance that has
// trapped is not used again, so the first time ends before a trap.
func (l *laboratory) image(generated *wasmtest.Program, rewriter rewriter) (imageOutcome, error) {
	p := l.subject(generated)
	defer p.close()
	p.meter.slice = math.MaxInt32
	endless, calls, err := p.survey()
	if err != nil {
		return "", err
	}
	if endless {
		calls--
	}
	if calls <= 0 {
		return imageNone, nil
	}
	p.Calls = p.Calls[:calls]
	rewritten, err := rewriter(p.Wasm)
	if err != nil {
		return "", fmt.Errorf("refused: %w", err)
	}
	want, err := p.play(rewritten)
	if err != nil || want.start != "" {
		return imageNone, err
	}

	compiled := p.compile(rewritten.Wasm)
	defer compiled.Close(p.ctx)
	r, err := p.start(rewritten, compiled)
	defer r.end()
	if err != nil {
		return "", fmt.Errorf("the start failed the second time: %w", err)
	}
	fresh, err := r.look()
	if err != nil {
		return "", err
	}
	// The start function may have made it dirty. What it left behind is what there is to go back to.
	r.global(rewrite.DirtyExport).Set(0)
	taken := r.take()
	for _, call := range p.Calls {
		if o := r.invoke(call); o.trap != "" {
			break
		}
	}
	if r.dirty() {
		return imageDirty, nil
	}
	grown := r.Memory && int(r.module.Memory().Size()) > len(fresh.memory)
	r.restore(taken)
	return r.again(fresh, want, grown)
}

// again runs a program on an instance that was made like new.
func (r *run) again(fresh state, want past, grown bool) (imageOutcome, error) {
	r.log = slices.Clone(fresh.calls)
	restored, err := r.look()
	if err != nil {
		return "", err
	}
	if difference := fresh.differ(restored); difference != "" {
		return "", fmt.Errorf("restored: %s", difference)
	}
	for i, call := range r.Calls {
		o := r.invoke(call)
		if !o.equal(want.outcomes[i]) {
			if grown && want.outcomes[i].trap == "out of bounds memory access" {
				return imageBeyond, nil
			}
			return "", fmt.Errorf("call %d came to %v on a new instance and to %v on a restored one", i, want.outcomes[i], o)
		}
		if o.trap != "" {
			break
		}
		s, err := r.look()
		if err != nil {
			return "", err
		}
		if difference := want.states[i].differ(s); difference != "" {
			return "", fmt.Errorf("after call %d, new and restored: %s", i, difference)
		}
	}
	if grown {
		return imageSameAfterGrowth, nil
	}
	return imageSame, nil
}

// TestBeyond shows the one difference that [imageBeyond] stands for, and that nothing of the run before can be seen there.
func TestBeyond(t *testing.T) {
	m := wasmtest.Module{}
	none := wasmtest.Signature{}
	const page, mark = 1 << 16, 7
	m.Export("f0", wasmtest.KindFunc, m.Func(none, 0, wasmtest.Drop(wasmtest.MemoryGrow(wasmtest.Const(1))),
		wasmtest.Store(wasmtest.Const(page), 0, wasmtest.Const(mark))))
	m.Export("f1", wasmtest.KindFunc, m.Func(wasmtest.Signature{Results: []wasmtest.ValueType{wasmtest.I32}}, 0,
		wasmtest.Load(wasmtest.Const(page), 0)))
	m.Export("pages", wasmtest.KindFunc, m.Func(wasmtest.Signature{Results: []wasmtest.ValueType{wasmtest.I32}}, 0,
		wasmtest.Code{0x3f, 0}))
	m.Memory(wasmtest.AtLeast(1))
	l := newLaboratory(t)
	p := l.subject(&wasmtest.Program{Wasm: m.Encode(), Memory: true})
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
	write := wasmtest.Invocation{Function: wasmtest.Function{Name: "f0"}}
	read := wasmtest.Invocation{Function: wasmtest.Function{Name: "f1"}}
	taken := r.take()
	if o := r.invoke(read); o.trap != "out of bounds memory access" {
		t.Errorf("new: %v", o)
	}
	for range 2 {
		if o := r.invoke(write); o.trap != "" || r.probe("pages")[0] != 2 {
			t.Fatalf("%v, and %v pages", o, r.probe("pages"))
		}
		r.restore(taken)
		results, err := r.call("f1")
		if err != nil || uint32(results[0]) != 0 || r.probe("pages")[0] != 1 {
			t.Errorf("restored: %#x, %v, and %v pages", results, err, r.probe("pages"))
		}
	}
}
