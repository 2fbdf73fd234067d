package rewrite_test

import (
	"fmt"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// What the meter may miss and may add. It counts in units that are an instruction or more.
const (
	// freePerCall is how many instructions of the module may run unpaid in one call of the host's: those of a small
	// function, which pays nothing when the host calls it.
	freePerCall = 110
	// executedPerFuel and executedBeyond bound what is executed between two ticks, with all that was built in: so many
	// instructions for each unit of fuel, and so many for none. A charge of one unit takes about ten instructions.
	executedPerFuel = 12
	executedBeyond  = 2000
	// executedPerFrame bounds what is executed at the end of a function that has paid for it at its entry or before a call.
	// smallestFrame is the least that a frame weighs that is counted, in bytes.
	executedPerFrame = 200
	smallestFrame    = 64
	// fuelPerInstruction and fuelBeyond bound what the meter takes too much: divisions are dearer than other
	// instructions, calls of the host much dearer, and most of all growing the memory, which one in four may do.
	fuelPerInstruction = 300
	fuelBeyond         = 5000
)

// FuzzMeter generates a program, and compares what it pays with what it executes.
func FuzzMeter(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(programInput(seed))
	}
	l := newLaboratory(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		l.TB = t
		if _, err := l.measure(wasmtest.Generate(input), rewriteProgram); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMeter does what [FuzzMeter] does for some seconds.
func TestMeter(t *testing.T) {
	l := newLaboratory(t)
	var all paid
	l.programs(4, func(p *wasmtest.Program) error {
		one, err := l.measure(p, rewriteProgram)
		all.add(one)
		return err
	})
	t.Logf("%+v; fuel for each instruction: %.2f; executed for each unit, with all that was built in: %.2f",
		all, float64(all.fuel)/float64(all.instructions), float64(all.executed)/float64(all.spent))
	if all.calls < 100 || all.ticks < 1000 || all.instructions < 100_000 {
		t.Errorf("these programs prove little: %+v", all)
	}
}

// paid says what was executed, and what was paid for it.
type paid struct {
	calls, ticks       int
	instructions, fuel int64 // of the module's own; and for the same calls
	executed, spent    int64 // with all that was built in, between ticks
	worstBeyond        int64 // of what was executed between two ticks beyond a multiple of the fuel, at most executedBeyond
	worstFree          int64 // of what ran unpaid in one call, at most freePerCall
}

func (p *paid) add(other paid) {
	p.calls += other.calls
	p.ticks += other.ticks
	p.instructions += other.instructions
	p.fuel += other.fuel
	p.executed += other.executed
	p.spent += other.spent
	p.worstBeyond = max(p.worstBeyond, other.worstBeyond)
	p.worstFree = max(p.worstFree, other.worstFree)
}

// measure compares in two ways: for each call that returns, what the original executed with what the rewritten one paid;
// and between ticks, what the rewritten one executed with what it paid.
func (l *laboratory) measure(generated *wasmtest.Program, rewriter rewriter) (done paid, err error) {
	p := l.subject(generated)
	defer p.close()
	p.meter.slice = 1 << 30
	rewritten, err := rewriter(p.Wasm)
	if err != nil {
		return done, fmt.Errorf("refused: %w", err)
	}
	if err := p.compareFuel(rewritten, &done); err != nil {
		return done, err
	}
	for _, slice := range []int32{1, 64, 4096} {
		if err := p.watchTicks(rewritten, slice, &done); err != nil {
			return done, fmt.Errorf("slices of %d: %w", slice, err)
		}
	}
	return done, nil
}

// compareFuel runs the original with a count and the rewritten module with a meter side by side.
func (p *subject) compareFuel(rewritten *rewrite.Module, done *paid) error {
	wasm, err := wasmtest.Counted(p.Wasm, programLimit)
	if err != nil {
		return err
	}
	compiled := p.compile(wasm)
	defer compiled.Close(p.ctx)
	counted, err := p.start(&rewrite.Module{Wasm: wasm}, compiled)
	defer counted.end()
	if err != nil {
		return nil
	}
	if counted.module.ExportedFunction(wasmtest.CountedStart) != nil {
		if _, err := counted.call(wasmtest.CountedStart); err != nil {
			return nil
		}
	}
	compiledRewritten := p.compile(rewritten.Wasm)
	defer compiledRewritten.Close(p.ctx)
	metered, err := p.start(rewritten, compiledRewritten)
	defer metered.end()
	if err != nil {
		return fmt.Errorf("the start failed: %w", err)
	}
	for i, call := range p.Calls {
		counted.global(wasmtest.CountExport).Set(0)
		o := counted.invoke(call)
		count := counted.count()
		if count > programLimit {
			return nil
		}
		metered.invoke(call)
		fuel := p.meter.used
		switch {
		case o.trap != "": // what did not run any more has been paid or counted
		case count > fuel+freePerCall:
			return fmt.Errorf("call %d executed %d instructions and paid %d", i, count, fuel)
		case fuel > count*fuelPerInstruction+fuelBeyond:
			return fmt.Errorf("call %d executed %d instructions and paid %d, which is far too much", i, count, fuel)
		default:
			done.calls++
			done.instructions += count
			done.fuel += fuel
			done.worstFree = max(done.worstFree, count-fuel)
		}
	}
	return nil
}

// watchTicks runs a rewritten module with a count, and compares at each tick. A call that does not end is ended.
func (p *subject) watchTicks(rewritten *rewrite.Module, slice int32, done *paid) error {
	wasm, err := wasmtest.Counted(rewritten.Wasm, 100*programLimit)
	if err != nil {
		return err
	}
	compiled := p.compile(wasm)
	defer compiled.Close(p.ctx)
	counted := *rewritten
	counted.Wasm = wasm

	p.meter.slice, p.meter.limit = slice, fuelLimit
	defer func() { p.meter.slice, p.meter.limit, p.meter.onTick = 1<<30, 0, nil }()
	r, err := p.start(&counted, compiled)
	defer r.end()
	if err != nil {
		return nil
	}
	w := watch{run: r, paid: done, last: r.count()}
	p.meter.onTick = w.tick
	for i, call := range p.Calls {
		o := r.invoke(call)
		// From the last tick to the end.
		w.tick(int64(slice)-int64(int32(r.budget().Get()>>32)), 0)
		if w.free != nil {
			return fmt.Errorf("call %d: %w", i, w.free)
		}
		if o.trap == errNoFuel.Error() || o.trap == errNoStack.Error() {
			return nil
		}
	}
	return nil
}

// watch compares what is executed with what is paid, tick by tick.
type watch struct {
	*run
	*paid
	last   int64 // the count at the last tick
	before int64 // what was paid at the last tick
	depth  int64 // of the stack at the last tick, in bytes
	saved  int64 // what all ticks up to now would have allowed to be executed, and was not
	free   error // what ran unpaid
}

func (w *watch) tick(used, depth int64) {
	executed := w.count() - w.last
	w.last += executed
	w.ticks++
	w.executed += executed
	w.spent += used
	if w.saved += used*executedPerFuel - executed; w.saved < -executedBeyond {
		w.free = fmt.Errorf("%d more instructions ran than were paid for", -w.saved)
	}
	// What is paid for runs after it is paid. It may be what was paid at the last tick, and what functions paid for at
	// their entries that now return one after the other.
	beyond := executed - (w.before+used)*executedPerFuel
	w.worstBeyond = max(w.worstBeyond, beyond)
	if frames := w.depth / smallestFrame; beyond > executedBeyond+frames*executedPerFrame {
		w.free = fmt.Errorf("%d instructions ran between two ticks; %d was paid then, %d before", executed, used, w.before)
	}
	w.before, w.depth = used, depth
}
