package tenancy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	. "github.com/sluicehttp/sluice/engine/internal/tenancy"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// patience is how long a test waits for what should come soon.
const patience = 20 * time.Second

// fixture is a registry with what it needs and where it logs.
type fixture struct {
	*Registry
	loader *sandbox.Loader
	log    *syncBuffer
}

func newFixture(t testing.TB, config Config) *fixture {
	t.Helper()
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{log: &syncBuffer{}}
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if f.loader, err = sandbox.NewLoader(t.Context(), r, sandbox.Config{Log: config.Log}); err != nil {
		t.Fatal(err)
	}
	config.Loader = f.loader
	if config.Idle == 0 {
		config.Idle = time.Hour
	}
	f.Registry = NewRegistry(config)
	t.Cleanup(func() {
		if err := errors.Join(f.Close(context.Background()), r.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if modules, instances := f.loader.Compiled(), f.loader.Instances(); modules != 0 || instances != 0 {
			t.Errorf("%d modules and %d instances are left", modules, instances)
		}
	})
	return f
}

// syncBuffer is a place to log that may be looked at meanwhile.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

// source is a module that can be changed where it lies.
type source struct {
	wasm   atomic.Pointer[[]byte]
	opened atomic.Int64
	wait   chan struct{} // until it is closed, opening waits; nil: it does not
}

func newSource(wasm []byte) *source {
	s := &source{}
	s.set(wasm)
	return s
}

func (s *source) set(wasm []byte) { s.wasm.Store(&wasm) }

func (s *source) module() Module {
	return Module{Name: "handler.wasm", Open: func() ([]byte, error) {
		s.opened.Add(1)
		if s.wait != nil {
			<-s.wait
		}
		return *s.wasm.Load(), nil
	}}
}

func moduleOf(wasm []byte) Module { return newSource(wasm).module() }

// says is a module that answers with a text.
func says(text string) []byte {
	h := wasmtest.NewHandler(abi.SubscriptionsReady)
	// Modules with equal code would share it.
	different := wasmtest.Drop(wasmtest.Const(int32(crc32.ChecksumIEEE([]byte(text)))))
	h.OnEvent = append(different, wasmtest.Drop(wasmtest.Do("send", wasmtest.Get(wasmtest.Session), wasmtest.Const(200),
		wasmtest.Const(0), wasmtest.Const(0), h.Text(text)))...)
	return h.Encode()
}

// set has the registry serve slots, all of one tenant.
func (f *fixture) set(configs ...SlotConfig) (Summary, error) {
	change, err := f.Begin(context.Background())
	if err != nil {
		return Summary{}, err
	}
	var may sandbox.TenantConfig
	owner := change.Owner(may)
	var routes []Route
	for _, config := range configs {
		config.Pool.Tenant = owner
		slot, err := change.Slot(config)
		if err != nil {
			change.Discard()
			return Summary{}, err
		}
		routes = append(routes, Route{Path: "/" + config.Name, Slot: slot})
	}
	return change.Commit(NewTable(NewTenant(may, owner, routes), 0)), nil
}

func (f *fixture) mustSet(t testing.TB, configs ...SlotConfig) Summary {
	t.Helper()
	summary, err := f.set(configs...)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// ask has a route answer a request and says what it did.
func (f *fixture) ask(route string) string { return serve(f.Registry.Slot(route)) }

func serve(handler exchange.Handler) string {
	x := &exchangetest.Exchange{Events: request()}
	return outcome(x, handler.Serve(x))
}

// outcome is what has become of an exchange: what the handler did, or the error, and when to try again.
func outcome(x *exchangetest.Exchange, err error) string {
	var later interface{ RetryAfter() time.Duration }
	switch {
	case err == nil:
		return strings.TrimSuffix(x.Log(), "\n")
	case errors.As(err, &later) && errors.Is(err, exchange.ErrPaused):
		return fmt.Sprintf("%v; again in %d s", err, int64(later.RetryAfter().Seconds()+0.99))
	}
	return err.Error()
}

func request() []exchange.Event {
	return exchangetest.Request(exchangetest.Line("GET", "/"), exchange.NewFields("Host", "example.org"))
}

func sent(text string) string { return fmt.Sprintf("send 200 %q", text) }

func check(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// await waits until a condition is true.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// during runs do while a request of a slot is with its handler, and says what became of that request.
func during(slot exchange.Handler, do func()) string {
	once := sync.OnceFunc(do)
	x := &exchangetest.Exchange{Events: request(), Heard: func(*exchange.Event) { once() }}
	return outcome(x, slot.Serve(x))
}

// A request under way ends on the handler that it began with, and that handler then goes.
func TestReplace(t *testing.T) {
	f := newFixture(t, Config{})
	f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf(says("one"))})
	check(t, f.ask("r"), sent("one"))
	check(t, during(f.Registry.Slot("r"), func() {
		if err := f.Replace(t.Context(), "r", moduleOf(says("two"))); err != nil {
			t.Error(err)
		}
		check(t, f.ask("r"), sent("two"))
		if got := f.loader.Compiled(); got != 2 {
			t.Errorf("%d modules while one of the old still runs, want 2", got)
		}
	}), sent("one"))
	if modules, instances := f.loader.Compiled(), f.loader.Instances(); modules != 1 || instances != 1 {
		t.Errorf("%d modules with %d instances afterwards, want 1 with 1", modules, instances)
	}
	if f.log.count("handler replaced") != 1 || f.log.count("running_on_old=1") != 1 {
		t.Errorf("the log: %s", &f.log.text)
	}
}

func TestReplaceRefused(t *testing.T) {
	f := newFixture(t, Config{})
	f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf(says("one"))})
	broken := errors.New("gone")
	for _, test := range []struct {
		route  string
		module Module
		want   string
	}{
		{"s", moduleOf(says("two")), `there is no route "s"`},
		{"r", moduleOf([]byte("\x00asm\x01\x00\x00\x00")), "handler handler.wasm: it exports no function subscriptions; " +
			"a handler exports subscriptions () -> i32 (and 3 more problems)"},
		{"r", Module{Name: "m", Open: func() ([]byte, error) { return nil, broken }}, "handler m: gone"},
	} {
		if err := f.Replace(t.Context(), test.route, test.module); err == nil || err.Error() != test.want {
			t.Errorf("\n got %v\nwant %s", err, test.want)
		}
		check(t, f.ask("r"), sent("one"))
	}
	if got := f.loader.Compiled(); got != 1 {
		t.Errorf("%d modules, want 1", got)
	}
	if got := f.Stats().Replaced; got != 0 {
		t.Errorf("%d replaced, want none", got)
	}
}

// Many changes of two routes while requests come: every request is answered by some version, and nothing is left over.
func TestChangesUnderLoad(t *testing.T) {
	f := newFixture(t, Config{})
	versions := [][]byte{says("one"), says("two")}
	configs := func(version int) []SlotConfig {
		return []SlotConfig{
			{Name: "r", Module: moduleOf(versions[version])},
			{Name: "s", Module: moduleOf(versions[version]), Lazy: true},
		}
	}
	f.mustSet(t, configs(0)...)
	stop := make(chan struct{})
	var clients, changes sync.WaitGroup
	var served atomic.Int64
	for i := range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				match := f.Route(nil, []byte("/"+[]string{"r", "s"}[i%2]), []byte("GET"))
				if got := serve(match.Route.Handler); got != sent("one") && got != sent("two") {
					t.Errorf("got %s", got)
				}
				served.Add(1)
			}
		})
	}
	for i := range 3 {
		changes.Go(func() {
			for n := range 50 {
				var err error
				switch i {
				case 2:
					_, err = f.set(configs(n % 2)...)
				default:
					err = f.Replace(t.Context(), []string{"r", "s"}[i], moduleOf(versions[n%2]))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	changes.Wait()
	close(stop)
	clients.Wait()
	t.Logf("%d requests served", served.Load())
	f.mustSet(t, configs(0)...)
	if got := f.loader.Compiled(); got != 1 {
		t.Errorf("%d modules are left, want 1", got)
	}
	stats := f.Stats()
	if stats.Replaced != 100 || stats.Reloaded != 52 {
		t.Errorf("%+v", stats)
	}
	account, _ := f.Tenant("")
	if got := account.Requests.Load(); got != served.Load() {
		t.Errorf("%d requests counted, want %d", got, served.Load())
	}
	if got, want := account.Instances.Load(), int64(f.loader.Instances()); got != want {
		t.Errorf("the account has %d instances, and there are %d", got, want)
	}
}

// A change takes over what has stayed as it was, with its instances.
func TestChange(t *testing.T) {
	f := newFixture(t, Config{})
	pool := sandbox.PoolConfig{Limits: sandbox.Limits{Wall: time.Second}}
	other := sandbox.PoolConfig{Limits: sandbox.Limits{Wall: 2 * time.Second}}
	f.mustSet(t,
		SlotConfig{Name: "same", Module: moduleOf(says("same")), Pool: pool},
		SlotConfig{Name: "module", Module: moduleOf(says("one"))},
		SlotConfig{Name: "pool", Module: moduleOf(says("pool")), Pool: pool},
		SlotConfig{Name: "idle", Module: moduleOf(says("idle")), Lazy: true},
		SlotConfig{Name: "busy", Module: moduleOf(says("one")), Lazy: true},
		SlotConfig{Name: "gone", Module: moduleOf(says("gone"))},
	)
	same, gone := f.Registry.Slot("same"), f.Registry.Slot("gone")
	check(t, f.ask("busy"), sent("one"))
	check(t, f.ask("same"), sent("same"))
	var summary Summary
	check(t, during(f.Registry.Slot("module"), func() {
		summary = f.mustSet(t,
			SlotConfig{Name: "same", Module: moduleOf(says("same")), Pool: pool},
			SlotConfig{Name: "module", Module: moduleOf(says("two"))},
			SlotConfig{Name: "pool", Module: moduleOf(says("pool")), Pool: other},
			SlotConfig{Name: "idle", Module: moduleOf(says("idle")), Lazy: true},
			SlotConfig{Name: "busy", Module: moduleOf(says("two")), Lazy: true},
			SlotConfig{Name: "new", Module: moduleOf(says("new"))},
		)
	}), sent("one"))
	if got, want := fmt.Sprint(summary.Changed, summary.Removed, summary.Running), "[module pool busy new] [gone] 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if f.Registry.Slot("same") != same {
		t.Error("a handler that has not changed was made anew")
	}
	if f.Registry.Slot("idle").Loaded() || !f.Registry.Slot("busy").Loaded() {
		t.Error("of the lazy handlers not just the one at work was loaded")
	}
	for _, name := range []string{"same", "pool", "idle", "new"} {
		check(t, f.ask(name), sent(name))
	}
	check(t, f.ask("module"), sent("two"))
	check(t, f.ask("busy"), sent("two"))
	check(t, serve(gone), sent("gone")) // who has found it a moment before is still served
	await(t, "the route that is gone goes", func() bool { return !gone.Loaded() })
	check(t, serve(gone), `send 404 [Content-Type: text/plain; charset=utf-8] "404 Not Found\n"`)
}

// Whoever has found a slot before a change is served by the one in its place.
func TestSuccessors(t *testing.T) {
	f := newFixture(t, Config{})
	f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf(says("one"))})
	first := f.Registry.Slot("r")
	for _, text := range []string{"two", "three"} {
		f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf(says(text))})
		check(t, serve(first), sent(text))
	}
}

// A change that fails leaves everything as it was.
func TestChangeRefused(t *testing.T) {
	f := newFixture(t, Config{})
	lazy := newSource(says("lazy"))
	f.mustSet(t,
		SlotConfig{Name: "r", Module: moduleOf(says("one"))},
		SlotConfig{Name: "s", Module: lazy.module(), Lazy: true})
	check(t, f.ask("s"), sent("lazy"))
	for _, broken := range []string{"r", "s"} {
		wasm := map[string][]byte{"r": says("two"), "s": says("two")}
		wasm[broken] = []byte("no module")
		_, err := f.set(
			SlotConfig{Name: "new", Module: moduleOf(says("new"))},
			SlotConfig{Name: "r", Module: moduleOf(wasm["r"])},
			SlotConfig{Name: "s", Module: moduleOf(wasm["s"]), Lazy: true})
		if err == nil || !strings.HasPrefix(err.Error(), "handler handler.wasm: ") {
			t.Errorf("%s: got %v", broken, err)
		}
		check(t, f.ask("r"), sent("one"))
		check(t, f.ask("s"), sent("lazy"))
		if f.Registry.Slot("new") != nil {
			t.Error("a route came all the same")
		}
		if got := f.loader.Compiled(); got != 2 {
			t.Errorf("%d modules, want 2", got)
		}
	}
}

// A lazy handler is loaded by the first of many requests, and all are answered by it.
func TestLazy(t *testing.T) {
	f := newFixture(t, Config{})
	lazy := newSource(says("lazy"))
	lazy.wait = make(chan struct{})
	f.mustSet(t, SlotConfig{Name: "r", Module: lazy.module(), Lazy: true})
	if f.loader.Compiled() != 0 || lazy.opened.Load() != 0 {
		t.Error("it was loaded before the first request")
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { check(t, f.ask("r"), sent("lazy")) })
	}
	await(t, "loading begins", func() bool { return lazy.opened.Load() > 0 })
	close(lazy.wait)
	group.Wait()
	if got := lazy.opened.Load(); got != 1 {
		t.Errorf("it was loaded %d times", got)
	}
}

// A request waits no longer than it may, and what is loaded then serves the next.
func TestLoadingTakesTooLong(t *testing.T) {
	f := newFixture(t, Config{})
	lazy := newSource(says("lazy"))
	lazy.wait = make(chan struct{})
	f.mustSet(t, SlotConfig{Name: "r", Module: lazy.module(), Lazy: true})
	for _, test := range []struct {
		stop error
		want string
	}{
		{exchange.ErrWallTime, "loading the handler takes too long; again in 0 s"},
		{exchange.ErrClosed, exchange.ErrClosed.Error()},
	} {
		x := &exchangetest.Exchange{Events: request(), Stop: test.stop}
		check(t, outcome(x, f.Registry.Slot("r").Serve(x)), test.want)
	}
	close(lazy.wait)
	await(t, "it is loaded", f.Registry.Slot("r").Loaded)
	check(t, f.ask("r"), sent("lazy"))
}

// unavailable is the answer in place of a handler that could not be loaded.
func unavailable(seconds int) string {
	return fmt.Sprintf("the handler could not be loaded; again in %d s", seconds)
}

// checkUnavailable is about an answer that says when to come again, as time passes a little earlier.
func checkUnavailable(t *testing.T, got string, seconds int) {
	t.Helper()
	for passed := range int(patience / time.Second) {
		if got == unavailable(seconds-passed) {
			return
		}
	}
	t.Errorf("got %s, want %s", got, unavailable(seconds))
}

// Loading that fails is tried again, but not by every request, and told once.
func TestLoadingFails(t *testing.T) {
	f := newFixture(t, Config{Pause: 1000 * time.Second})
	lazy := newSource([]byte("no module"))
	f.mustSet(t, SlotConfig{Name: "r", Module: lazy.module(), Lazy: true})
	slot := f.Registry.Slot("r")
	for i, seconds := range []int{1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000} {
		for range 3 {
			checkUnavailable(t, f.ask("r"), seconds)
		}
		if got := lazy.opened.Load(); got != int64(i+1) {
			t.Errorf("it was tried %d times, want %d", got, i+1)
		}
		slot.Again()
	}
	if got := f.log.count("handler cannot be loaded"); got != 1 {
		t.Errorf("the log has it %d times", got)
	}
	lazy.set([]byte("\x00asm\x01\x00\x00\x00"))
	checkUnavailable(t, f.ask("r"), 64_000)
	if got := f.log.count("it exports no function"); got != 1 {
		t.Errorf("the log has the other reason %d times", got)
	}
	lazy.set(says("mended"))
	checkUnavailable(t, f.ask("r"), 64_000)
	slot.Again()
	check(t, f.ask("r"), sent("mended"))
	account, _ := f.Tenant("")
	if requests, refused := account.Requests.Load(), account.Refused.Load(); requests != 1 || refused != 26 {
		t.Errorf("%d requests served and %d refused, want 1 and 26", requests, refused)
	}
	if f.loader.Compiled() != 1 {
		t.Errorf("%d modules", f.loader.Compiled())
	}
}

// Whoever replaces a handler that could not be loaded need not wait for the pause to end.
func TestReplaceAfterFailure(t *testing.T) {
	f := newFixture(t, Config{Pause: 1000 * time.Second})
	f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf([]byte("no module")), Lazy: true})
	checkUnavailable(t, f.ask("r"), 1000)
	if err := f.Replace(t.Context(), "r", moduleOf(says("good"))); err != nil {
		t.Fatal(err)
	}
	check(t, f.ask("r"), sent("good"))
	f.Registry.Slot("r").Unload()
	check(t, f.ask("r"), sent("good"))
}

// What is replaced while it is being loaded is not loaded over the new one.
func TestReplaceDuringLoading(t *testing.T) {
	f := newFixture(t, Config{})
	lazy := newSource(says("old"))
	lazy.wait = make(chan struct{})
	f.mustSet(t, SlotConfig{Name: "r", Module: lazy.module(), Lazy: true})
	answer := make(chan string)
	go func() { answer <- f.ask("r") }()
	await(t, "loading begins", func() bool { return lazy.opened.Load() > 0 })
	if err := f.Replace(t.Context(), "r", moduleOf(says("new"))); err != nil {
		t.Fatal(err)
	}
	close(lazy.wait)
	check(t, <-answer, sent("new"))
	await(t, "the old one goes", func() bool { return f.loader.Compiled() == 1 })
}

// Handlers without requests go, those of routes that are not lazy and those at work stay.
func TestIdle(t *testing.T) {
	const idle = 40 * time.Millisecond
	f := newFixture(t, Config{Idle: idle})
	f.mustSet(t,
		SlotConfig{Name: "own", Module: moduleOf(says("own"))},
		SlotConfig{Name: "a", Module: moduleOf(says("a")), Lazy: true},
		SlotConfig{Name: "b", Module: moduleOf(says("b")), Lazy: true})
	check(t, f.ask("a"), sent("a"))
	check(t, during(f.Registry.Slot("b"), func() {
		await(t, "the idle handler goes", func() bool { return !f.Registry.Slot("a").Loaded() })
		time.Sleep(2 * idle)
		if !f.Registry.Slot("b").Loaded() || !f.Registry.Slot("own").Loaded() {
			t.Error("a handler at work has gone, or one that is not lazy")
		}
	}), sent("b"))
	await(t, "the other goes too", func() bool { return f.loader.Compiled() == 1 })
	check(t, f.ask("a"), sent("a"))
	for end := time.Now().Add(3 * idle); time.Now().Before(end); time.Sleep(idle / 10) {
		check(t, f.ask("a"), sent("a"))
	}
	if got := f.log.count(`route=a reason="it had no requests"`); got != 1 {
		t.Errorf("a handler that is used has gone %d times, want once", got)
	}
}

// Beyond the bound the handler used longest ago goes.
func TestMaxLoaded(t *testing.T) {
	f := newFixture(t, Config{MaxLoaded: 2})
	var configs []SlotConfig
	for _, name := range []string{"a", "b", "c", "d"} {
		configs = append(configs, SlotConfig{Name: name, Module: moduleOf(says(name)), Lazy: true})
	}
	f.mustSet(t, configs...)
	loaded := func() (names string) {
		for _, config := range configs {
			if f.Registry.Slot(config.Name).Loaded() {
				names += config.Name
			}
		}
		return names
	}
	for _, step := range []struct{ ask, want string }{{"a", "a"}, {"b", "ab"}, {"c", "bc"}, {"b", "bc"}, {"d", "bd"}} {
		check(t, f.ask(step.ask), sent(step.ask))
		f.LookForIdle() // a look at the uses, so that the order is known
		await(t, "loaded are "+step.want, func() bool { return loaded() == step.want })
	}
	check(t, during(f.Registry.Slot("b"), func() {
		check(t, during(f.Registry.Slot("d"), func() {
			check(t, f.ask("a"), sent("a")) // nothing else can go
			check(t, loaded(), "abd")
		}), sent("d"))
	}), sent("b"))
}

// Closing waits for what is being loaded, and afterwards nothing changes.
func TestClose(t *testing.T) {
	f := newFixture(t, Config{})
	lazy := newSource(says("lazy"))
	lazy.wait = make(chan struct{})
	f.mustSet(t,
		SlotConfig{Name: "r", Module: moduleOf(says("one"))},
		SlotConfig{Name: "s", Module: lazy.module(), Lazy: true})
	answer, replaced := make(chan string), make(chan error)
	go func() { answer <- f.ask("s") }()
	go func() { replaced <- f.Replace(context.Background(), "r", lazy.module()) }()
	await(t, "both are being loaded", func() bool { return lazy.opened.Load() == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := f.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closing while something is loaded: %v", err)
	}
	close(lazy.wait)
	check(t, <-answer, "the handler could not be loaded; again in 1 s")
	if err := <-replaced; !errors.Is(err, context.Canceled) {
		t.Errorf("what was being replaced: %v", err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := f.Replace(t.Context(), "r", lazy.module()); !errors.Is(err, ErrClosed) {
		t.Errorf("replacing afterwards: %v", err)
	}
	if _, err := f.set(); !errors.Is(err, ErrClosed) {
		t.Errorf("changing afterwards: %v", err)
	}
	if modules, instances := f.loader.Compiled(), f.loader.Instances(); modules != 0 || instances != 0 {
		t.Errorf("%d modules and %d instances are left", modules, instances)
	}
}

// BenchmarkServe is what a request costs through a slot, and through its pool alone: medians of alternating turns, because the
// difference is smaller than what machines change from one moment to the next.
func BenchmarkServe(b *testing.B) {
	const turn = 200 // requests
	f := newFixture(b, Config{})
	f.mustSet(b, SlotConfig{Name: "r", Module: moduleOf(says("one"))})
	module, err := f.loader.Load(b.Context(), "handler.wasm", says("one"))
	if err != nil {
		b.Fatal(err)
	}
	defer module.Close()
	pool, err := module.NewPool(sandbox.PoolConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	x := &exchangetest.Exchange{Events: request(), Silent: true}
	handlers := []exchange.Handler{f.Registry.Slot("r"), pool}
	turns := make([][]float64, len(handlers))
	for b.Loop() {
		for i, handler := range handlers {
			began := time.Now()
			for range turn {
				x.Reset()
				if err := handler.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
			turns[i] = append(turns[i], float64(time.Since(began))/turn)
		}
	}
	for i, name := range []string{"slot-ns", "pool-ns"} {
		slices.Sort(turns[i])
		b.ReportMetric(turns[i][len(turns[i])/2], name)
	}
	b.ReportMetric(0, "ns/op")
}

// A slot adds no allocation to what its pool does.
func TestServeAllocatesNothing(t *testing.T) {
	f := newFixture(t, Config{Log: slog.New(slog.DiscardHandler)})
	f.mustSet(t, SlotConfig{Name: "r", Module: moduleOf(says("one"))})
	x := &exchangetest.Exchange{Events: request(), Silent: true}
	slot := f.Registry.Slot("r")
	if n := testing.AllocsPerRun(200, func() {
		x.Reset()
		if err := slot.Serve(x); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}
