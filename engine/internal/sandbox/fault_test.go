package sandbox_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

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
	return h.Import(wasi_snapshot_preview1.ModuleName, name, s)
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
		{"poll that never ends", func(h *Handler) Code {
			// One subscription, to write to stdout, for which wazero sleeps as long as it can.
			return Seq(Store8(Const(1<<16), 8, Const(2)), Store(Const(1<<16), 16, Const(1)),
				Drop(Call(wasi(h, "poll_oneoff", 4, I32), Const(1<<16), Const(1<<16+64), Const(1), Const(1<<16+128))))
		}, sandbox.FaultExhausted, 503, "limit handler_wall: in on_event: the handler slept for too long: 2562047h47m16.854775807s more where 30s are left of 30s"},
		{"trap while the receive buffer grows", func(h *Handler) Code {
			h.ReceiveBuffer = Seq(If(Get(0), Unreachable()), Const(RecordAddress))
			return Seq()
		}, sandbox.FaultTrap, 500, "in receive_buffer: wasm error: unreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, log := newPool(t, faulty(test.fail), sandbox.PoolConfig{})
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
