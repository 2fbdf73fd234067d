package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// newLoader makes a loader in a runtime of its own, and a place where it logs.
func newLoader(t testing.TB, config sandbox.Config) (*sandbox.Loader, *bytes.Buffer) {
	t.Helper()
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	log := &bytes.Buffer{}
	config.Log = textLog(log)
	l, err := sandbox.NewLoader(t.Context(), r, config)
	if err != nil {
		t.Fatal(err)
	}
	return l, log
}

// textLog logs without times.
func textLog(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// start loads a module and makes a pool of it. Errors of either begin with the module's name.
func start(t testing.TB, l *sandbox.Loader, wasm []byte, limits sandbox.Limits) (*sandbox.Pool, error) {
	t.Helper()
	m, err := l.Load(t.Context(), "handler.wasm", wasm)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	p, err := m.NewPool(sandbox.PoolConfig{Limits: limits, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("handler.wasm: %w", err)
	}
	t.Cleanup(p.Close)
	return p, nil
}

// newPool loads a handler and makes a pool of it, and a place where it logs.
func newPool(t testing.TB, h *Handler, config sandbox.PoolConfig) (*sandbox.Pool, *bytes.Buffer) {
	t.Helper()
	return newPoolOf(t, h.Encode(), config)
}

func newPoolOf(t testing.TB, wasm []byte, config sandbox.PoolConfig) (*sandbox.Pool, *bytes.Buffer) {
	t.Helper()
	l, log := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", wasm)
	if err != nil {
		t.Fatal(err)
	}
	log.Reset()
	config.Route, config.Log = "/", textLog(log)
	p, err := m.NewPool(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); m.Close() })
	return p, log
}

// get and post are scripts of requests.
func get() []exchange.Event { return post() }

func post(body ...string) []exchange.Event {
	return exchangetest.Request(exchangetest.Line("POST", "/path"), exchange.NewFields("Host", "example.org"), body...)
}

func TestServe(t *testing.T) {
	full := func(x *exchangetest.Exchange) { x.Full = 1 }
	for _, test := range []struct {
		name    string
		handler *Handler
		x       exchangetest.Exchange
		adjust  func(x *exchangetest.Exchange)
		want    string
	}{
		{name: "whole answer", handler: Hello(), x: exchangetest.Exchange{Events: get()},
			want: `send 200 [Content-Type: text/plain] "hello"`},
		{name: "echo without body", handler: Echo(), x: exchangetest.Exchange{Events: get()},
			want: `send 200 ""`},
		{name: "echo", handler: Echo(), x: exchangetest.Exchange{Events: post("one", "two")},
			want: "send_head 200\nsend_data \"one\"\nsend_data \"two\"\nsend_end"},
		{name: "pull without body", handler: Pull(), x: exchangetest.Exchange{Events: get()},
			want: `send 200 ""`},
		{name: "pull", handler: Pull(), x: exchangetest.Exchange{Events: post("one", "two")},
			want: "send_head 200\nsend_data \"one\"\nsend_data \"two\"\nsend_end"},
		{name: "pull with backpressure", handler: Pull(), x: exchangetest.Exchange{Events: post("one")}, adjust: full,
			want: "send_head 200\nsend_data \"one\" = again\nwait_writable\nsend_data \"one\"\nsend_end"},
		{name: "every event", handler: mirror(), x: exchangetest.Exchange{Events: append(post("b"),
			exchange.Event{Kind: abi.EventHeaderDone}, exchange.Event{Kind: abi.EventDataDone}, exchange.Event{Kind: abi.EventDone})},
			want: "send_head 200\n" + strings.Join([]string{
				heard(1, abi.EventLineReady, 20+4+5),
				heard(1, abi.EventHeaderReady, 8+16+4+11),
				heard(1, abi.EventDataReady, 12+1),
				heard(1, abi.EventReady, 0),
				heard(1, abi.EventHeaderDone, 0),
				heard(1, abi.EventDataDone, 0),
				heard(1, abi.EventDone, 0)}, "\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, log := newPool(t, test.handler, sandbox.PoolConfig{})
			x := &test.x
			if test.adjust != nil {
				test.adjust(x)
			}
			if err := p.Serve(x); err != nil {
				t.Errorf("serve: %v", err)
			}
			if got := x.Log(); got != test.want+"\n" {
				t.Errorf("the exchange heard\n%s\nwant\n%s\n", got, test.want)
			}
			if log.Len() > 0 {
				t.Errorf("logged %s", log)
			}
		})
	}
}

// mirror sends the four parameters of on_event for every event.
func mirror() *Handler {
	h := NewHandler(1<<7 - 1)
	const at = 1 << 16
	for i := range uint32(4) {
		h.OnEvent = Seq(h.OnEvent, Store(Const(at), 4*i, Get(i)))
	}
	h.OnEvent = Seq(h.OnEvent, Drop(Do("send_data", Get(Session), Const(at), Const(16))))
	return h
}

// heard is what the exchange hears from mirror.
func heard(session uint32, event abi.Event, size uint32) string {
	return fmt.Sprintf("send_data %q", Words(session, uint32(event), BufferAddress, size))
}

func TestSessionNumbersAreNotUsedTwice(t *testing.T) {
	p, _ := newPool(t, mirror(), sandbox.PoolConfig{})
	for n := uint32(1); n <= 3; n++ {
		x := &exchangetest.Exchange{Events: []exchange.Event{{Kind: abi.EventDone}}}
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		if want := "send_head 200\n" + heard(n, abi.EventDone, 0) + "\n"; x.Log() != want {
			t.Errorf("the exchange heard %q, want %q", x.Log(), want)
		}
	}
}

// TestMemoryMayGrowInACall answers with bytes that were no memory when the call began.
func TestMemoryMayGrowInACall(t *testing.T) {
	h := NewHandler(abi.SubscriptionsReady)
	at := Const(2 * wasmruntime.PageSize)
	h.OnEvent = Seq(
		If(Ne(MemoryGrow(Const(1)), Const(2)), Unreachable()),
		Store8(at, 0, Const('x')),
		Drop(Do("send", Get(Session), Const(200), Const(0), Const(0), at, Const(1))))
	p, _ := newPool(t, h, sandbox.PoolConfig{})
	x := &exchangetest.Exchange{Events: get()}
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	if want := "send 200 \"x\"\n"; x.Log() != want {
		t.Errorf("the exchange heard %q, want %q", x.Log(), want)
	}
}

func TestMemoryGrowsToTheLimitOnly(t *testing.T) {
	h := NewHandler(abi.SubscriptionsReady)
	h.OnEvent = Seq(
		If(Eq(MemoryGrow(Const(sandbox.DefaultMaxMemory/wasmruntime.PageSize-2)), Const(-1)), Unreachable()),
		If(Ne(MemoryGrow(Const(1)), Const(-1)), Unreachable()),
		Drop(Do("send_end", Get(Session))))
	p, _ := newPool(t, h, sandbox.PoolConfig{})
	if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
		t.Error(err)
	}
}

// growing gives a receive buffer of the size that is asked for, at the end of its memory.
func growing() *Handler {
	h := Hello()
	h.ReceiveBuffer = Seq(
		If(Get(0), // the first time any will do
			Store(Const(RecordAddress), 0, Const(2*wasmruntime.PageSize)),
			Store(Const(RecordAddress), 4, Get(0)),
			Drop(MemoryGrow(Const(4)))),
		Const(RecordAddress))
	return h
}

func TestReceiveBufferGrows(t *testing.T) {
	p, _ := newPool(t, growing(), sandbox.PoolConfig{})
	for _, size := range []int{10, BufferSize, 2 * BufferSize, 10} {
		x := &exchangetest.Exchange{Events: post(strings.Repeat("x", size))}
		if err := p.Serve(x); err != nil {
			t.Errorf("body of %d bytes: %v", size, err)
		}
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	// The body, 76 bytes of head, and 1024 more for what these handlers could pull.
	const body = 2 * BufferSize
	with := func(code Code) *Handler {
		h := Hello()
		h.ReceiveBuffer = Seq(If(Get(0), Return(code)), Const(RecordAddress))
		return h
	}
	for _, test := range []struct {
		name    string
		handler *Handler
		reason  string
	}{
		{"null", with(Const(0)), "receive_buffer returned null"},
		{"too small", with(Const(RecordAddress)), "receive_buffer described 16384 bytes where 33868 are needed"},
		{"record outside of the memory", with(Const(-4)),
			"receive_buffer returned address 4294967292, outside of the memory"},
		{"room outside of the memory",
			with(Seq(Store(Const(RecordAddress), 0, Const(-8)), Store(Const(RecordAddress), 4, Get(0)), Const(RecordAddress))),
			"receive_buffer described 33868 bytes at address 4294967288, outside of the memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, log := newPool(t, test.handler, sandbox.PoolConfig{})
			err := p.Serve(&exchangetest.Exchange{Events: post(strings.Repeat("x", body))})
			want := "the request takes 32844 bytes of the handler's receive buffer, which has room for 16384: " + test.reason
			checkRefusal(t, err, 413, want)

			long := exchange.NewFields("X", strings.Repeat("x", body))
			err = p.Serve(&exchangetest.Exchange{Events: exchangetest.Request(exchangetest.Line("GET", "/"), long)})
			checkRefusal(t, err, 431, "")

			// The handler never heard of them, so it can go on.
			if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
				t.Error(err)
			}
			if log.Len() > 0 {
				t.Errorf("logged %s", log)
			}
		})
	}
}

// checkRefusal looks for an error that says how to answer.
func checkRefusal(t *testing.T, err error, status uint16, message string) {
	t.Helper()
	var refusal interface{ Status() uint16 }
	if !errors.As(err, &refusal) || refusal.Status() != status {
		t.Fatalf("got error %v, want one with status %d", err, status)
	}
	if message != "" && err.Error() != message {
		t.Errorf("got %s\nwant %s", err, message)
	}
}

// TestPullingHasRoom delivers a head that fills most of the buffer to a handler that pulls the body.
func TestPullingHasRoom(t *testing.T) {
	for _, test := range []struct {
		value  int
		pieces int // 0: the body does not fit behind the head
	}{
		{BufferSize - 8 - 16 - 1 - 1024, 2}, // as much as it is to have
		{BufferSize - 8 - 16 - 1 - 100, 24}, // only because the handler has no larger buffer
		{BufferSize - 8 - 16 - 1, 0},
	} {
		h := Pull()
		h.Subscriptions = Const(int32(abi.SubscriptionsHeaderReady | abi.SubscriptionsDataReady))
		p, _ := newPool(t, h, sandbox.PoolConfig{})
		x := &exchangetest.Exchange{Events: exchangetest.Request(exchangetest.Line("POST", "/"),
			exchange.NewFields("X", strings.Repeat("x", test.value)), strings.Repeat("y", 2000))}
		err := p.Serve(x)
		if test.pieces == 0 {
			checkRefusal(t, err, 413, "")
			continue
		}
		if err != nil {
			t.Error(err)
		}
		if got := strings.Count(x.Log(), "send_data"); got != test.pieces {
			t.Errorf("a head of %d bytes left room for %d pieces, want %d", test.value, got, test.pieces)
		}
	}
}

func TestExchangeErrors(t *testing.T) {
	own := errors.New("another reason")
	for _, want := range []error{exchange.ErrClosed, exchange.ErrWallTime, exchange.ErrRefused, own} {
		for name, handler := range map[string]*Handler{"pushed": Echo(), "pulled": Pull()} {
			t.Run(name+" "+want.Error(), func(t *testing.T) {
				p, log := newPool(t, handler, sandbox.PoolConfig{})
				x := &exchangetest.Exchange{Events: post("one")[:3], End: want}
				if err := p.Serve(x); err != want {
					t.Errorf("got error %v, want %v itself", err, want)
				}
				if log.Len() > 0 {
					t.Errorf("logged %s", log)
				}
			})
		}
	}
}
