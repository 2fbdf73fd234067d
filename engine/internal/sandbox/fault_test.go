package sandbox_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// wasi imports a function of WASI with so many parameters of type i32.
func wasi(h *Handler, name string, params int, results ...ValueType) uint32 {
	s := Signature{Results: results}
	for range params {
		s.Params = append(s.Params, I32)
	}
	return h.Import("wasi_snapshot_preview1", name, s)
}

// abort imports AssemblyScript's function.
func abort(h *Handler) uint32 {
	return h.Import("env", "abort", Signature{Params: []ValueType{I32, I32, I32, I32}})
}

// faulty makes a handler that answers requests without body and fails at others.
func faulty(fail func(h *Handler) Code) *Handler {
	h := NewHandler(abi.SubscriptionsReady)
	code := fail(h)
	h.OnEvent = IfElse(Load(Get(Payload), abi.MessageBodyOffset+4), code, Drop(Do("send_end", Get(Session))))
	return h
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		fail   func(h *Handler) Code
		kind   sandbox.FaultKind
		status uint16
		reason string // how it begins
	}{
		{"unreachable", func(*Handler) Code { return Unreachable() },
			sandbox.FaultTrap, 500, fmt.Sprintf(
				"in on_event: wasm error: unreachable\nwasm stack trace:\n\t.$%d(i32,i32,i32,i32)", len(abi.HandlerImports)+2)},
		{"access outside of the memory", func(*Handler) Code { return Drop(Load(Const(-4), 0)) },
			sandbox.FaultTrap, 500, "in on_event: wasm error: out of bounds memory access"},
		{"endless recursion", func(h *Handler) Code {
			self := uint32(len(abi.HandlerImports))
			h.Func(Signature{}, 0, Call(self))
			return Call(self)
		}, sandbox.FaultTrap, 500, "in on_event: stack overflow"},
		{"exit", func(h *Handler) Code { return Call(wasi(h, "proc_exit", 1), Const(3)) },
			sandbox.FaultTrap, 500, "in on_event: the module called proc_exit(3)"},
		{"abort", func(h *Handler) Code {
			text := func(at int32, s string) Code { // a string of AssemblyScript
				h.Data(at-4, Words(uint32(2*len(s))))
				for i, r := range []byte(s) {
					h.Data(at+int32(2*i), []byte{r, 0})
				}
				return Const(at)
			}
			return Call(abort(h), text(1<<15, "no\x1b way"), text(1<<15+100, "a.ts"), Const(12), Const(5))
		}, sandbox.FaultTrap, 500, `in on_event: the module called abort: no\x1b way (a.ts:12:5)`},
		{"abort with strings that are not there", func(h *Handler) Code {
			return Call(abort(h), Const(0), Const(-5), Const(-1), Const(0))
		}, sandbox.FaultTrap, 500, `in on_event: the module called abort: null (no string:4294967295:0)`},
		{"abort with strings that lie", func(h *Handler) Code {
			h.Data(1<<16+1000, Words(math.MaxUint32))
			return Call(abort(h), Const(2<<16-1), Const(1), Const(0), Const(0))
		}, sandbox.FaultTrap, 500, `in on_event: the module called abort: `},
		{"poll that never ends", func(h *Handler) Code {
			// One subscription, to a clock, for as long as 64 bits can say.
			return Seq(Store(Const(1<<16), 24, Const(-1)), Store(Const(1<<16), 28, Const(-1)),
				Drop(Call(wasi(h, "poll_oneoff", 4, I32), Const(1<<16), Const(1<<16+64), Const(1), Const(1<<16+128))))
		}, sandbox.FaultExhausted, 503, "limit handler_wall: in on_event: the handler slept for too long: 2562047h47m16.854775807s more where 30s are left of 30s"},
		{"trap while the receive buffer grows", func(h *Handler) Code {
			h.ReceiveBuffer = Seq(If(Get(0), Unreachable()), Const(RecordAddress))
			return Seq()
		}, sandbox.FaultTrap, 500, "in receive_buffer: wasm error: unreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, log := newPool(t, faulty(test.fail), sandbox.PoolConfig{Limits: sandbox.Limits{CPU: 10 * time.Second}})
			body := "body"
			if strings.Contains(test.reason, "receive_buffer") {
				body = strings.Repeat("x", 2*BufferSize)
			}
			for range 2 { // the second time in a new instance
				err := p.Serve(&exchangetest.Exchange{Events: post(body)})
				checkFault(t, err, test.kind, test.status, test.reason)
				if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
			if log.Len() > 0 {
				t.Errorf("logged %s", log)
			}
		})
	}
}

func checkFault(t *testing.T, err error, kind sandbox.FaultKind, status uint16, reason string) {
	t.Helper()
	var fault *sandbox.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("got error %v, want a fault", err)
	}
	if fault.Kind != kind || fault.Status() != status || !strings.HasPrefix(fault.Reason.Error(), reason) {
		t.Errorf("got %s (%d): %v\nwant %s (%d): %s", fault.Kind, fault.Status(), fault.Reason, kind, status, reason)
	}
}

func TestSleepIsBoundedInEachSession(t *testing.T) {
	const limit = 50 * time.Millisecond
	for name, test := range map[string]struct {
		loader sandbox.Config
		pool   sandbox.PoolConfig
	}{
		"by the loader":    {sandbox.Config{MaxSleep: limit}, sandbox.PoolConfig{}},
		"more by the pool": {sandbox.Config{MaxSleep: limit / 5}, sandbox.PoolConfig{Limits: sandbox.Limits{Wall: limit}}},
		"less by the pool": {sandbox.Config{}, sandbox.PoolConfig{Limits: sandbox.Limits{Wall: limit}}},
	} {
		t.Run(name, func(t *testing.T) { testSleep(t, test.loader, test.pool) })
	}
}

// testSleep expects that a handler may sleep for 50 ms in each session.
func testSleep(t *testing.T, loader sandbox.Config, pool sandbox.PoolConfig) {
	h := NewHandler(abi.SubscriptionsDataReady)
	poll := wasi(h, "poll_oneoff", 4, I32)
	// A subscription of 48 bytes to a clock: its kind is 0, the time to wait lies at byte 24.
	h.Data(1<<16+24, binary.LittleEndian.AppendUint64(nil, uint64(30*time.Millisecond)))
	h.OnEvent = If(Call(poll, Const(1<<16), Const(1<<16+64), Const(1), Const(1<<16+128)), Unreachable())
	l, _ := newLoader(t, loader)
	m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NewPool(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		before := time.Now()
		if err := p.Serve(&exchangetest.Exchange{Events: post("once")}); err != nil {
			t.Error(err)
		}
		if took := time.Since(before); took < 30*time.Millisecond {
			t.Errorf("a sleep of 30 ms took %v", took)
		}
	}
	checkFault(t, p.Serve(&exchangetest.Exchange{Events: post("one", "two")}), sandbox.FaultExhausted, 503,
		"limit handler_wall: in on_event: the handler slept for too long: 30ms more where 20ms are left of 50ms")
}

// brokenFrontEnd fails in ways that only a bug of ours could bring about.
type brokenFrontEnd struct {
	exchangetest.Exchange
	fail func()
}

func (x *brokenFrontEnd) SendData([]byte) abi.Errno { x.fail(); return abi.ErrnoSuccess }

func TestBugsOfOursAreNotBlamedOnTheHandler(t *testing.T) {
	var none []int
	for name, fail := range map[string]func(){
		"runtime error": func() { _ = none[len(none)] },
		"panic":         func() { panic("a wrong assumption") },
		"panic (error)": func() { panic(errors.New("a wrong assumption")) },
	} {
		t.Run(name, func(t *testing.T) {
			p, log := newPool(t, mirror(), sandbox.PoolConfig{})
			x := &brokenFrontEnd{Exchange: exchangetest.Exchange{Events: get()}, fail: fail}
			checkFault(t, p.Serve(x), sandbox.FaultInternal, 500, "")
			for _, want := range []string{"level=ERROR", "bug in Sluice, not in the handler", "route=/", "module=handler.wasm"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in the log: %s", want, log)
				}
			}
			if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestBrokenFieldsAreOurBug has the front end give a table that points outside of its bytes.
func TestBrokenFieldsAreOurBug(t *testing.T) {
	fields := exchange.NewFields("Host", "example.org")
	fields.Bytes = nil
	pulling := Pull()
	pulling.Subscriptions = Const(int32(abi.SubscriptionsLineReady | abi.SubscriptionsHeaderReady))
	for name, h := range map[string]*Handler{"pushed": mirror(), "pulled": pulling} {
		t.Run(name, func(t *testing.T) {
			p, log := newPool(t, h, sandbox.PoolConfig{})
			x := &exchangetest.Exchange{Events: exchangetest.Request(exchangetest.Line("GET", "/"), fields)}
			checkFault(t, p.Serve(x), sandbox.FaultInternal, 500, hostabi.ErrFields.Error())
			if !strings.Contains(log.String(), "bug in Sluice") {
				t.Errorf("logged %q", log)
			}
		})
	}
}

// TestNamesCannotBlameUs has a trap in a function whose name is the text by which panics of ours are told.
func TestNamesCannotBlameUs(t *testing.T) {
	h := faulty(func(*Handler) Code { return Unreachable() })
	var onEvent uint32
	for i, f := range abi.HandlerExports {
		if f.Name == "on_event" {
			onEvent = uint32(len(abi.HandlerImports) + i)
		}
	}
	names := append(append([]byte{1}, U32(onEvent)...), Name("x (recovered by wazero)\n"+strings.Repeat("y", 1<<20))...)
	h.Custom("name", Section(1, names))
	p, log := newPool(t, h, sandbox.PoolConfig{})
	err := p.Serve(&exchangetest.Exchange{Events: post("body")})
	checkFault(t, err, sandbox.FaultTrap, 500, "in on_event: wasm error: unreachable\nwasm stack trace:\n\t.x (recovered by wazero)")
	if len(err.Error()) > 20<<10 {
		t.Errorf("the reason has %d bytes", len(err.Error()))
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log)
	}
}

// TestPanicOfTheFrontEnd loses the instance, whatever becomes of the panic.
func TestPanicOfTheFrontEnd(t *testing.T) {
	p, _ := newPool(t, mirror(), sandbox.PoolConfig{})
	x := &panicking{exchangetest.Exchange{Events: get()[:1]}}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		p.Serve(x)
	}()
	again := &exchangetest.Exchange{Events: []exchange.Event{{Kind: abi.EventDone}}}
	if err := p.Serve(again); err != nil {
		t.Fatal(err)
	}
	if want := "send_head 200\n" + heard(1, abi.EventDone, 0) + "\n"; again.Log() != want {
		t.Errorf("got %s, want the first session of a new instance: %s", again.Log(), want)
	}
}

// panicking panics at the end of its script.
type panicking struct{ exchangetest.Exchange }

func (x *panicking) Next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	if err := x.Exchange.Next(want, limit, ev); err != nil {
		panic(err)
	}
	return nil
}

func TestWhatHandlersPrint(t *testing.T) {
	h := NewHandler(abi.SubscriptionsReady)
	write := wasi(h, "fd_write", 4, I32)
	long := strings.Repeat("x", 5000)
	put := func(stream int32, text string) Code {
		return Drop(Call(write, Const(stream), h.Vector(text), Const(1), Const(1<<15)))
	}
	h.OnEvent = Seq(put(1, "one\ntwo "), put(2, "other\n"), put(1, "parts\n\n"), put(1, long+"\n"), put(2, "no end"),
		Drop(Do("send_end", Get(Session))))
	p, log := newPool(t, h, sandbox.PoolConfig{})
	if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, line := range []string{"stdout line=one", "stderr line=other", `stdout line="two parts"`, `stdout line=""`,
		"stdout line=" + long[:4096] + " cut=true", `stderr line="no end"`} {
		want += "level=INFO msg=\"handler printed\" route=/ module=handler.wasm stream=" + line + "\n"
	}
	if log.String() != want {
		t.Errorf("logged\n%s\nwant\n%s", log, want)
	}
}

// TestPrintingIsLimited has sessions print more than they may.
func TestPrintingIsLimited(t *testing.T) {
	h := NewHandler(abi.SubscriptionsDataReady)
	write := wasi(h, "fd_write", 4, I32)
	line := h.Vector(strings.Repeat("x", 35) + "\n")
	part := h.Vector("part")
	print := func(stream int32, vector Code) Code {
		return Drop(Call(write, Const(stream), vector, Const(1), Const(1<<15)))
	}
	// One line for each piece of body, and the beginning of another.
	h.OnEvent = Seq(print(1, line), print(2, part))
	l, _ := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	p, err := m.NewPool(sandbox.PoolConfig{Log: textLog(log), Limits: sandbox.Limits{Log: 210}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	full := "stdout line=" + strings.Repeat("x", 35)
	for _, test := range []struct {
		pieces int
		want   []string
	}{
		{1, []string{full, "stderr line=part"}},
		{2, []string{full, full, "stderr line=partpart"}},
		{4, []string{full, full, "stdout line=" + "xxxxxxxxxxxx" + " cut=true", "dropped"}},
		{1, []string{full, "stderr line=part"}},
	} {
		log.Reset()
		if err := p.Serve(&exchangetest.Exchange{Events: post(slices.Repeat([]string{"x"}, test.pieces)...)}); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, line := range test.want {
			if line == "dropped" {
				want += "level=WARN msg=\"handler printed more than it may in a session; the rest is dropped\" route=\"\" " +
					"module=handler.wasm dropped_bytes=52 limit=log limit_bytes=210\n"
				continue
			}
			want += "level=INFO msg=\"handler printed\" route=\"\" module=handler.wasm stream=" + line + "\n"
		}
		if log.String() != want {
			t.Errorf("after %d pieces logged\n%s\nwant\n%s", test.pieces, log, want)
		}
	}
}

// TestProcess has a handler answer with its arguments and its environment.
func TestProcess(t *testing.T) {
	h := NewHandler(abi.SubscriptionsReady)
	args, env := wasi(h, "args_get", 2, I32), wasi(h, "environ_get", 2, I32)
	const list, content = 1 << 15, 1<<15 + 100
	h.OnEvent = Seq(
		Drop(Call(args, Const(list), Const(content))),
		Drop(Call(env, Const(list), Const(content+20))),
		Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), Const(content), Const(40))))
	l, _ := newLoader(t, sandbox.Config{})
	wasm := h.Encode()
	serve := func(name string, process sandbox.Process, want string) {
		t.Helper()
		m, err := l.Load(t.Context(), name, wasm)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		p, err := m.NewPool(sandbox.PoolConfig{Process: process})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		x := &exchangetest.Exchange{Events: get()}
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(x.Log(), `\x00`, "."); got != want+"\n" {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	serve("folder/api.wasm", sandbox.Process{Args: []string{"-v", ""}, Env: []string{"KEY=value", "X="}},
		`send 200 "api.wasm.-v.........KEY=value.X=........"`)
	serve("folder/api.wasm", sandbox.Process{Env: []string{"KEY=other"}}, `send 200 "api.wasm............KEY=other..........."`)
	serve("", sandbox.Process{}, `send 200 "handler................................."`)
	if n := l.Compiled(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
}

// TestProcessIsThereFromTheStart has a handler that subscribes to nothing unless there is a variable.
func TestProcessIsThereFromTheStart(t *testing.T) {
	h := Hello()
	sizes := wasi(h, "environ_sizes_get", 2, I32)
	h.Initialize = Drop(Call(sizes, Const(1<<15), Const(1<<15+4)))
	h.Subscriptions = IfElse(Load(Const(1<<15), 0), Return(Const(int32(abi.SubscriptionsReady))), Return(Const(0)))
	h.Subscriptions = Seq(h.Subscriptions, Unreachable())
	m, err := newLoaderOnly(t).Load(t.Context(), "handler.wasm", h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NewPool(sandbox.PoolConfig{Process: sandbox.Process{Env: []string{"A=b"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := m.NewPool(sandbox.PoolConfig{}); err == nil {
		t.Error("the variable is there without being given")
	}
}
