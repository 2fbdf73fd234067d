package engine_test

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	. "github.com/sluicehttp/sluice/engine"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// What handlers hear and do is told step by step, with route and session, before and after another handler has come.
func TestObserve(t *testing.T) {
	var mu sync.Mutex
	var told []Observation
	e, addr := start(t, Config{
		Routes: []Route{{Name: "front", Handler: plain(1)}},
		Observe: func(o Observation) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, o)
		},
	})
	ask(t, addr, "test", "/one", "hello")
	if err := e.Replace(t.Context(), "front", plain(2)); err != nil {
		t.Fatal(err)
	}
	ask(t, addr, "test", "/two", "")
	var want []Observation
	for i, request := range []Observation{{Target: "/one", Fields: 5, Bytes: 5}, {Target: "/two", Fields: 5}} {
		for _, o := range []Observation{
			{Step: StepBegan, Subscriptions: abi.SubscriptionsReady},
			{Step: StepHeard, Event: abi.EventReady, Method: "POST", Target: request.Target, Fields: request.Fields, Bytes: request.Bytes},
			{Step: StepCalled, Call: "send", Status: 200, Fields: 1, Bytes: pieceSize},
			{Step: StepEnded},
		} {
			o.Route, o.Session = "front", uint64(i+1)
			want = append(want, o)
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // the end of a session is told behind its answer
		mu.Lock()
		got := slices.Clone(told)
		mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		if len(got) >= len(want) || time.Now().After(end) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, want)
		}
	}
}

// A handler whose instance serves many sessions hears of the end of each, also of one that the engine has ended by itself: what
// it keeps for a session would stay for ever otherwise.
func TestSharedHandlersHearOfEveryEnd(t *testing.T) {
	for _, test := range []struct {
		name, request, answer string
		limits                Limits
	}{
		{"the body stalls", "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 408",
			Limits{BodyIdle: 100 * time.Millisecond}},
		{"no answer", "GET / HTTP/1.1\r\nHost: test\r\n\r\n", "HTTP/1.1 503", Limits{HandlerWall: 100 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := wasmtest.NewHandler(abi.SubscriptionsHeaderReady | abi.SubscriptionsDataReady | abi.SubscriptionsReady |
				abi.SubscriptionsClosed)
			// Nothing is to be gained by an answer when the session is over.
			h.OnEvent = wasmtest.If(wasmtest.Eq(wasmtest.Get(wasmtest.Event), wasmtest.Const(int32(abi.EventClosed))),
				wasmtest.Drop(wasmtest.Do("send_end", wasmtest.Get(wasmtest.Session))))
			ended := make(chan []Observation, 1)
			var told []Observation // by one connection's goroutine
			_, addr := start(t, Config{
				Routes: []Route{{Name: "r", Handler: Module{Name: "silent", Wasm: h.Encode()}, Isolation: ShareInstance}},
				Limits: test.limits,
				Observe: func(o Observation) {
					if told = append(told, o); o.Step == StepEnded {
						ended <- told
					}
				},
			})
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, len(test.answer))
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != test.answer {
				t.Errorf("got %q, %v; want %s", answer, err, test.answer)
			}
			got := <-ended
			last := got[max(0, len(got)-3):]
			if len(last) < 3 || last[0].Event != abi.EventClosed || last[0].Closed.Reason != abi.CloseReasonTimeout ||
				last[0].Closed.Side != abi.ClosedSideBoth || last[1].Call != "send_end" || last[1].Errno != abi.ErrnoClosed {
				t.Errorf("at the end the handler heard and did %+v", last)
			}
		})
	}
}
