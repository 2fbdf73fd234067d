package sandbox_test

import (
	"errors"
	"fmt"
	"strings"
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

// remembering answers with how many requests it remembers, in its memory and in a global.
func remembering() *Handler {
	h := NewHandler(abi.SubscriptionsReady)
	count := h.Global(0)
	const at = 1 << 16
	h.OnEvent = Seq(
		SetGlobal(count, Add(GetGlobal(count), Const(1))),
		Store(Const(at), 0, Add(Load(Const(at), 0), Const(1))),
		Store(Const(at), 4, GetGlobal(count)),
		Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), Const(at), Const(8))))
	return h
}

// checkMemory serves a request on a connection, of which so many must be remembered.
func checkMemory(t *testing.T, p *sandbox.Pool, x *exchangetest.Exchange, want uint32) {
	t.Helper()
	x.Reset()
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("send 200 %q\n", Words(want, want)); x.Log() != want {
		t.Errorf("got %s, want %s", x.Log(), want)
	}
}

func connection() *exchangetest.Exchange { return &exchangetest.Exchange{Events: get()} }

func TestRequestsAreIsolated(t *testing.T) {
	p, _ := newPool(t, remembering(), sandbox.PoolConfig{})
	x := connection()
	for range 3 {
		checkMemory(t, p, x, 1)
	}
}

func TestConnectionsAreIsolated(t *testing.T) {
	owner := account.New(nil)
	p, _ := newPool(t, remembering(), sandbox.PoolConfig{Isolation: sandbox.IsolateConnections, Account: owner, MaxReuse: 5})
	a, b := connection(), connection()
	checkMemory(t, p, a, 1)
	checkMemory(t, p, a, 2)
	checkMemory(t, p, b, 1)
	checkMemory(t, p, a, 3)
	if n := owner.Instances.Load(); n != 2 {
		t.Errorf("%d instances, want 2", n)
	}
	b.Disconnect()
	c := connection()
	checkMemory(t, p, c, 1)
	if n := owner.Instances.Load(); n != 2 {
		t.Errorf("%d instances, want the one of the connection that has ended again", n)
	}
	checkMemory(t, p, a, 4)
	checkMemory(t, p, a, 5)
	checkMemory(t, p, a, 1) // in a new instance: the other has served its time
}

func TestAnInstanceIsShared(t *testing.T) {
	owner := account.New(nil)
	p, _ := newPool(t, remembering(), sandbox.PoolConfig{Isolation: sandbox.ShareInstance, Account: owner})
	for i := range uint32(3) {
		checkMemory(t, p, connection(), i+1)
	}
	var crowd sync.WaitGroup
	for range 20 {
		crowd.Go(func() {
			if err := p.Serve(&exchangetest.Exchange{Events: get(), Silent: true}); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
	checkMemory(t, p, connection(), 24)
	if n := owner.Instances.Load(); n != 1 {
		t.Errorf("%d instances, want 1", n)
	}
}

// TestASharedInstanceFails sees that all who share an instance learn of its end, and others get a new one.
func TestASharedInstanceFails(t *testing.T) {
	h := faulty(func(*Handler) Code { return Unreachable() })
	p, _ := newPool(t, h, sandbox.PoolConfig{Isolation: sandbox.ShareInstance})
	met, failed := make(chan struct{}), make(chan error, 1)
	var waits sync.Once
	go func() {
		<-met
		failed <- p.Serve(&exchangetest.Exchange{Events: post("body")})
	}()
	patient := &exchangetest.Exchange{Events: get(), Heard: func(*exchange.Event) { waits.Do(func() { close(met) }) }}
	patient.Linger = func() bool { return len(failed) == 0 } // until the other has failed
	err := p.Serve(patient)
	var status interface{ Status() uint16 }
	if !errors.As(err, &status) || status.Status() != 503 {
		t.Errorf("the patient session ended with %v", err)
	}
	if fault := <-failed; fault == nil || !strings.Contains(fault.Error(), "unreachable") {
		t.Errorf("the other ended with %v", fault)
	}
	if patient.Wakes() == 0 {
		t.Error("the patient session was not woken")
	}
	if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestLimitsEndACall(t *testing.T) {
	spin := func(h *Handler) Code { return While(Const(1)) }
	for _, test := range []struct {
		name   string
		fail   func(h *Handler) Code
		config sandbox.PoolConfig
		status uint16
		kind   account.Fault
		reason string
	}{
		{"cpu", spin, sandbox.PoolConfig{Limits: sandbox.Limits{CPU: 5 * time.Millisecond}}, 503, account.FaultCPU,
			"limit cpu: in on_event: CPU time is used up: "},
		{"cpu of host calls", func(h *Handler) Code { return While(Const(1), Drop(Do("get_read_state", Const(77), Const(0)))) },
			sandbox.PoolConfig{Limits: sandbox.Limits{CPU: 5 * time.Millisecond}}, 503, account.FaultCPU,
			"limit cpu: in on_event: CPU time is used up: "},
		{"stack", func(h *Handler) Code {
			self := uint32(len(abi.HandlerImports))
			h.Func(Signature{}, 0, Call(self))
			return Call(self)
		}, sandbox.PoolConfig{}, 500, account.FaultStack, "in on_event: stack overflow: calls nest deeper than "},
		{"response", func(h *Handler) Code {
			return Seq(Drop(Do("send_data", Get(Session), Const(0), Const(100))), Drop(Do("send_data", Get(Session), Const(0), Const(101))))
		}, sandbox.PoolConfig{Limits: sandbox.Limits{Response: 200}}, 500, account.FaultResponse,
			"limit response: in on_event: the answer is too large: 201 bytes where 200 may be"},
		{"memory", func(h *Handler) Code { return If(Eq(MemoryGrow(Const(100)), Const(-1)), Unreachable()) },
			sandbox.PoolConfig{Limits: sandbox.Limits{Memory: 10 << 16}}, 503, account.FaultMemory,
			"memory: 6684672 bytes are more than the limit of 655360: in on_event: wasm error: unreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Account = account.New(nil)
			p, _ := newPool(t, faulty(test.fail), test.config)
			err := p.Serve(&exchangetest.Exchange{Events: post("body")})
			var fault *sandbox.Fault
			if !errors.As(err, &fault) || fault.Status() != test.status || !strings.HasPrefix(fault.Reason.Error(), test.reason) {
				t.Errorf("got %v\nwant status %d, %s", err, test.status, test.reason)
			}
			if n := test.config.Account.Faults[test.kind].Load(); n != 1 {
				t.Errorf("%d faults of kind %v are counted", n, test.kind)
			}
			if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestEventsAreDelayed(t *testing.T) {
	p, _ := newPool(t, Echo(), sandbox.PoolConfig{Limits: sandbox.Limits{EventRate: 100}})
	x := &exchangetest.Exchange{Events: post(strings.Split(strings.Repeat("x", 120), "")...), Silent: true}
	began := time.Now()
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 10*time.Second {
		t.Errorf("121 events at 100 a second took %v", took)
	}
}

// TestSpinningStartIsStopped sees that nothing that runs before the first event can hold the host.
func TestSpinningStartIsStopped(t *testing.T) {
	for name, adjust := range map[string]func(h *Handler){
		"initialize":     func(h *Handler) { h.Initialize = While(Const(1)) },
		"start":          func(h *Handler) { h.Start(h.Func(Signature{}, 0, While(Const(1)))) },
		"subscriptions":  func(h *Handler) { h.Subscriptions = Seq(While(Const(1)), Const(1)) },
		"receive_buffer": func(h *Handler) { h.ReceiveBuffer = Seq(While(Const(1)), Const(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := Hello()
			adjust(h)
			l, _ := newLoader(t, sandbox.Config{})
			m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			_, err = m.NewPool(sandbox.PoolConfig{Limits: sandbox.Limits{Start: 5 * time.Millisecond}})
			if err == nil || !strings.HasPrefix(err.Error(), "exhausted: limit cpu: in "+name) && name != "initialize" {
				t.Errorf("it started: %v", err)
			}
		})
	}
}
