package engine_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	. "github.com/sluicehttp/sluice/engine"
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
