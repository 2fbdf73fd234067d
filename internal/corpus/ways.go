package corpus

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sluicehttp/sluice/abi"
)

// Way is a way to play a case. All of them come to the trace that the case holds.
type Way struct {
	Name string
	Feed Feed
	// Before is what the connection reads before the case, nothing on a new one.
	Before string
	// Trailing is what follows the case.
	Trailing string
	// Limits are those that the connection has to be opened with.
	Limits abi.Limits
}

// randomWays is how many ways give pieces at random.
const randomWays = 5

// Ways are the ways in which every case is played.
func Ways(c *Case) []Way {
	ways := []Way{
		{Name: "whole", Feed: Feed{Split: Whole}},
		{Name: "byte by byte", Feed: Feed{Split: ByByte}},
		{Name: "whole, its end alone", Feed: Feed{Split: Whole, LateEOF: true}},
		{Name: "whole, stopping behind heads", Feed: Feed{Split: Whole, HeadOnly: true}},
	}
	for seed := range uint64(randomWays) {
		ways = append(ways, Way{Name: fmt.Sprintf("in random pieces %d", seed), Feed: RandomFeed(seed)})
	}
	for i, before := range inputsBefore(c.Settings.Client) {
		ways = append(ways,
			Way{Name: fmt.Sprintf("whole, on used connection %d", i), Feed: Feed{Split: Whole}, Before: before},
			Way{Name: fmt.Sprintf("byte by byte, on used connection %d", i), Feed: Feed{Split: ByByte}, Before: before})
	}
	restricted := Way{Name: "whole, restricted behind heads", Feed: Feed{Split: Whole, HeadOnly: true, Restrict: true}}
	ways = append(ways, restricted)
	if !c.open() {
		const trailing = "GET /trailing HTTP/1.1\r\nHost: h\r\n\r\n"
		ways = append(ways,
			Way{Name: "whole, with trailing bytes", Feed: Feed{Split: Whole}, Trailing: trailing},
			Way{Name: "byte by byte, with trailing bytes", Feed: Feed{Split: ByByte}, Trailing: trailing})
	}
	for i := range ways {
		ways[i].Limits = c.Settings.openLimits(ways[i].Feed.Restrict)
	}
	return ways
}

// openLimits are the limits of a connection that is restricted later, or not.
func (s *Settings) openLimits(restricted bool) abi.Limits {
	limits := s.Limits
	if restricted {
		own := Defaults().Limits
		limits.ChunkLine, limits.Trailers, limits.TrailerFields = own.ChunkLine, own.Trailers, own.TrailerFields
	}
	return limits
}

// RandomFeed gives small pieces, some of them empty, and chooses everything else at random too. Two feeds of one seed give
// the same.
func RandomFeed(seed uint64) Feed {
	random := rand.New(rand.NewPCG(seed, 0))
	most := 2 << random.IntN(6)
	return Feed{
		Split:    func(int) int { return random.IntN(most) },
		LateEOF:  random.IntN(2) == 0,
		HeadOnly: random.IntN(2) == 0,
	}
}

// inputsBefore are inputs that a connection may have read before a case. They fill everything that a connection remembers of
// a message, within the smallest limits that cases have.
func inputsBefore(client bool) []string {
	if client {
		return []string{
			"HTTP/1.1 103 \r\nA:\r\n b\r\n\r\nHTTP/1.1 404 x\r\nContent-Length:\r\n 3\r\n\r\nabc",
			"HTTP/1.1 204 y\r\nTransfer-Encoding: gzip\r\n\r\n",
			"HTTP/1.1 403 \r\nTransfer-Encoding:chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nT: u\r\n\r\n",
		}
	}
	return []string{
		"PUT / HTTP/1.1\r\nHost:x\r\nTransfer-Encoding:chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nT: u\r\n\r\n",
		"\r\nHEAD http://a/ HTTP/1.1\r\nHost: h\r\nExpect:100-continue\r\n\r\n",
		"A / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"CONNECT h:1 HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n",
	}
}

// open reports whether what follows the input would go on with the case: neither is its last message complete, nor was
// anything refused.
func (c *Case) open() bool {
	return c.Settings.EOF || !c.refused() && !strings.HasSuffix(c.events(), " READY\n")
}

// refused reports whether the case ends with an error.
func (c *Case) refused() bool {
	end := c.Trace[len(c.events()):]
	return strings.Contains(end, " failed ") || strings.Contains(end, " http2_preface ")
}

// events is the trace without its end.
func (c *Case) events() string { return c.Trace[:strings.LastIndexByte(c.Trace, '\n')+1] }

// Check plays a case on a connection that was just opened. It complains when the trace is another than that of the case.
func (w *Way) Check(conn Connection, c *Case) error {
	trace, err := w.Play(conn, c)
	if err != nil {
		return fmt.Errorf("%s:%d: %s: %w", c.File, c.Line, w.Name, err)
	}
	got := trace.Joined().String()
	if got == c.Trace || w.Trailing != "" && !c.refused() && strings.HasPrefix(got, c.events()) {
		return nil
	}
	return fmt.Errorf("%s:%d: %s\n%s", c.File, c.Line, w.Name, Diff(c.Trace, got))
}

// Play plays a case on a connection that was just opened.
func (w *Way) Play(conn Connection, c *Case) (Trace, error) {
	p := NewPlayer(conn)
	if w.Before != "" {
		settings := Defaults()
		settings.Client = c.Settings.Client
		trace, err := p.Play([]byte(w.Before), settings, Feed{Split: ByByte})
		if err != nil || trace.End.State != abi.ReaderStateNeedData {
			return trace, fmt.Errorf("%q in front: %w\n%v", w.Before, err, trace)
		}
	}
	return p.Play(bytes.Join([][]byte{c.Input, []byte(w.Trailing)}, nil), c.Settings, w.Feed)
}
