package sandbox_test

import (
	"errors"
	"fmt"
	"runtime"
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

// counting answers with the number of its session in its instance.
func counting() *Handler {
	h := NewHandler(abi.SubscriptionsReady)
	at := Const(1 << 16)
	h.OnEvent = Seq(
		Store(at, 0, Get(Session)),
		Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), at, Const(4))))
	return h
}

// checkCount serves a request, which must be so many sessions after the start of its instance.
func checkCount(t *testing.T, p *sandbox.Pool, want uint32) {
	t.Helper()
	x := &exchangetest.Exchange{Events: get()}
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("send 200 %q\n", Words(want)); x.Log() != want {
		t.Errorf("got %s, want %s", x.Log(), want)
	}
}

// during runs f while an instance is at work.
func during(t *testing.T, p *sandbox.Pool, f func()) {
	t.Helper()
	once := sync.OnceFunc(f)
	x := &exchangetest.Exchange{Events: get(), Heard: func(*exchange.Event) { once() }}
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
}

func TestTheInstanceUsedLastIsTakenFirst(t *testing.T) {
	p, _ := newPool(t, counting(), sandbox.PoolConfig{})
	during(t, p, func() { checkCount(t, p, 1) }) // two instances, the outer one put back last
	checkCount(t, p, 2)
	checkCount(t, p, 3)
	during(t, p, func() { checkCount(t, p, 2) })
}

// TestProcessorsKeepTheirInstances has exchanges of two processors in turn: each finds the instance that its own have used last,
// and another's before a new one is made.
func TestProcessorsKeepTheirInstances(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	p, _ := newPool(t, counting(), sandbox.PoolConfig{})
	use := func(processor int, f func()) {
		once := sync.OnceFunc(f)
		x := &exchangetest.Exchange{Events: get(), Silent: true, Processor: processor, Heard: func(*exchange.Event) { once() }}
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
	}
	nothing := func() {}
	use(0, func() { use(1, nothing) })
	for range 3 {
		use(0, nothing)
	}
	use(1, nothing)
	use(1, func() { checkCount(t, p, 5) }) // its own is at work, and the other's has had four sessions
	use(0, func() { use(0, nothing) })
	if got := p.Idle(); got != 2 {
		t.Errorf("%d instances are idle, want the two that were ever at work at a time", got)
	}
}

func TestIdleInstancesAreBounded(t *testing.T) {
	p, _ := newPool(t, counting(), sandbox.PoolConfig{PoolSize: 1})
	during(t, p, func() { checkCount(t, p, 1) }) // the outer one finds no place any more
	during(t, p, func() { checkCount(t, p, 1) })
	checkCount(t, p, 2)
}

func TestUnneededInstancesAreClosed(t *testing.T) {
	const idle = 20 * time.Millisecond
	p, _ := newPool(t, counting(), sandbox.PoolConfig{IdleTime: idle})
	during(t, p, func() { checkCount(t, p, 1) })
	if got := p.Idle(); got != 2 {
		t.Fatalf("%d instances are idle, want 2", got)
	}
	for deadline := time.Now().Add(5 * time.Second); p.Idle() > 0; time.Sleep(idle / 4) {
		if time.Now().After(deadline) {
			t.Fatalf("%d instances are idle after 5 s", p.Idle())
		}
	}
	checkCount(t, p, 1)
}

func TestInstancesInUseAreKept(t *testing.T) {
	p, _ := newPool(t, counting(), sandbox.PoolConfig{IdleTime: time.Hour})
	during(t, p, func() { checkCount(t, p, 1) })
	p.Trim() // looks at who is there
	for session := range uint32(3) {
		checkCount(t, p, session+2)
		p.Trim()
		if got := p.Idle(); got != 1 {
			t.Errorf("%d instances are idle, want the one that is needed", got)
		}
	}
	p.Trim()
	if got := p.Idle(); got != 0 {
		t.Errorf("%d instances are idle although none was needed", got)
	}
}

func TestWhatLosesTheInstance(t *testing.T) {
	trapping := counting()
	trapping.OnEvent = Seq(trapping.OnEvent, Unreachable())
	for _, test := range []struct {
		name    string
		handler *Handler
		events  []exchange.Event
		end     error
		want    int64 // instances afterwards
	}{
		{"complete", counting(), get(), nil, 1},
		{"closed in the middle", counting(), get(), exchange.ErrClosed, 1},
		{"out of time", counting(), get(), exchange.ErrWallTime, 1},
		{"closed before the handler heard of it", counting(), nil, exchange.ErrClosed, 1},
		{"trap", trapping, get(), nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			owner := account.New(nil)
			p, _ := newPool(t, test.handler, sandbox.PoolConfig{Account: owner})
			x := &exchangetest.Exchange{Events: test.events, End: test.end, Silent: true}
			if err := p.Serve(x); err != test.end && test.end != nil {
				t.Fatal(err)
			}
			if got := owner.Instances.Load(); got != test.want {
				t.Errorf("%d instances are left, want %d", got, test.want)
			}
		})
	}
}

func TestClosing(t *testing.T) {
	l, _ := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", counting().Encode())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NewPool(sandbox.PoolConfig{})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	m.Close()
	if _, err := m.NewPool(sandbox.PoolConfig{}); err == nil {
		t.Error("a closed module made a pool")
	}
	checkCount(t, p, 1) // the pool keeps what it needs
	during(t, p, func() { p.Close(); p.Close() })
	if got := p.Idle(); got != 0 {
		t.Errorf("a closed pool keeps %d instances", got)
	}
	if got := l.Compiled(); got != 0 {
		t.Errorf("%d modules are kept although nothing uses them", got)
	}
	if err := p.Serve(&exchangetest.Exchange{Events: get()}); err == nil {
		t.Error("a closed pool answered")
	}
}

// A closed pool serves nobody, even if another keeps the machine code, and lets what runs end.
func TestClosedPoolLeavesTheExchange(t *testing.T) {
	l, _ := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", counting().Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.NewPool(sandbox.PoolConfig{})
	if err != nil {
		t.Fatal(err)
	}
	during(t, p, func() {
		p.Close()
		x := &exchangetest.Exchange{Events: get()}
		if err := p.Serve(x); !errors.Is(err, sandbox.ErrClosed) || x.Log() != "" || len(x.Events) != len(get()) {
			t.Errorf("a closed pool returned %v and did %q", err, x.Log())
		}
		if got := p.Running(); got != 1 {
			t.Errorf("%d sessions run in the closed pool, want 1", got)
		}
	})
	if running, instances := p.Running(), l.Instances(); running != 0 || instances != 0 {
		t.Errorf("%d sessions and %d instances are left", running, instances)
	}
}

// The account says what there is, whether it waits or works, and follows memories that grow.
func TestAccount(t *testing.T) {
	const page = 64 << 10
	growing := counting()
	growing.OnEvent = Seq(growing.OnEvent, Drop(MemoryGrow(Const(1))))
	failing := counting()
	failing.OnEvent = Seq(failing.OnEvent, Unreachable())
	for _, test := range []struct {
		name              string
		handler           *Handler
		instances, memory int64 // afterwards, beside the image
		traps             int64
	}{
		{"good end", counting(), 1, 2 * page, 0},
		{"memory grows", growing, 1, 3 * page, 0},
		{"bad end", failing, 0, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tenant := account.New(nil)
			p, _ := newPool(t, test.handler, sandbox.PoolConfig{Account: account.New(tenant)})
			image := tenant.Memory.Load() - 2*page
			if image <= 0 || image > 2*page {
				t.Errorf("the image takes %d bytes", image)
			}
			check := func(when string, instances, memory int64) {
				t.Helper()
				if i, m := tenant.Instances.Load(), tenant.Memory.Load(); i != instances || m != memory {
					t.Errorf("%s: %d instances with %d bytes, want %d with %d", when, i, m, instances, memory)
				}
			}
			check("at first", 1, 2*page+image)
			x := &exchangetest.Exchange{Events: get(), Silent: true, Heard: func(*exchange.Event) {
				check("at work", 1, 2*page+image)
			}}
			if err := p.Serve(x); (err != nil) != (test.traps > 0) {
				t.Fatal(err)
			}
			check("afterwards", test.instances, test.memory+image)
			if got := tenant.Faults[account.FaultTrap].Load(); got != test.traps {
				t.Errorf("%d traps, want %d", got, test.traps)
			}
			if tenant.Requests.Load() != 1 || tenant.Running.Load() != 0 || tenant.Fuel.Load() <= 0 {
				t.Errorf("%d requests, %d running, %d units of fuel", tenant.Requests.Load(), tenant.Running.Load(), tenant.Fuel.Load())
			}
			p.Close()
			check("closed", 0, 0)
		})
	}
}

func TestEqualModulesAreCompiledOnce(t *testing.T) {
	l, _ := newLoader(t, sandbox.Config{})
	var modules []*sandbox.Module
	for _, h := range []*Handler{Hello(), Hello(), Echo()} {
		m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	for i, want := range []int{2, 2, 1, 0} {
		if got := l.Compiled(); got != want {
			t.Errorf("after closing %d of 3 modules: %d kept, want %d", i, got, want)
		}
		if i < len(modules) {
			modules[i].Close()
		}
	}
}

// TestEqualCodeIsCompiledOnce has modules share their code that differ in what their memories and globals begin with. Every
// instance begins with its own module's, whether it has an image to begin with or not, because the first has changed a table.
func TestEqualCodeIsCompiledOnce(t *testing.T) {
	const at = 1 << 16
	growTable := Drop(Code{0xd0, 0x70, 0x41, 1, 0xfc, 0x0f, 0}) // ref.null func, i32.const 1, table.grow 0
	for name, initialize := range map[string]Code{"with an image": nil, "without": growTable} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLoader(t, sandbox.Config{})
			for n := range uint32(3) {
				h := NewHandler(abi.SubscriptionsReady)
				global := h.Global(int32(10 + n))
				h.Data(at, Words(20+n))
				h.Table(AtLeast(1))
				h.Initialize = initialize
				h.OnEvent = Seq(
					Store(Const(at), 4, GetGlobal(global)),
					Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), Const(at), Const(8))),
					SetGlobal(global, Const(-1)), Store(Const(at), 0, Const(-1)))
				m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(m.Close)
				for _, reuse := range []int{0, 1} { // with 1, each session has a new instance
					checkFresh(t, m, reuse, fmt.Sprintf("send 200 %q\n", Words(20+n, 10+n)))
				}
			}
			if got := l.Compiled(); got != 1 {
				t.Errorf("%d modules' code is kept, want one", got)
			}
		})
	}
}

// checkFresh has a module answer three requests alike.
func checkFresh(t *testing.T, m *sandbox.Module, reuse int, want string) {
	t.Helper()
	p, err := m.NewPool(sandbox.PoolConfig{MaxReuse: reuse})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for range 3 {
		x := &exchangetest.Exchange{Events: get()}
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		if x.Log() != want {
			t.Errorf("got %s, want %s", x.Log(), want)
		}
		x.Disconnect()
	}
}

// TestManyAtATime is for the race detector.
func TestManyAtATime(t *testing.T) {
	p, _ := newPool(t, Pull(), sandbox.PoolConfig{PoolSize: 2, IdleTime: time.Millisecond})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				x := &exchangetest.Exchange{Events: post("one", "two")}
				if err := p.Serve(x); err != nil {
					t.Error(err)
				}
				if want := "send_head 200\nsend_data \"one\"\nsend_data \"two\"\nsend_end\n"; x.Log() != want {
					t.Errorf("the exchange heard\n%s", x.Log())
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkServe has requests answered: one without fields, and one of a browser's size.
func BenchmarkServe(b *testing.B) {
	sandbox.TrustMarks(b)
	for _, bench := range []struct {
		name    string
		handler *Handler
		x       *exchangetest.Exchange
	}{
		{"push small", Hello(), &exchangetest.Exchange{Silent: true, Events: exchangetest.Request(exchangetest.Line("GET", "/"), exchange.Fields{})}},
		{"push", Hello(), browser()},
		{"pull", Pull(), browser()},
		{"trap", faulty(func(*Handler) Code { return Unreachable() }), browser()}, // with a new instance each time
	} {
		wasm := bench.handler.Encode()
		b.Run(bench.name, func(b *testing.B) {
			p, _ := newPoolOf(b, wasm, sandbox.PoolConfig{})
			b.ReportAllocs()
			for b.Loop() {
				bench.x.Reset()
				p.Resume()
				p.Serve(bench.x)
			}
		})
	}
}

// browser is a request with 15 fields and a small body.
func browser() *exchangetest.Exchange {
	var pairs []string
	for range 15 {
		pairs = append(pairs, "X-Field-Name", "a value of 25 characters.")
	}
	return &exchangetest.Exchange{Silent: true,
		Events: exchangetest.Request(exchangetest.Line("GET", "/path"), exchange.NewFields(pairs...), "body")}
}

func TestServingDoesNotAllocate(t *testing.T) {
	for name, h := range map[string]*Handler{"push": Hello(), "pull": Pull(), "echo": Echo()} {
		t.Run(name, func(t *testing.T) {
			p, _ := newPool(t, h, sandbox.PoolConfig{})
			x := browser()
			allocs := testing.AllocsPerRun(100, func() {
				x.Reset()
				if err := p.Serve(x); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations per request, want none", allocs)
			}
		})
	}
}
