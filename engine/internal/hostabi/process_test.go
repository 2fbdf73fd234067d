package hostabi_test

import (
	"context"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/wasi"
)

func TestCallIsACaller(t *testing.T) {
	call := hostabi.NewMeteredCall(hostabi.Limits{})
	type key struct{}
	if found := context.WithValue(call, key{}, 1).Value(wasi.CallerKey{}); found != call {
		t.Errorf("a context made of the call gives %v for the caller", found)
	}
	if other := call.Value(key{}); other != nil {
		t.Errorf("it gives %v for another key", other)
	}

	var slept time.Duration
	process := &wasi.Process{}
	call.Equip(process, func(d time.Duration) { slept += d })
	if call.Process() != process {
		t.Error("another process than it was given")
	}
	call.Sleep(time.Hour)
	if slept != time.Hour {
		t.Errorf("slept %v", slept)
	}
	call.Charge(2)
	call.Charge(3)
	if fuel, _ := call.Meter().End(); fuel != 5 {
		t.Errorf("charged %d, want 5", fuel)
	}
}
