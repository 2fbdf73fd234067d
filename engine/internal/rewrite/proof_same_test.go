package rewrite_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// programLimit is how many instructions a call of a generated program may execute before it counts as one that does not
// end. fuelLimit is the fuel after which such a program must be found out: less, because a unit of fuel may
// stand for a few instructions, and one instruction of wasmtest.Counted for a few bytes that are moved.
const (
	programLimit = 100_000
	fuelLimit    = programLimit / 8
)

// FuzzSame generates a program, and runs it as it is and rewritten, with little fuel at a time and with much.
func FuzzSame(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(programInput(seed))
	}
	l := newLaboratory(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		l.TB = t
		if _, err := l.same(wasmtest.Generate(input), rewriteProgram); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSame does what [FuzzSame] does for some seconds, with the same programs every time.
func TestSame(t *testing.T) {
	l := newLaboratory(t)
	var all tried
	l.programs(4, func(p *wasmtest.Program) error {
		one, err := l.same(p, rewriteProgram)
		all.add(one)
		return err
	})
	t.Logf("%+v", all)
	if all.endless == 0 || all.trapped < all.calls/10 || all.trapped > all.calls/2 {
		t.Errorf("these programs prove little: %+v", all)
	}
}

// tried says what was compared.
type tried struct {
	programs, failedStarts, calls, trapped, endless, ticks int
}

func (t *tried) add(other tried) {
	t.programs += other.programs
	t.failedStarts += other.failedStarts
	t.calls += other.calls
	t.trapped += other.trapped
	t.endless += other.endless
	t.ticks += other.ticks
}

// past is what came of a program: how its start ended, the outcome of each call, and the state after each.
type past struct {
	start    string
	outcomes []outcome
	states   []state
	// endless says that the last call, or the start if there was no call, did not end within the limits.
	endless bool
}

// same runs a program in all ways, and says in what they differ.
func (l *laboratory) same(generated *wasmtest.Program, rewriter rewriter) (done tried, err error) {
	p := l.subject(generated)
	defer p.close()
	endless, calls, err := p.survey()
	if err != nil {
		return done, err
	}
	p.Calls = p.Calls[:calls]
	rewritten, err := rewriter(p.Wasm)
	if err != nil {
		return done, fmt.Errorf("refused: %w", err)
	}
	done.programs++

	// What does not end must not run without a meter. What comes before it must.
	var want past
	switch original := (&rewrite.Module{Wasm: p.Wasm}); {
	case !endless:
		want, err = p.play(original)
	case calls == 0:
		want.start = errNoFuel.Error()
	default:
		p.Calls = p.Calls[:calls-1]
		want, err = p.play(original)
		p.Calls = p.Calls[:calls]
	}
	if err != nil {
		return done, err
	}
	for _, slice := range []int32{1, 1000, math.MaxInt32 / 2} {
		p.meter.slice, p.lastLimit = slice, 0
		if endless {
			p.meter.slice, p.lastLimit = min(slice, fuelLimit), fuelLimit
		}
		p.hidden = true
		have, err := p.play(rewritten)
		p.hidden = false
		if err != nil {
			return done, fmt.Errorf("rewritten, with slices of %d: %w", slice, err)
		}
		done.ticks += p.meter.ticks
		if endless && !have.endless {
			return done, fmt.Errorf("slices of %d: more than %d instructions ran, and the meter saw less than %d",
				slice, programLimit, fuelLimit)
		}
		if err := want.differ(have); err != nil {
			return done, fmt.Errorf("slices of %d: %w", slice, err)
		}
	}
	done.note(want, endless)
	return done, nil
}

func (t *tried) note(p past, endless bool) {
	if p.start != "" {
		t.failedStarts++
	}
	if endless {
		t.endless++
	}
	t.calls += len(p.outcomes)
	for _, o := range p.outcomes {
		if o.trap != "" {
			t.trapped++
		}
	}
}

// survey runs a program with a count of its instructions, and says whether it ends, and how many calls it takes to find
// out; 0 is for the start function.
func (p *subject) survey() (endless bool, calls int, err error) {
	counted, err := wasmtest.Counted(p.Wasm, programLimit)
	if err != nil {
		return false, 0, err
	}
	compiled := p.compile(counted)
	defer compiled.Close(p.ctx)
	r, err := p.start(&rewrite.Module{Wasm: counted}, compiled)
	if err != nil {
		return false, 0, nil
	}
	defer r.end()
	if r.module.ExportedFunction(wasmtest.CountedStart) != nil {
		if _, err = r.call(wasmtest.CountedStart); err != nil {
			return r.count() > programLimit, 0, nil
		}
	}
	for i, call := range p.Calls {
		r.global(wasmtest.CountExport).Set(0)
		if r.invoke(call); r.count() > programLimit {
			return true, i + 1, nil
		}
	}
	return false, len(p.Calls), nil
}

// play runs a program. The error is for what cannot be, however wrong the module.
func (p *subject) play(m *rewrite.Module) (out past, err error) {
	compiled, err := p.runtime.CompileModule(p.ctx, m.Wasm)
	if err != nil {
		return out, err
	}
	defer compiled.Close(p.ctx)
	defer func() { p.meter.limit = 0 }()
	if len(p.Calls) == 0 {
		p.meter.limit = p.lastLimit
	}
	r, err := p.start(m, compiled)
	defer r.end()
	if out.start = trap(err); err != nil {
		out.endless = out.start == errNoFuel.Error()
		return out, nil
	}
	for i, call := range p.Calls {
		if i == len(p.Calls)-1 {
			p.meter.limit = p.lastLimit
		}
		o := r.invoke(call)
		p.meter.limit = 0
		stack := r.checkStack(o)
		if o.trap == errNoFuel.Error() {
			out.endless = true
			return out, nil
		}
		s, err := r.look()
		if err == nil && p.hidden {
			err = errors.Join(r.checkGlobals(s), stack)
		}
		if err != nil {
			return out, err
		}
		out.outcomes = append(out.outcomes, o)
		out.states = append(out.states, s)
	}
	return out, nil
}

// differ says in what two runs differ.
func (p past) differ(other past) error {
	if p.start != other.start {
		return fmt.Errorf("the start ended with %q and with %q", p.start, other.start)
	}
	if len(p.outcomes) != len(other.outcomes) {
		return fmt.Errorf("%d and %d calls came to an end", len(p.outcomes), len(other.outcomes))
	}
	for i := range p.outcomes {
		if !p.outcomes[i].equal(other.outcomes[i]) {
			return fmt.Errorf("call %d came to %v and to %v", i, p.outcomes[i], other.outcomes[i])
		}
		if difference := p.states[i].differ(other.states[i]); difference != "" {
			return fmt.Errorf("after call %d: %s", i, difference)
		}
	}
	return nil
}
