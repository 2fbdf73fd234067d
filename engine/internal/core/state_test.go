package core_test

import (
	"errors"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// eachCore runs a test on the core in its sandbox and on its twin.
func eachCore(t *testing.T, test func(t *testing.T, c *core.Core)) {
	both := bothCores(t)
	t.Run("wasm", func(t *testing.T) { test(t, both.wasm) })
	t.Run("native", func(t *testing.T) { test(t, both.native) })
}

// driven is a connection to which bytes are given bit by bit.
type driven struct {
	*peer
	rest []byte
}

func openUndecided(t *testing.T, c *core.Core) *driven {
	t.Helper()
	p := &driven{peer: openPeerAs(t, c, http1.RoleNone)}
	t.Cleanup(p.close)
	return p
}

// give hands bytes to the core behind those that were not consumed.
func (p *driven) give(t *testing.T, text string, flags abi.ReceiveFlags) {
	t.Helper()
	p.rest = append(p.rest, text...)
	reading, err := p.Receive(p.rest, flags)
	if err != nil {
		t.Fatal(err)
	}
	var reception abi.Reception
	reception.Load(reading.Reception)
	p.rest = p.rest[reception.Consumed:]
}

// wantState compares where a connection stands.
func (p *peer) wantState(t *testing.T, role http1.Role, read http1.ReadState, write http1.WriteState) {
	t.Helper()
	got, err := p.core.Query(p.number)
	if err != nil || got.Role != role || got.ReadState != read || got.WriteState != write {
		t.Errorf("%+v, %v, want %v, %v, %v", got, err, role, read, write)
	}
}

// TestServerStates asks where a server's connection stands after each step.
func TestServerStates(t *testing.T) {
	eachCore(t, func(t *testing.T, c *core.Core) {
		p := openUndecided(t, c)
		give := func(text string) { t.Helper(); p.give(t, text, 0) }
		p.wantState(t, http1.RoleNone, http1.ReadStateEmpty, http1.WriteStateEmpty)
		give("PUT / HTTP/1.1\r\nHost: h\r\n")
		p.wantState(t, http1.RoleServer, http1.ReadStateEmpty, http1.WriteStateEmpty)
		give("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
		p.wantState(t, http1.RoleServer, http1.ReadStateMessageReady, http1.WriteStateEmpty)
		c.FrameInformational(p.number, 100, exchange.Fields{}, nil)
		p.wantState(t, http1.RoleServer, http1.ReadStateMessageReady, http1.WriteStateContinueIssued)
		give("a")
		p.wantState(t, http1.RoleServer, http1.ReadStateBodyReady, http1.WriteStateContinueIssued)
		c.FrameHead(p.number, &core.Head{Status: 200, Flags: http1.HeadFlagsStreamed}, nil)
		p.wantState(t, http1.RoleServer, http1.ReadStateBodyReady, http1.WriteStateMetadataIssued)
		give("b")
		c.FrameTrailers(p.number, exchange.NewFields("A", "b"), nil)
		p.wantState(t, http1.RoleServer, http1.ReadStateFinished, http1.WriteStateFinished)
		p.give(t, "", abi.ReceiveFlagsNextCycle)
		p.wantState(t, http1.RoleServer, http1.ReadStateEmpty, http1.WriteStateEmpty)
	})
}

// TestClientStates asks where a client's connection stands after each step.
func TestClientStates(t *testing.T) {
	eachCore(t, func(t *testing.T, c *core.Core) {
		p := openUndecided(t, c)
		request := core.Request{Method: []byte("POST"), Target: []byte("/"), Fields: exchange.NewFields("Host", "h"), Flags: http1.HeadFlagsStreamed}
		head, _, errno := c.FrameRequest(p.number, &request, nil)
		if want := "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"; errno != http1.ErrnoSuccess || string(head) != want {
			t.Fatalf("%q, %v, want %q", head, errno, want)
		}
		p.wantState(t, http1.RoleClient, http1.ReadStateEmpty, http1.WriteStateMetadataIssued)
		p.give(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 0)
		p.wantState(t, http1.RoleClient, http1.ReadStateFinished, http1.WriteStateMetadataIssued)
		if _, _, errno := c.FrameHead(p.number, &core.Head{Status: 200, Flags: http1.HeadFlagsComplete}, nil); errno != http1.ErrnoState {
			t.Errorf("a client answers: %v", errno)
		}
		if end, _, errno := c.FrameTrailers(p.number, exchange.NewFields("A", "b"), nil); errno != http1.ErrnoSuccess || string(end) != "0\r\nA: b\r\n\r\n" {
			t.Errorf("%q, %v", end, errno)
		}
		p.wantState(t, http1.RoleClient, http1.ReadStateFinished, http1.WriteStateFinished)
		p.give(t, "", abi.ReceiveFlagsNextCycle)
		p.wantState(t, http1.RoleClient, http1.ReadStateEmpty, http1.WriteStateEmpty)
		if _, _, errno := c.FrameRequest(p.number, &request, nil); errno != http1.ErrnoSuccess {
			t.Errorf("the next request: %v", errno)
		}
	})
}

// TestRestrict stops behind a head, and has what follows kept to other limits, for one message.
func TestRestrict(t *testing.T) {
	const request = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;extension\r\na\r\n0\r\n\r\n"
	eachCore(t, func(t *testing.T, c *core.Core) {
		p := openUndecided(t, c)
		copy(p.slot.Bytes, request)
		for _, most := range []int{64, 4} {
			reception, err := c.Receive(p.number, p.slot, 0, len(request), http1.ReceiveFlagsHeadOnly)
			if err != nil || reception.State != http1.ReaderStateMore || p.slot.Events[reception.EventCount-1].Kind != http1.EventHeaderReady {
				t.Fatalf("%+v, %v", reception, err)
			}
			if err := c.Restrict(p.number, most, 64, 1); err != nil {
				t.Fatal(err)
			}
			at := int(reception.Consumed)
			reception, err = c.Receive(p.number, p.slot, at, len(request)-at, 0)
			if most == 4 {
				if reception.Error != http1.ErrorCodeChunkLineTooLong {
					t.Errorf("%+v, %v", reception, err)
				}
				break
			}
			if err != nil || reception.State != http1.ReaderStatePaused {
				t.Fatalf("%+v, %v", reception, err)
			}
			if _, _, errno := c.FrameHead(p.number, &core.Head{Status: 204, Flags: http1.HeadFlagsComplete}, nil); errno != http1.ErrnoSuccess {
				t.Fatal(errno)
			}
			if _, err := c.Receive(p.number, p.slot, 0, 0, http1.ReceiveFlagsNextCycle); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestAdvance has bytes of a body go past the core, in front of those that it sees, between them and behind them.
func TestAdvance(t *testing.T) {
	const head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
	eachCore(t, func(t *testing.T, c *core.Core) {
		p := openUndecided(t, c)
		receive := func(text string) http1.Reception {
			copy(p.slot.Bytes, text)
			reception, err := c.Receive(p.number, p.slot, 0, len(text), 0)
			if err != nil {
				t.Fatal(err)
			}
			return reception
		}
		if err := c.Advance(p.number, 1); !errors.Is(err, core.ErrMisused) {
			t.Errorf("in front of a request: %v", err)
		}
		begun := receive(head)
		for _, size := range []uint64{3, 0} {
			if err := c.Advance(p.number, size); err != nil {
				t.Fatal(err)
			}
		}
		p.wantState(t, http1.RoleServer, http1.ReadStateBodyReady, http1.WriteStateEmpty)
		piece := receive("4567")
		if at := p.slot.Events[0].Position; piece.State != http1.ReaderStateNeedData || at != uint64(len(head)+3) {
			t.Errorf("a piece at %d: %+v", at, piece)
		}
		if err := c.Advance(p.number, 4); !errors.Is(err, core.ErrMisused) {
			t.Errorf("more than is missing: %v", err)
		}
		if err := c.Advance(p.number, 3); err != nil {
			t.Fatal(err)
		}
		end := receive("GET / HTTP/1.1\r\n")
		if begun.State != http1.ReaderStateNeedData || end.State != http1.ReaderStatePaused || end.Consumed != 0 || end.EventCount != 1 ||
			p.slot.Events[0].Kind != http1.EventReady || p.slot.Events[0].Position != uint64(len(head)+10) {
			t.Errorf("the end: %+v, %+v", end, p.slot.Events[0])
		}
		if err := c.Advance(p.number, 0); !errors.Is(err, core.ErrMisused) {
			t.Errorf("behind a body: %v", err)
		}
	})
}
