package core_test

import (
	"math/rand/v2"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// TestRepeatedHeads frames heads that begin like those before, or do not, in any order and on several connections, on both
// cores, and compares each with what a core frames that has seen no other head.
func TestRepeatedHeads(t *testing.T) {
	both := bothCores(t)
	sections := []exchange.Fields{
		{},
		exchange.NewFields("Content-Type", "text/plain"),
		exchange.NewFields("Content-Type", "text/html_"),
		exchange.NewFields("Content-Length", "7"),
		exchange.NewFields("Content-Type", "text/plain", "X", "y"),
		exchange.NewFields("X", "bad\r\nvalue"),
		exchange.NewFields("Connection", "close"),
	}
	lengths := []uint64{0, 7, 12345678901}
	flags := []http1.HeadFlags{http1.HeadFlagsComplete, http1.HeadFlagsStreamed, http1.HeadFlagsComplete | http1.HeadFlagsClose}
	statuses := []uint16{200, 404, 204, 99}
	requests := []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}
	random := rand.New(rand.NewPCG(5, 6))
	previous := core.Head{Status: 200, Flags: http1.HeadFlagsComplete}
	for range 20000 {
		head := core.Head{
			Status: statuses[random.IntN(len(statuses))],
			Fields: sections[random.IntN(len(sections))],
			Length: lengths[random.IntN(len(lengths))],
			Flags:  flags[random.IntN(len(flags))],
		}
		if random.IntN(2) == 0 {
			head.Status = 200
		}
		if random.IntN(2) == 0 {
			head = previous
		}
		previous = head
		request := requests[random.IntN(len(requests))]
		want, wantErrno := frameAlone(head, request)
		for name, c := range map[string]*core.Core{"wasm": both.wasm, "native": both.native} {
			got, errno := frameShared(t, c, head, request)
			if got != want || errno != wantErrno {
				t.Fatalf("%s: %d %q %d %v to %q\ngot  %q, %v\nwant %q, %v", name, head.Status, head.Fields.Bytes, head.Length,
					head.Flags, request, got, errno, want, wantErrno)
			}
		}
	}
}

// frameShared frames a head on a core that has framed others before, and a piece of its body.
func frameShared(t *testing.T, c *core.Core, head core.Head, request string) (string, http1.Errno) {
	t.Helper()
	p := openPeer(t, c)
	defer p.close()
	if _, err := p.Receive([]byte(request), 0); err != nil {
		t.Fatal(err)
	}
	out, _, errno := c.FrameHead(p.number, &head, nil)
	if errno == http1.ErrnoSuccess {
		out, _, _ = c.FrameData(p.number, []byte("piece"), out)
	}
	return string(out), errno
}

// frameAlone does the same without a core that could remember anything.
func frameAlone(head core.Head, request string) (string, http1.Errno) {
	limits := http1.DefaultLimits
	var conn http1.Conn
	conn.Open(http1.RoleServer, &limits)
	tables := http1.Tables{Events: make([]http1.EventRecord, 8), Fields: make([]http1.FieldSpan, limits.Fields)}
	var reception http1.Reception
	conn.Receive([]byte(request), 0, &tables, &reception)
	wanted := http1.Head{Status: http1.Status(head.Status), Length: head.Length, Flags: head.Flags, Bytes: head.Fields.Bytes}
	for i := range head.Fields.Len() {
		name, value, _ := head.Fields.At(i)
		at := uint32(0)
		if i > 0 {
			last := wanted.Fields[i-1].Value
			at = last.Offset + last.Size
		}
		wanted.Fields = append(wanted.Fields, http1.FieldSpan{
			Name:  http1.Span{Offset: at, Size: uint32(len(name))},
			Value: http1.Span{Offset: at + uint32(len(name)), Size: uint32(len(value))},
		})
	}
	out := http1.Output{Bytes: make([]byte, 4096)}
	var framing http1.Framing
	errno := conn.FrameHead(&wanted, &out, &framing)
	if errno != http1.ErrnoSuccess {
		return "", errno
	}
	text := func(s http1.Span) string { return string(out.Bytes[s.Offset:][:s.Size]) }
	answer := text(framing.Before)
	if conn.FrameData(5, &out, &framing) == http1.ErrnoSuccess {
		answer += text(framing.Before)
		if framing.Bodiless == 0 {
			answer += "piece"
		}
		answer += text(framing.After)
	}
	return answer, errno
}
