package core_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// testConnections is how many connections a core of these tests takes.
const testConnections = 8

// cores are the core in its sandbox and its native twin.
type cores struct{ wasm, native *core.Core }

// startCores makes both cores once for all tests.
var startCores = sync.OnceValues(func() (cores, error) {
	ctx := context.Background()
	runtime, err := wasmruntime.New(ctx, wasmruntime.Config{})
	if err != nil {
		return cores{}, err
	}
	config := core.Config{Connections: testConnections, Limits: http1.DefaultLimits}
	sandboxed, err := core.WasmMaker(ctx, runtime, config)
	if err != nil {
		return cores{}, err
	}
	wasm, err := sandboxed(nil)
	if err != nil {
		return cores{}, err
	}
	native, err := core.NativeMaker(config)(nil)
	return cores{wasm, native}, err
})

func bothCores(t testing.TB) cores {
	t.Helper()
	both, err := startCores()
	if err != nil {
		t.Fatal(err)
	}
	return both
}

// peer is one connection on a core, driven like a host drives it.
type peer struct {
	core   *core.Core
	number uint32
	slot   *core.Slot
	// rest is what was given and not consumed.
	rest []byte
	next http1.ReceiveFlags
}

func openPeer(t testing.TB, c *core.Core) *peer {
	t.Helper()
	number, ok, err := c.Open(http1.RoleServer)
	if err != nil || !ok {
		t.Fatalf("open: %v, %v", ok, err)
	}
	return &peer{core: c, number: number, slot: c.AcquireSlot()}
}

func (p *peer) close() {
	p.core.ReleaseSlot(p.slot)
	p.core.Release(p.number)
}

// give hands bytes to the core, and all records that come of them to heard: as text, with the bytes they name.
func (p *peer) give(input []byte, eof bool, heard func(record string)) (http1.Reception, error) {
	p.rest = append(p.rest, input...)
	flags := p.next
	p.next = 0
	if eof {
		flags |= http1.ReceiveFlagsEOF
	}
	for {
		copy(p.slot.Bytes, p.rest)
		reception, err := p.core.Receive(p.number, p.slot, 0, len(p.rest), flags)
		if err != nil {
			return reception, err
		}
		flags &^= http1.ReceiveFlagsNextCycle
		for _, event := range p.slot.Events[:reception.EventCount] {
			heard(p.describe(&event))
		}
		p.rest = append([]byte(nil), p.rest[reception.Consumed:]...)
		if reception.State != http1.ReaderStateMore {
			return reception, nil
		}
	}
}

// describe writes a record out, all of it.
func (p *peer) describe(e *http1.EventRecord) string {
	text := func(s http1.Span) string { return string(p.rest[s.Offset:][:s.Size]) }
	if e.Kind == http1.EventDataReady {
		return piece{e.Position, uint16(e.Flags), text(e.First)}.String()
	}
	out := fmt.Sprintf("%v at %d flags=%#x version=%#x length=%d", e.Kind, e.Position, uint16(e.Flags), uint16(e.Version), e.Length)
	if e.Kind != http1.EventReady {
		out += fmt.Sprintf(" %q %q %q", text(e.First), text(e.Second), text(e.Authority))
	}
	fields := exchange.Fields{Table: p.slot.Fields[:int(e.FieldCount)*16], Bytes: p.rest}
	for i := range fields.Len() {
		name, value, ok := fields.At(i)
		out += fmt.Sprintf(" [%q %q %v]", name, value, ok)
	}
	return out
}

// answer answers the request and begins the next cycle with the next bytes.
func (p *peer) answer() (http1.Framing, http1.Errno) {
	_, framing, errno := p.core.FrameHead(p.number, &core.Head{Status: 404, Flags: http1.HeadFlagsComplete}, nil)
	p.next = http1.ReceiveFlagsNextCycle
	return framing, errno
}

// joined joins the pieces of body that follow one another in a transcript, so that transcripts of different splits can be
// compared.
func joined(transcript []string) (out []string) {
	for _, record := range transcript {
		if last := len(out) - 1; last >= 0 {
			if together, ok := join(out[last], record); ok {
				out[last] = together
				continue
			}
		}
		out = append(out, record)
	}
	return out
}

// join joins two pieces of body, unless a chunk begins with the second.
func join(first, second string) (together string, ok bool) {
	var a, b piece
	if !a.parse(first) || !b.parse(second) || b.flags&uint16(http1.EventFlagsChunkStart) != 0 {
		return "", false
	}
	return piece{a.position, a.flags | b.flags, a.content + b.content}.String(), true
}

// piece is a piece of body in a transcript.
type piece struct {
	position uint64
	flags    uint16
	content  string
}

const pieceFormat = "data_ready at %d flags=%d %q"

func (p piece) String() string { return fmt.Sprintf(pieceFormat, p.position, p.flags, p.content) }

func (p *piece) parse(record string) bool {
	n, _ := fmt.Sscanf(record, pieceFormat, &p.position, &p.flags, &p.content)
	return n == 3
}

// transcript is all that a core says of an input given in pieces of the sizes that split says, then of its end.
func transcript(t testing.TB, c *core.Core, input []byte, split func(rest int) int) []string {
	t.Helper()
	p := openPeer(t, c)
	defer p.close()
	var heard []string
	hear := func(record string) { heard = append(heard, record) }
	for done := 0; ; {
		size := min(split(len(input)-done), len(input)-done, len(p.slot.Bytes)-len(p.rest))
		eof := done+size == len(input)
		reception, err := p.give(input[done:done+size], eof, hear)
		if err != nil {
			t.Fatal(err)
		}
		done += size
		for reception.State == http1.ReaderStatePaused {
			if _, errno := p.answer(); errno != http1.ErrnoSuccess {
				t.Fatalf("answer: %v", errno)
			}
			if reception, err = p.give(nil, eof, hear); err != nil {
				t.Fatal(err)
			}
		}
		if eof || reception.State == http1.ReaderStateFailed {
			if reception.State == http1.ReaderStateFailed {
				return append(heard, fmt.Sprintf("%v %d at %d", reception.Error, reception.ErrorStatus, reception.ErrorPosition))
			}
			return append(heard, fmt.Sprintf("%v, %d left", reception.State, len(p.rest)))
		}
	}
}

// whole gives everything at once, byByte one byte at a time.
func whole(rest int) int { return rest }
func byByte(int) int     { return 1 }
