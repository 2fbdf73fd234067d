package http1

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/internal/corpus"
)

const corpusFolder = "testdata/corpus"

var update = flag.Bool("update", false, "write the traces of testdata/corpus anew")

// TestCorpus plays every case of the corpus in every way.
func TestCorpus(t *testing.T) {
	if *update {
		if err := corpus.Update(corpusFolder, record); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range loadCorpus(t) {
		t.Run(c.Name(), func(t *testing.T) {
			for _, way := range corpus.Ways(c) {
				for _, events := range []int{plentyOfEvents, eventsPerStep} {
					if err := way.Check(newCorpusConn(c.Settings.Client, way.Limits, events), c); err != nil {
						t.Fatalf("with room for %d events: %v", events, err)
					}
				}
			}
		})
	}
}

// plentyOfEvents is room for all that happens in a few messages.
const plentyOfEvents = 32

// record is the trace of a case that is given whole.
func record(c *corpus.Case) (string, error) {
	way := corpus.Way{Feed: corpus.Feed{Split: corpus.Whole}}
	trace, err := way.Play(newCorpusConn(c.Settings.Client, c.Settings.Limits, plentyOfEvents), c)
	return trace.Joined().String(), err
}

func loadCorpus(t *testing.T) []*corpus.Case {
	t.Helper()
	cases, err := corpus.Load(corpusFolder)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// corpusConn is a connection that the corpus plays on.
type corpusConn struct {
	conn      Conn
	limits    Limits
	tables    Tables
	reception Reception
	out       Output
	framing   Framing
}

func newCorpusConn(client bool, limits abi.Limits, events int) *corpusConn {
	c := &corpusConn{limits: Limits(limits)}
	c.tables = Tables{Events: make([]EventRecord, events), Fields: make([]FieldSpan, max(limits.Fields, limits.TrailerFields))}
	c.out.Bytes = make([]byte, 512)
	role := RoleNone
	if client {
		role = RoleClient
	}
	c.conn.Open(role, &c.limits)
	return c
}

func (c *corpusConn) Receive(input []byte, flags abi.ReceiveFlags) (corpus.Reading, error) {
	if errno := c.conn.Receive(input, ReceiveFlags(flags), &c.tables, &c.reception); errno != ErrnoSuccess {
		return corpus.Reading{}, fmt.Errorf("receive: %v", errno)
	}
	return corpus.Reading{
		Bytes:     input,
		Events:    corpus.Memory(c.tables.Events...),
		Fields:    corpus.Memory(c.tables.Fields...),
		Reception: corpus.Memory(c.reception),
	}, nil
}

func (c *corpusConn) Ask(request *corpus.Request) error {
	head := Head{Flags: HeadFlags(request.Flags)}
	head.Fields, head.Bytes = fieldSpans(request.Fields...)
	errno := c.conn.FrameRequest([]byte(request.Method), []byte(request.Target), &head, &c.out, &c.framing)
	if errno != ErrnoSuccess {
		return fmt.Errorf("request: %v", errno)
	}
	return nil
}

func (c *corpusConn) Answer(reply *corpus.Reply) error {
	head := Head{Status: Status(reply.Status), Flags: HeadFlags(reply.Flags)}
	head.Fields, head.Bytes = fieldSpans(reply.Fields...)
	frame := c.conn.FrameHead
	if reply.Upgrade {
		frame = c.conn.FrameUpgrade
	}
	if errno := frame(&head, &c.out, &c.framing); errno != ErrnoSuccess {
		return fmt.Errorf("answer: %v", errno)
	}
	return nil
}

func (c *corpusConn) Restrict(limits *abi.Limits) error {
	if errno := c.conn.Restrict(limits.ChunkLine, limits.Trailers, limits.TrailerFields); errno != ErrnoSuccess {
		return fmt.Errorf("restrict: %v", errno)
	}
	return nil
}

// TestCorpusIsComplete looks for errors that no case shows, and for decisions without a case.
func TestCorpusIsComplete(t *testing.T) {
	cases := loadCorpus(t)
	for code := ErrorCodeNone + 1; !strings.HasPrefix(code.String(), "error_code("); code++ {
		shown := func(c *corpus.Case) bool { return strings.Contains(c.Trace, " "+code.String()+" ") }
		if !slices.ContainsFunc(cases, shown) {
			t.Errorf("no case shows the error %v", code)
		}
	}
	decisions, err := corpus.Decisions("POLICY.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, c := range cases {
		for _, row := range c.Policy {
			used[row] = true
			if !slices.Contains(decisions, row) {
				t.Errorf("%s:%d: POLICY.md has no decision %q", c.File, c.Line, row)
			}
		}
	}
	for _, row := range decisions {
		if !used[row] {
			t.Errorf("no case shows the decision %q", row)
		}
	}
}
