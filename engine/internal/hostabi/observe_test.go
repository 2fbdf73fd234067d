package hostabi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	. "github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
)

// note has what is observed of the following sessions told as lines.
func (g *guest) note() *[]string {
	var lines []string
	g.Observe(NewObserver(func(o Observation) {
		text := fmt.Sprint(o.Session, " ", [...]string{"began", "heard", "called", "stopped", "ended"}[o.Step])
		switch o.Step {
		case StepBegan:
			text += fmt.Sprintf(" %#x", uint32(o.Subscriptions))
		case StepHeard:
			text += fmt.Sprintf(" %v %s %s %d %d %v %v", o.Event, o.Method, o.Target, o.Fields, o.Bytes, o.Closed.Side, o.Closed.Reason)
		case StepCalled:
			text += fmt.Sprintf(" %s %d %d %d %v", o.Call, o.Status, o.Fields, o.Bytes, o.Errno)
		case StepStopped:
			text += " " + o.Call
		}
		lines = append(lines, o.Route+" "+text)
	}), "route")
	return &lines
}

func expectLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i := range want {
		want[i] = "route " + want[i]
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", indent(strings.Join(got, "\n")), indent(strings.Join(want, "\n")))
	}
}

// What is heard, pushed and pulled, and what is called is told with all that it says, in its order.
func TestObserve(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.End()
	lines := g.note()
	g.x.Events = append(exchangetest.Request(exchangetest.Line("POST", "/x"), exchange.NewFields("Host", "a"), "body"),
		exchange.Event{Kind: abi.EventTrailerReady, Fields: exchange.NewFields("A", "1", "B", "2")},
		exchange.Event{Kind: abi.EventClosed, Closed: abi.Closed{Side: abi.ClosedSideBoth, Reason: abi.CloseReasonReset}})
	g.Session = g.Begin(g.x)
	g.push(0)
	fields, count := g.fields("Name", "value")
	body, size := g.bytes("hello")
	for range 5 {
		g.expect(abi.ErrnoSuccess, "next_event", 2, 0)
	}
	g.expect(abi.ErrnoState, "next_event", 2, 0)
	g.expect(abi.ErrnoInvalid, "send_head", 2, 1<<16+200, fields, count)
	g.expect(abi.ErrnoSuccess, "set_head", 2, 201, fields, count)
	g.expect(abi.ErrnoSuccess, "send_informational", 2, 103, fields, count)
	g.expect(abi.ErrnoSuccess, "send", 2, 200, fields, count, body, size)
	g.expect(abi.ErrnoState, "send_data", 2, body, size)
	g.expect(abi.ErrnoState, "send_trailers", 2, fields, count)
	g.expect(abi.ErrnoNoSession, "drain", 1)
	g.End()
	g.expect(abi.ErrnoNoSession, "drain", 2) // of nobody's
	expectLines(t, *lines,
		"1 began 0x3ff",
		"1 heard line_ready POST /x 0 0 read end",
		"1 heard header_ready   1 0 read end",
		"1 heard data_ready   0 4 read end",
		"1 heard ready   1 4 read end",
		"1 heard trailer_ready   2 0 read end",
		"1 heard closed   0 0 both reset",
		"1 called next_event 0 0 0 state",
		"1 called send_head 65736 1 0 invalid",
		"1 called set_head 201 1 0 success",
		"1 called send_informational 103 1 0 success",
		"1 called send 200 1 5 success",
		"1 called send_data 0 0 5 state",
		"1 called send_trailers 0 1 0 state",
		"1 called drain 0 0 0 no_session",
		"1 ended")
}

// A handler that takes requests whole hears of them in one event.
func TestObserveWholeMessage(t *testing.T) {
	g := newGuest(t, abi.SubscriptionsReady, 4096)
	g.End()
	lines := g.note()
	g.x.Events = exchangetest.Request(exchangetest.Line("POST", "/x"), exchange.NewFields("Host", "a"), "body")
	g.Session = g.Begin(g.x)
	g.push(0)
	g.End()
	expectLines(t, *lines, "1 began 0x8", "1 heard ready POST /x 1 4 read end", "1 ended")
}

// A call that ends with the handler's work is told, too.
func TestObserveStopped(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.End()
	lines := g.note()
	g.x.End = exchange.ErrWallTime
	g.Session = g.Begin(g.x)
	if _, err := g.run("next_event", 2, 0); err == nil {
		t.Error("it returned")
	}
	expectLines(t, *lines, "1 began 0x3ff", "1 stopped next_event")
}

// What one session's event has a handler do to another session is the other's.
func TestObserveShared(t *testing.T) {
	g := newGuest(t, AllSubscriptions, 4096)
	g.End()
	g.Share()
	lines := g.note()
	one, two := g.Join(&exchangetest.Exchange{}), g.Join(&exchangetest.Exchange{})
	two.Enter()
	g.expect(abi.ErrnoSuccess, "drain", uint64(one.ID()))
	g.expect(abi.ErrnoSuccess, "drain", uint64(two.ID()))
	g.expect(abi.ErrnoNoSession, "drain", 99)
	one.End()
	expectLines(t, *lines, "1 began 0x3ff", "2 began 0x3ff", "1 called drain 0 0 0 success", "2 called drain 0 0 0 success",
		"2 called drain 0 0 0 no_session", "1 ended")
}
