package sandbox_test

import (
	"bytes"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// BenchmarkIsolation has two pools of a handler take turns of a millisecond: one that gives each request a clean instance,
// and one that uses an instance again as it is. It reports the medians of the turns, and what isolation costs a request.
func BenchmarkIsolation(b *testing.B) {
	sandbox.TrustMarks(b)
	for _, bench := range []struct {
		name        string
		pages, full uint32 // 64 KiB of memory, and of what is not zero in it
	}{{"128KiB", 2, 2}, {"1MiB", 16, 4}, {"1MiB-full", 16, 16}} {
		b.Run(bench.name, func(b *testing.B) {
			wasm := filled(bench.pages, bench.full).Encode()
			clean, _ := newPoolOf(b, wasm, sandbox.PoolConfig{})
			reused, _ := newPoolOf(b, wasm, sandbox.PoolConfig{Isolation: sandbox.IsolateConnections})
			cleanTurn, reusedTurn := turn(b, clean), turn(b, reused)
			var with, without, more []float64
			for b.Loop() {
				one, two := cleanTurn(), reusedTurn()
				with, without, more = append(with, one), append(without, two), append(more, (one-two)/1000)
			}
			b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
			b.ReportMetric(median(with), "clean-ns")
			b.ReportMetric(median(without), "reused-ns")
			b.ReportMetric(median(more), "more-us")
		})
	}
}

// filled makes a handler whose memory has so many pages. The first of them, but for 16 KiB, hold no zeros; each request
// writes a little.
func filled(pages, full uint32) *Handler {
	h := NewHandler(abi.SubscriptionsReady)
	h.Memory = Between(pages, pages)
	h.Data(16<<10, bytes.Repeat([]byte("sluice"), (int(full)<<16-20<<10)/6))
	const at = 60 << 10
	h.OnEvent = Seq(
		Store(Const(at), 0, Get(Session)),
		Store(Const(at+8<<10), 0, Get(Session)),
		Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), Const(at), Const(13))))
	return h
}

// turn makes turns of about a millisecond, which give the nanoseconds that a request took.
func turn(b *testing.B, p *sandbox.Pool) func() float64 {
	x := &exchangetest.Exchange{Silent: true,
		Events: exchangetest.Request(exchangetest.Line("GET", "/"), exchange.NewFields("Host", "example.org"))}
	b.Cleanup(x.Disconnect)
	run := func(count int) time.Duration {
		began := time.Now()
		for range count {
			x.Reset()
			if err := p.Serve(x); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	count := 1
	for run(count) < time.Millisecond {
		count *= 2
	}
	return func() float64 { return float64(run(count).Nanoseconds()) / float64(count) }
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[int(float64(len(values)-1)*q)]
}

// BenchmarkNeighbours has tenants compute for ever, each ended by its CPU limit and beginning anew at once, while another
// answers little requests and the garbage collector runs. It reports how long both take, and by how much the others exceed
// their limit.
func BenchmarkNeighbours(b *testing.B) {
	sandbox.TrustMarks(b)
	for _, bench := range []struct {
		name     string
		spinners int
	}{{"0", 0}, {"2", 2}, {"64", 64}} {
		b.Run(bench.name, func(b *testing.B) {
			var latencies, pauses, overruns []float64 // ms
			for b.Loop() {
				latency, pause, overrun := neighbours(b, bench.spinners)
				latencies, pauses, overruns = append(latencies, latency...), append(pauses, pause...), append(overruns, overrun...)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quantile(latencies, 0.99), "p99-ms")
			b.ReportMetric(median(pauses), "gc-median-ms")
			b.ReportMetric(quantile(pauses, 0.95), "gc-p95-ms")
			if len(overruns) > 0 {
				b.ReportMetric(quantile(overruns, 1), "overrun-ms")
			}
		})
	}
}

// neighbours is two seconds of it.
func neighbours(b *testing.B, spinners int) (latencies, pauses, overruns []float64) {
	const limit, duration = 50 * time.Millisecond, 2 * time.Second
	l, _ := newLoader(b, sandbox.Config{})
	pool := func(h *Handler, owner *account.Account) *sandbox.Pool {
		m, err := l.Load(b.Context(), "handler.wasm", h.Encode())
		if err != nil {
			b.Fatal(err)
		}
		p, err := m.NewPool(sandbox.PoolConfig{
			Account: owner, Limits: sandbox.Limits{CPU: limit}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Close(); m.Close() })
		return p
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	for range spinners {
		owner := account.New(nil)
		p := pool(faulty(func(*Handler) Code { return While(Const(1)) }), owner)
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				p.Resume()
				before := owner.CPU.Load()
				_ = p.Serve(&exchangetest.Exchange{Events: post("body"), Stopped: stop})
				used := time.Duration(owner.CPU.Load() - before)
				mu.Lock()
				overruns = append(overruns, max(0, (used-limit).Seconds()*1000))
				mu.Unlock()
			}
		})
	}
	hello := pool(Hello(), nil)
	all.Go(func() {
		x := &exchangetest.Exchange{Events: get(), Silent: true}
		for end := time.Now().Add(duration); time.Now().Before(end); time.Sleep(300 * time.Microsecond) {
			x.Reset()
			began := time.Now()
			if err := hello.Serve(x); err != nil {
				b.Error(err)
			}
			latencies = append(latencies, time.Since(began).Seconds()*1000)
		}
	})
	for end := time.Now().Add(duration); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		began := time.Now()
		runtime.GC()
		pauses = append(pauses, time.Since(began).Seconds()*1000)
	}
	close(stop)
	all.Wait()
	return latencies, pauses, overruns
}

// BenchmarkLevels has a hello of the event level of an SDK take turns with one against the bare interface, in the same language
// and from the same compiler. It reports what a request takes, each with a clean instance, and the median of the ratios.
func BenchmarkLevels(b *testing.B) {
	sandbox.TrustMarks(b)
	for _, language := range []string{"c", "rust", "go"} {
		b.Run(language, func(b *testing.B) {
			bare, events := builtPool(b, "abi/hello-"+language), builtPool(b, language+"/events")
			bareTurn, eventsTurn := turn(b, bare), turn(b, events)
			var bareTimes, eventsTimes, ratios []float64
			for b.Loop() {
				one, two := bareTurn(), eventsTurn()
				bareTimes, eventsTimes, ratios = append(bareTimes, one), append(eventsTimes, two), append(ratios, two/one)
			}
			b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
			b.ReportMetric(median(bareTimes), "bare-ns")
			b.ReportMetric(median(eventsTimes), "events-ns")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

// builtPool makes a pool of an example that was built.
func builtPool(b *testing.B, name string) *sandbox.Pool {
	b.Helper()
	wasm, err := os.ReadFile("../../../build/examples/" + name + ".wasm")
	if err != nil {
		b.Skipf("%v; ./build.sh examples makes it", err)
	}
	p, _ := newPoolOf(b, wasm, sandbox.PoolConfig{})
	return p
}
