package handlertest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine"
)

// What a handler hears and does while a case is played.

// history is what a handler heard of one request, and what it did.
type history struct {
	subscriptions abi.Subscriptions
	heard         []heard
	calls         int // in all of heard
	// left is how many steps were not kept.
	left int
}

// heard is an event, with the calls that follow it up to the next one.
type heard struct {
	engine.Observation
	calls []engine.Observation
}

// recorder keeps the histories of a case. The engine tells it of every step.
type recorder struct {
	mu sync.Mutex
	// requests are those that the handler was given, in that order, numbers by the number of the session.
	requests []*history
	sessions map[uint64]*history
	steps    int // of all requests
}

// mostSteps bounds what is kept of a case, in steps of all its requests.
const mostSteps = 1 << 15

// observe takes a step. Those of sessions that began in an earlier case concern nobody.
func (r *recorder) observe(o engine.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.steps++; o.Step == engine.StepBegan && r.steps <= mostSteps {
		h := &history{subscriptions: o.Subscriptions}
		if r.sessions == nil {
			r.sessions = map[uint64]*history{}
		}
		r.requests, r.sessions[o.Session] = append(r.requests, h), h
		return
	}
	h := r.sessions[o.Session]
	switch {
	case h == nil:
	case r.steps > mostSteps:
		h.left++
	default:
		h.add(o)
	}
}

func (h *history) add(o engine.Observation) {
	switch o.Step {
	case engine.StepHeard:
		h.heard = append(h.heard, heard{Observation: o})
	case engine.StepCalled, engine.StepStopped:
		if last := len(h.heard) - 1; last >= 0 { // one that has heard nothing has no number to call with
			h.heard[last].calls = append(h.heard[last].calls, o)
			h.calls++
		}
	}
}

// take gives the histories since the last time, and begins anew.
func (r *recorder) take() []*history {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.requests
	r.requests, r.sessions, r.steps = nil, nil, 0
	return taken
}

// eventName is the name of an event as transcripts have it, such as HEADER_READY.
func eventName(event abi.Event) string { return strings.ToUpper(event.String()) }

// eventText writes an event as a line of a transcript.
func eventText(o *engine.Observation) string {
	words := []string{eventName(o.Event)}
	switch whole := o.Method != ""; o.Event {
	case abi.EventLineReady:
		words = append(words, messageText(o))
	case abi.EventHeaderReady, abi.EventTrailerReady:
		words = append(words, count(o.Fields, "field"))
	case abi.EventDataReady:
		words = append(words, count(o.Bytes, "byte"))
	case abi.EventReady:
		if whole {
			words = append(words, messageText(o), count(o.Fields, "field"), count(o.Bytes, "byte"))
		}
	case abi.EventClosed:
		words = append(words, o.Closed.Side.String(), o.Closed.Reason.String())
	}
	return strings.Join(words, " ")
}

func messageText(o *engine.Observation) string {
	return encode([]byte(o.Method)) + " " + encode([]byte(o.Target))
}

// callText writes a call as a line of a transcript.
func callText(o *engine.Observation) string {
	words := []string{o.Call}
	has := callArguments[o.Call]
	if has.status {
		words = append(words, fmt.Sprint(o.Status))
	}
	if has.fields {
		words = append(words, count(o.Fields, "field"))
	}
	if has.bytes {
		words = append(words, count(o.Bytes, "byte"))
	}
	if o.Step == engine.StepStopped {
		return strings.Join(words, " ") + " (did not return)"
	}
	return strings.Join(append(words, arrow, o.Errno.String()), " ")
}

// arrow stands in front of how a call ended.
const arrow = "→"

// callArguments are those arguments of calls that can be told: a status, the number of fields, the number of bytes.
var callArguments = map[string]struct{ status, fields, bytes bool }{
	"send":               {status: true, fields: true, bytes: true},
	"send_head":          {status: true, fields: true},
	"set_head":           {status: true, fields: true},
	"send_informational": {status: true, fields: true},
	"send_data":          {bytes: true},
	"send_trailers":      {fields: true},
	"upgrade":            {fields: true},
}

// count writes a number of things, "1 byte" or "5 bytes".
func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// lines write a history as a transcript does, with what is repeated only once.
func (h *history) lines() (lines []string) {
	for i := 0; i < len(h.heard); {
		text := h.heard[i].lines()
		same := 1
		for i+same < len(h.heard) && h.heard[i].like(&h.heard[i+same]) {
			same++
		}
		lines = append(lines, text...)
		if i += same; same > 1 {
			lines = append(lines, fmt.Sprintf("(and the same %s more)", times(same-1)))
		}
	}
	if h.left > 0 {
		lines = append(lines, fmt.Sprintf("(and %d steps that were not kept)", h.left))
	}
	return lines
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// lines write an event and what was done when it was heard.
func (e *heard) lines() []string {
	lines := []string{eventText(&e.Observation)}
	for i := 0; i < len(e.calls); {
		same := 1
		for i+same < len(e.calls) && alike(&e.calls[i], &e.calls[i+same]) {
			same++
		}
		lines = append(lines, callIndent+callText(&e.calls[i]))
		if i += same; same > 1 {
			lines = append(lines, fmt.Sprintf("%s(%s more)", callIndent, times(same-1)))
		}
	}
	return lines
}

// callIndent stands in front of calls, which belong to the event above them.
const callIndent = "  "

// like reports whether two events with their calls are told in the same words.
func (e *heard) like(other *heard) bool {
	if !alike(&e.Observation, &other.Observation) || len(e.calls) != len(other.calls) {
		return false
	}
	for i := range e.calls {
		if !alike(&e.calls[i], &other.calls[i]) {
			return false
		}
	}
	return true
}

// alike reports whether two steps differ in nothing but the session.
func alike(a, b *engine.Observation) bool {
	x, y := *a, *b
	x.Session, y.Session = 0, 0
	return x == y
}

// heardLines are the histories of a case's requests, up to a bound: how it began, and how it ended.
func heardLines(requests []*history) (lines []string) {
	for i, h := range requests {
		if len(requests) > 1 {
			lines = append(lines, fmt.Sprintf("request %d:", i+1))
		}
		if len(h.heard) == 0 {
			lines = append(lines, "(nothing)")
		}
		lines = append(lines, h.lines()...)
	}
	if left := len(lines) - mostHeard; left > 0 {
		gap := fmt.Sprintf("... and %d lines more, until", left)
		lines = slices.Concat(lines[:mostHeard/2], []string{gap}, lines[mostHeard/2+left:])
	}
	return lines
}

// mostHeard bounds how much is shown of what was heard and done, in lines.
const mostHeard = 24

// showHeard lists what was heard and done.
func showHeard(w io.Writer, requests []*history) {
	if len(requests) == 0 {
		fmt.Fprintln(w, "  the handler was given no request")
		return
	}
	var wants []string
	for number, name := range eventNames() {
		if requests[0].subscriptions&(1<<number) != 0 {
			wants = append(wants, name)
		}
	}
	fmt.Fprintf(w, "  the handler, which subscribes to %s, heard and did:\n", strings.Join(wants, ", "))
	for _, line := range heardLines(requests) {
		fmt.Fprintf(w, "    %s\n", line)
	}
}
