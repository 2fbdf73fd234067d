package core_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/llhttp"
	"github.com/sluicehttp/sluice/guest/http1"
)

// What follows measures the core's parser and others on the requests of BenchmarkRequest. `./build.sh bench parse` runs
// BenchmarkDuel in rounds.

// sizes are the requests by their names in benchmarks.
var sizes = []struct {
	name    string
	request []byte
}{{"80B", smallRequest}, {"700B", browserRequest}}

// parser parses a request count times, and tells how long that took.
type parser func(count int) (time.Duration, error)

// contender is a parser with a name.
type contender struct {
	name string
	open func(testing.TB, []byte) parser
}

// Receive parses, exchange parses and answers. The rivals only parse.
var (
	wasmReceive = contender{"wasm-receive", func(tb testing.TB, request []byte) parser {
		return receiver(tb, bothCores(tb).wasm, request)
	}}
	wasmExchange = contender{"wasm-exchange", func(tb testing.TB, request []byte) parser {
		return exchanger(tb, bothCores(tb).wasm, request)
	}}
	nativeReceive = contender{"native-receive", func(tb testing.TB, request []byte) parser {
		return receiver(tb, bothCores(tb).native, request)
	}}
	nativeExchange = contender{"native-exchange", func(tb testing.TB, request []byte) parser {
		return exchanger(tb, bothCores(tb).native, request)
	}}
	llhttpSIMD = contender{"llhttp-simd", func(tb testing.TB, request []byte) parser {
		return repeat(llhttpStep(tb, llhttp.SIMD, request))
	}}
	llhttpPlain = contender{"llhttp-plain", func(tb testing.TB, request []byte) parser {
		return repeat(llhttpStep(tb, llhttp.Plain, request))
	}}
	netHTTP = contender{"net-http", func(_ testing.TB, request []byte) parser {
		return repeat(readRequestStep(request))
	}}
)

// duels are who is compared with whom: ours, rival.
var duels = [][2]contender{
	{wasmReceive, llhttpSIMD},
	{wasmReceive, llhttpPlain},
	{wasmExchange, llhttpSIMD},
	{nativeReceive, netHTTP},
	{nativeExchange, netHTTP},
}

// BenchmarkDuel has two parsers take turns of a millisecond, so that what slows the machine down meets both. It reports
// the medians of the turns: nanoseconds for one request, and as x how many times as fast ours was.
func BenchmarkDuel(b *testing.B) {
	for _, size := range sizes {
		for _, d := range duels {
			ours, rival := d[0], d[1]
			b.Run(size.name+"/"+ours.name+"/"+rival.name, func(b *testing.B) {
				benchmarkDuel(b, ours.open(b, size.request), rival.open(b, size.request))
			})
		}
	}
}

func benchmarkDuel(b *testing.B, ours, rival parser) {
	ourTurn, rivalTurn := turn(b, ours), turn(b, rival)
	var ourTimes, rivalTimes, ratios []float64
	for b.Loop() {
		var our, their float64
		if len(ratios)%2 == 0 {
			our, their = ourTurn(), rivalTurn()
		} else {
			their, our = rivalTurn(), ourTurn()
		}
		ourTimes, rivalTimes = append(ourTimes, our), append(rivalTimes, their)
		ratios = append(ratios, their/our)
	}
	b.ReportMetric(0, "ns/op") // of a pair of turns: says nothing
	b.ReportMetric(median(ourTimes), "ours-ns")
	b.ReportMetric(median(rivalTimes), "rival-ns")
	b.ReportMetric(median(ratios), "x")
}

// turn makes turns of about a millisecond, which give the nanoseconds that one request took.
func turn(b *testing.B, p parser) func() float64 {
	run := func(count int) time.Duration {
		took, err := p(count)
		if err != nil {
			b.Fatal(err)
		}
		return took
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

// BenchmarkReceive parses a request and does not answer it, which is what the rivals below do.
func BenchmarkReceive(b *testing.B) {
	both := bothCores(b)
	for _, size := range sizes {
		b.Run(size.name+"/wasm", func(b *testing.B) { benchmarkReceive(b, both.wasm, size.request) })
		b.Run(size.name+"/native", func(b *testing.B) { benchmarkReceive(b, both.native, size.request) })
	}
}

func benchmarkReceive(b *testing.B, c *core.Core, request []byte) {
	receive := receiver(b, c, request)
	var took time.Duration
	b.ReportAllocs()
	for b.Loop() {
		one, err := receive(testConnections)
		if err != nil {
			b.Fatal(err)
		}
		took += one
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*testConnections), "ns/op")
}

// receiver parses with a core, and has only that timed.
//
// The core reads no request before the last one is answered. So all connections are given a request each, by the clock,
// and then all are answered, off the clock. Reading the clock adds some ten nanoseconds to a request, and the states of
// several connections take more of the cache than one: both count against the core.
func receiver(tb testing.TB, c *core.Core, request []byte) parser {
	var peers [testConnections]*asked
	for i := range peers {
		peers[i] = &asked{peer: openPeer(tb, c)}
		tb.Cleanup(peers[i].close)
	}
	// One slot serves all: what the core said of a request is looked at by nobody.
	slot := peers[0].slot
	copy(slot.Bytes, request)
	head := core.Head{Status: 204, Flags: http1.HeadFlagsComplete}
	out := make([]byte, 0, 1<<10)
	return func(count int) (took time.Duration, err error) {
		for ; count > 0; count -= len(peers) {
			batch := peers[:min(count, len(peers))]
			began := time.Now()
			if err := receiveAll(c, slot, len(request), batch); err != nil {
				return 0, err
			}
			took += time.Since(began)
			if err := answerAll(c, batch, &head, out); err != nil {
				return 0, err
			}
		}
		return took, nil
	}
}

// asked is a connection that is asked again and again.
type asked struct {
	*peer
	// next begins the next cycle with the next request.
	next http1.ReceiveFlags
}

func receiveAll(c *core.Core, slot *core.Slot, size int, peers []*asked) error {
	for _, p := range peers {
		reception, err := c.Receive(p.number, slot, 0, size, p.next)
		if err != nil || reception.State != http1.ReaderStatePaused {
			return fmt.Errorf("receive: %v, %v", reception, err)
		}
	}
	return nil
}

func answerAll(c *core.Core, peers []*asked, head *core.Head, out []byte) error {
	for _, p := range peers {
		if _, _, errno := c.FrameHead(p.number, head, out); errno != http1.ErrnoSuccess {
			return fmt.Errorf("frame: %v", errno)
		}
		p.next = http1.ReceiveFlagsNextCycle
	}
	return nil
}

// exchanger parses with a core and answers, as BenchmarkRequest does.
func exchanger(tb testing.TB, c *core.Core, request []byte) parser {
	p := &asked{peer: openPeer(tb, c)}
	tb.Cleanup(p.close)
	copy(p.slot.Bytes, request)
	head := core.Head{Status: 200, Fields: answerFields, Length: 13, Flags: http1.HeadFlagsComplete}
	out := make([]byte, 0, 1<<10)
	return repeat(func() error {
		reception, err := c.Receive(p.number, p.slot, 0, len(request), p.next)
		if err != nil || reception.State != http1.ReaderStatePaused {
			return fmt.Errorf("receive: %v, %v", reception, err)
		}
		if _, _, errno := c.FrameHead(p.number, &head, out); errno != http1.ErrnoSuccess {
			return fmt.Errorf("frame: %v", errno)
		}
		p.next = http1.ReceiveFlagsNextCycle
		return nil
	})
}

// repeat is a parser that takes the same step for every request.
func repeat(step func() error) parser {
	return func(count int) (time.Duration, error) {
		began := time.Now()
		for range count {
			if err := step(); err != nil {
				return 0, err
			}
		}
		return time.Since(began), nil
	}
}

// BenchmarkLlhttp parses the same requests with llhttp.
func BenchmarkLlhttp(b *testing.B) {
	for _, size := range sizes {
		for _, build := range llhttp.Builds {
			b.Run(size.name+"/"+build.Name(), func(b *testing.B) {
				benchmarkStep(b, llhttpStep(b, build, size.request), size.request)
			})
		}
	}
}

// llhttpStep parses with llhttp in the runtime that the core runs in: one parser, kept alive, the request already in its
// memory, with callbacks that do nothing but count.
func llhttpStep(tb testing.TB, build llhttp.Build, request []byte) func() error {
	counter, err := llhttp.OpenCounter(tb.Context(), build, llhttp.Request, request)
	if errors.Is(err, llhttp.ErrNotInstalled) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = counter.Close() })
	return counter.Execute
}

// BenchmarkReadRequest parses the same requests with net/http, in whose place the twin stands.
func BenchmarkReadRequest(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) { benchmarkStep(b, readRequestStep(size.request), size.request) })
	}
}

// readRequestStep parses with net/http, from a buffer that is kept as a server would.
func readRequestStep(request []byte) func() error {
	connection := bytes.NewReader(request)
	reader := bufio.NewReader(connection)
	return func() error {
		connection.Reset(request)
		reader.Reset(connection)
		_, err := http.ReadRequest(reader)
		return err
	}
}

func benchmarkStep(b *testing.B, step func() error, request []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		if err := step(); err != nil {
			b.Fatal(err)
		}
	}
}
