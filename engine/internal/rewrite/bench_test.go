package rewrite_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// BenchmarkMetering has a module and its rewritten self take turns of a millisecond, so that what slows the machine down
// meets both. It reports the medians of the turns: as x how many times as long the rewritten one took.
func BenchmarkMetering(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			binary := w.wasm(b)
			h := newHost(b, wazero.NewRuntimeConfigCompiler())
			original, metered := h.open(b, binary, false), h.open(b, binary, true)
			originalStep, meteredStep := w.begin(original), w.begin(metered)
			if one, two := originalStep(), meteredStep(); one != two {
				b.Fatalf("%d, and rewritten %d", one, two)
			}
			originalTurn, meteredTurn := turn(originalStep), turn(meteredStep)
			var originalTimes, meteredTimes, ratios []float64
			h.ticks = 0
			for b.Loop() {
				var one, two float64
				if len(ratios)%2 == 0 {
					one, two = originalTurn(), meteredTurn()
				} else {
					two, one = meteredTurn(), originalTurn()
				}
				originalTimes, meteredTimes = append(originalTimes, one), append(meteredTimes, two)
				ratios = append(ratios, two/one)
			}
			b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
			b.ReportMetric(median(originalTimes), "original-ns")
			b.ReportMetric(median(meteredTimes), "metered-ns")
			b.ReportMetric(median(ratios), "x")
			b.ReportMetric(float64(h.ticks)/float64(len(ratios)), "ticks/turn")
		})
	}
}

// BenchmarkMarks compares rewritten modules in the same way with those that do not mark what they write.
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
			without, with := &program{b, h, instance, budget(instance)}, h.open(b, binary, true)
			withoutTurn, withTurn := turn(w.begin(without)), turn(w.begin(with))
			var ratios []float64
			for b.Loop() {
				var one, two float64
				if len(ratios)%2 == 0 {
					one, two = withoutTurn(), withTurn()
				} else {
					two, one = withTurn(), withoutTurn()
				}
				ratios = append(ratios, two/one)
			}
			b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
			b.ReportMetric(median(ratios), "x")
		})
	}
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
