package rewrite_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// BenchmarkMetering compares modules with their rewritten selves.
func BenchmarkMetering(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			binary := w.wasm(b)
			h := newHost(b, wazero.NewRuntimeConfigCompiler())
			original, metered := h.open(b, binary, false), h.open(b, binary, true)
			turns := w.compare(b, "original-ns", original, "metered-ns", metered)
			b.ReportMetric(float64(h.ticks)/float64(turns), "ticks/turn")
		})
	}
}

// BenchmarkMarks compares rewritten modules with those that do not mark what they write.
func BenchmarkMarks(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			binary := w.wasm(b)
			h := newHost(b, wazero.NewRuntimeConfigCompiler())
			h.provide(b, binary)
			unmarked, err := rewrite.RewriteUnmarked(binary)
			if err != nil {
				b.Fatal(err)
			}
			instance := h.instance(b, unmarked.Wasm)
			w.compare(b, "unmarked-ns", &program{b, h, instance, budget(instance)}, "marked-ns", h.open(b, binary, true))
		})
	}
}

// compare has two programs take turns of a millisecond, so that what slows the machine down meets both. It reports the medians
// of the turns: as x how many times as long the second one took.
func (w *workload) compare(b *testing.B, firstUnit string, first *program, secondUnit string, second *program) (turns int) {
	firstStep, secondStep := w.begin(first), w.begin(second)
	if one, two := firstStep(), secondStep(); one != two {
		b.Fatalf("%d, and rewritten in another way %d", one, two)
	}
	firstTurn, secondTurn := turn(firstStep), turn(secondStep)
	var firstTimes, secondTimes, ratios []float64
	second.host.ticks = 0
	for b.Loop() {
		var one, two float64
		if len(ratios)%2 == 0 {
			one, two = firstTurn(), secondTurn()
		} else {
			two, one = secondTurn(), firstTurn()
		}
		firstTimes, secondTimes = append(firstTimes, one), append(secondTimes, two)
		ratios = append(ratios, two/one)
	}
	b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
	b.ReportMetric(median(firstTimes), firstUnit)
	b.ReportMetric(median(secondTimes), secondUnit)
	b.ReportMetric(median(ratios), "x")
	return len(ratios)
}

// turn makes turns of about a millisecond, which give the nanoseconds that one step took.
func turn(step func() uint64) func() float64 {
	run := func(count int) time.Duration {
		began := time.Now()
		for range count {
			step()
		}
		return time.Since(began)
	}
	count := 1
	for run(count) < time.Millisecond {
		count *= 2
	}
	return func() float64 { return float64(run(count).Nanoseconds()) / float64(count) }
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkRewrite rewrites. Tenants whose module is not compiled yet wait for it.
func BenchmarkRewrite(b *testing.B) {
	for _, m := range []struct {
		name string
		wasm func(testing.TB) []byte
	}{{"go", goCore}, {"quickjs", quickJS}, {"rust", built("json")}, {"c", built("kernels")}} {
		b.Run(m.name, func(b *testing.B) {
			wasm := m.wasm(b)
			b.SetBytes(int64(len(wasm)))
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				rewritten, err := rewrite.Rewrite(wasm, rewrite.Options{})
				if err != nil {
					b.Fatal(err)
				}
				size = len(rewritten.Wasm)
			}
			b.ReportMetric(float64(size)/float64(len(wasm)), "size-x")
		})
	}
}
