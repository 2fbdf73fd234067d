package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
	"github.com/sluicehttp/sluice/internal/corpus"
)

// testConnections is how many connections a core of these tests takes.
const testConnections = 8

// cores are the core in its sandbox and its native twin.
type cores struct{ wasm, native *core.Core }

// startRuntime makes the runtime of all sandboxes.
var startRuntime = sync.OnceValues(func() (*wasmruntime.Runtime, error) {
	return wasmruntime.New(context.Background(), wasmruntime.Config{})
})

// startCores makes both cores once for all tests.
var startCores = sync.OnceValues(func() (cores, error) { return newCores(http1.DefaultLimits) })

// newCores makes both cores with limits.
func newCores(limits http1.Limits) (cores, error) {
	runtime, err := startRuntime()
	if err != nil {
		return cores{}, err
	}
	config := core.Config{Connections: testConnections, Limits: limits}
	sandboxed, err := core.WasmMaker(context.Background(), runtime, config)
	if err != nil {
		return cores{}, err
	}
	wasm, err := sandboxed(nil)
	if err != nil {
		return cores{}, err
	}
	native, err := core.NativeMaker(config)(nil)
	return cores{wasm, native}, err
}

// close frees the cores.
func (c cores) close() error { return errors.Join(c.wasm.Close(), c.native.Close()) }

func bothCores(t testing.TB) cores {
	t.Helper()
	both, err := startCores()
	if err != nil {
		t.Fatal(err)
	}
	return both
}

// peer is one connection on a core, driven like a host drives it. The corpus plays on it.
type peer struct {
	core   *core.Core
	number uint32
	slot   *core.Slot
	// offset is where the next input is put into the slot.
	offset int
}

// openPeer opens a server's connection.
func openPeer(t testing.TB, c *core.Core) *peer {
	t.Helper()
	return openPeerAs(t, c, http1.RoleServer)
}

func openPeerAs(t testing.TB, c *core.Core, role http1.Role) *peer {
	t.Helper()
	number, ok, err := c.Open(role)
	if err != nil || !ok {
		t.Fatalf("open: %v, %v", ok, err)
	}
	return &peer{core: c, number: number, slot: c.AcquireSlot()}
}

func (p *peer) close() {
	p.core.ReleaseSlot(p.slot)
	p.core.Release(p.number)
}

// Receive puts the input somewhere near the begin of the slot, each time elsewhere.
func (p *peer) Receive(input []byte, flags abi.ReceiveFlags) (corpus.Reading, error) {
	p.offset = min((p.offset+5)%64, len(p.slot.Bytes)-len(input))
	if p.offset < 0 {
		return corpus.Reading{}, fmt.Errorf("%d bytes do not fit in a slot", len(input))
	}
	copy(p.slot.Bytes[p.offset:], input)
	reception, err := p.core.Receive(p.number, p.slot, p.offset, len(input), http1.ReceiveFlags(flags))
	return corpus.Reading{
		Bytes:     p.slot.Bytes[p.offset:][:len(input)],
		Events:    corpus.Memory(p.slot.Events...),
		Fields:    p.slot.Fields,
		Reception: corpus.Memory(reception),
	}, err
}

// Ask frames a request.
func (p *peer) Ask(request *corpus.Request) error {
	_, _, errno := p.core.FrameRequest(p.number, &core.Request{
		Method: []byte(request.Method),
		Target: []byte(request.Target),
		Fields: exchange.NewFields(request.Fields...),
		Flags:  http1.HeadFlags(request.Flags),
	}, nil)
	return failed("request", errno)
}

// Answer frames an answer.
func (p *peer) Answer(reply *corpus.Reply) error {
	fields := exchange.NewFields(reply.Fields...)
	if reply.Upgrade {
		_, _, errno := p.core.FrameUpgrade(p.number, fields, nil)
		return failed("upgrade", errno)
	}
	head := core.Head{Status: reply.Status, Fields: fields, Flags: http1.HeadFlags(reply.Flags)}
	_, _, errno := p.core.FrameHead(p.number, &head, nil)
	return failed("head", errno)
}

// Restrict sets limits of the connection's own.
func (p *peer) Restrict(limits *abi.Limits) error {
	return p.core.Restrict(p.number, int(limits.ChunkLine), int(limits.Trailers), int(limits.TrailerFields))
}

// failed is the error of a call that did not succeed.
func failed(call string, errno http1.Errno) error {
	if errno == http1.ErrnoSuccess {
		return nil
	}
	return fmt.Errorf("%s: %v", call, errno)
}

// roleOf is the side that a connection speaks for.
func roleOf(settings corpus.Settings) http1.Role {
	if settings.Client {
		return http1.RoleClient
	}
	return http1.RoleServer
}

// TestMisuse begins a cycle too early: the connection is lost, and no other.
func TestMisuse(t *testing.T) {
	for _, c := range []*core.Core{bothCores(t).wasm, bothCores(t).native} {
		one, other := openPeer(t, c), openPeer(t, c)
		defer one.close()
		defer other.close()
		if _, err := c.Receive(one.number, one.slot, 0, 0, http1.ReceiveFlagsNextCycle); !errors.Is(err, core.ErrMisused) {
			t.Errorf("a cycle that began too early: %v", err)
		}
		if _, err := c.Receive(other.number, other.slot, 0, 0, 0); err != nil {
			t.Errorf("another connection: %v", err)
		}
	}
}
