package core

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// trapping is a core whose reader traps, and which counts how often it is closed.
type trapping struct {
	calls
	closed *int
}

var errTrap = errors.New("unreachable")

func (trapping) receive(_, _, _, _ uint32, _ http1.ReceiveFlags) (http1.Errno, error) {
	return 0, errTrap
}

func (t trapping) close() error {
	*t.closed++
	return t.calls.close()
}

// TestBrokenCoreIsReplaced has a core trap: its connections are lost, others go to a new core, and the last of its
// connections frees it.
func TestBrokenCoreIsReplaced(t *testing.T) {
	closed, made := 0, 0
	native := NativeMaker(Config{Connections: 2, Limits: http1.DefaultLimits})
	set, err := NewSet(1, slog.New(slog.DiscardHandler), func(onBroken func(error)) (*Core, error) {
		core, err := native(onBroken)
		if made++; made == 1 {
			core.calls = trapping{core.calls, &closed}
		}
		return core, err
	})
	if err != nil {
		t.Fatal(err)
	}
	broken, first, err := set.Open(http1.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := set.Open(http1.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	slot := broken.AcquireSlot()
	if _, err := broken.Receive(first, slot, 0, 0, 0); !errors.Is(err, ErrBroken) || !errors.Is(err, errTrap) {
		t.Fatalf("receive: %v", err)
	}
	if _, _, errno := broken.FrameEnd(second, nil); errno != http1.ErrnoClosed {
		t.Errorf("another connection of the broken core: %v", errno)
	}
	broken.ReleaseSlot(slot)
	core := waitForAnother(t, set, broken)
	slot = core.AcquireSlot()
	connection, ok, err := core.Open(http1.RoleServer)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := core.Receive(connection, slot, 0, 0, 0); err != nil {
		t.Errorf("the new core: %v", err)
	}
	broken.Release(first)
	if closed != 0 {
		t.Error("the broken core was closed under a connection")
	}
	broken.Release(second)
	if closed != 1 {
		t.Errorf("the broken core was closed %d times", closed)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}

// waitForAnother waits until the set's only core is not the given one.
func waitForAnother(t *testing.T, set *Set, not *Core) *Core {
	t.Helper()
	for range 1000 {
		if core := set.cores[0].Load(); core != not {
			return core
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the broken core was not replaced")
	return nil
}

// TestTrapInTheSandbox has a sandboxed core trap in earnest: whatever is written all over its memory, it costs the core's
// connections and nothing else.
func TestTrapInTheSandbox(t *testing.T) {
	ctx := context.Background()
	runtime, err := wasmruntime.New(ctx, wasmruntime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close(ctx)
	maker, err := WasmMaker(ctx, runtime, Config{Connections: 2, Limits: http1.DefaultLimits})
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(1, slog.New(slog.DiscardHandler), maker)
	if err != nil {
		t.Fatal(err)
	}
	broken, connection, err := set.Open(http1.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	memory := broken.calls.(*sandboxed).module.Memory()
	all, _ := memory.Read(0, memory.Size())
	for i := range all {
		all[i] = 0xff
	}
	slot := broken.AcquireSlot()
	if _, err := broken.Receive(connection, slot, 0, 100, 0); !errors.Is(err, ErrBroken) {
		t.Errorf("receive: %v", err)
	}
	broken.ReleaseSlot(slot)
	core := waitForAnother(t, set, broken)
	slot = core.AcquireSlot()
	number, _, _ := core.Open(http1.RoleServer)
	size := copy(slot.Bytes, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	reception, err := core.Receive(number, slot, 0, size, 0)
	if err != nil || int(reception.Consumed) != size {
		t.Errorf("the new core consumed %d of %d bytes: %v", reception.Consumed, size, err)
	}
	core.ReleaseSlot(slot)
	core.Release(number)
	broken.Release(connection)
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}

// TestLyingCore has a core say that it consumed more than it was given.
func TestLyingCore(t *testing.T) {
	core, err := NativeMaker(Config{Connections: 1, Limits: http1.DefaultLimits})(nil)
	if err != nil {
		t.Fatal(err)
	}
	connection, _, _ := core.Open(http1.RoleServer)
	slot := core.AcquireSlot()
	core.calls = lying{core.calls, slot.reception}
	if _, err := core.Receive(connection, slot, 0, 1, 0); !errors.Is(err, ErrBroken) {
		t.Errorf("receive: %v", err)
	}
}

type lying struct {
	calls
	reception *http1.Reception
}

func (l lying) receive(_, _, _, _ uint32, _ http1.ReceiveFlags) (http1.Errno, error) {
	*l.reception = http1.Reception{Consumed: 2}
	return http1.ErrnoSuccess, nil
}

// TestSlotsAreWaitedFor takes every slot and one more.
func TestSlotsAreWaitedFor(t *testing.T) {
	core, err := NativeMaker(Config{Connections: 1, Limits: http1.DefaultLimits})(nil)
	if err != nil {
		t.Fatal(err)
	}
	var slots []*Slot
	for range nativeSlots {
		slots = append(slots, core.AcquireSlot())
	}
	got := make(chan *Slot)
	go func() { got <- core.AcquireSlot() }()
	select {
	case <-got:
		t.Fatal("a slot was given twice")
	case <-time.After(20 * time.Millisecond):
	}
	core.ReleaseSlot(slots[7])
	if slot := <-got; slot != slots[7] {
		t.Errorf("slot %d", slot.Number)
	}
}
