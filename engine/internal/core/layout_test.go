package core

import (
	"context"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// TestTwinsHaveTheSameRoom compares the sizes of what both cores share with their host: a table that is full sooner would
// make other records.
func TestTwinsHaveTheSameRoom(t *testing.T) {
	ctx := context.Background()
	runtime, err := wasmruntime.New(ctx, wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close(ctx)
	config := Config{Connections: 1, Limits: http1.DefaultLimits}
	maker, err := WasmMaker(ctx, runtime, config)
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := maker(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer wasm.Close()
	if got, want := roomOf(newNative(config)), roomOf(wasm); got != want {
		t.Errorf("native %+v, wasm %+v", got, want)
	}
}

// room is how much fits.
type room struct{ fields, input, output, date, slots, bytes, slotEvents, slotFields int }

func roomOf(c *Core) room {
	slot := &c.table[0]
	return room{len(c.fields), len(c.input), len(c.output), len(c.date), len(c.table), len(slot.Bytes), len(slot.Events), len(slot.Fields)}
}
