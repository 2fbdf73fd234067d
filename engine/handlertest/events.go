package handlertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicehttp/sluice/abi"
)

// What is due of the events that a handler hears and of the calls that it makes, and how what came is held against it.

// eventsDue is what is due of one request.
type eventsDue struct {
	line    int
	request int // counted from 1, in the order in which the handler is given them
	list    []eventDue
	// none are the names of events and calls that must not come at all.
	none []absentDue
}

type absentDue struct {
	line int
	name string
}

// eventDue is an event that is due, or with rest any number of any events.
type eventDue struct {
	line   int
	rest   bool
	event  abi.Event
	text   string // as the transcript has it
	wanted wanted
	// pieces says that there may be several in a row, which have so many bytes together.
	pieces bool
	// named says that the calls are told, too, none of them or some; otherwise they do not matter.
	named bool
	calls []callDue
}

// callDue is a call that is due, or with rest any number of any calls.
type callDue struct {
	line   int
	rest   bool
	name   string
	text   string
	wanted wanted
}

// wanted is what an event or a call has to say. What is not given does not matter.
type wanted struct {
	method, target string
	fields, bytes  int // -1: not given
	statuses       []string
	sides, reasons []string
	errnos         []string
}

// readEvents reads a block of the kind events.
func (c *Case) readEvents(line int, settings, content []string) error {
	due := &eventsDue{line: line, request: 1}
	if len(c.events) > 0 {
		due.request = c.events[len(c.events)-1].request + 1
	}
	for _, setting := range settings {
		n, err := strconv.Atoi(setting)
		if err != nil || n < 1 {
			return fmt.Errorf("events has no setting %q; it has the number of the request, counted from 1", setting)
		}
		due.request = n
	}
	for _, other := range c.events {
		if other.request == due.request {
			return fmt.Errorf("the events of request %d are due in line %d already", due.request, other.line)
		}
	}
	for i, text := range content {
		if err := due.read(line+1+i, text); err != nil {
			return fmt.Errorf("line %d of the block: %w", i+1, err)
		}
	}
	c.events = append(c.events, due)
	return nil
}

// read reads a line of the block.
func (d *eventsDue) read(line int, text string) error {
	name := strings.TrimPrefix(strings.TrimSpace(text), "no ")
	switch indented := strings.HasPrefix(text, " "); {
	case strings.TrimSpace(text) == "":
		return nil
	case indented && len(d.list) == 0:
		return fmt.Errorf("'%s' is a call in front of the first event: it stands below the event that the handler hears", name)
	case indented:
		return d.list[len(d.list)-1].readCall(line, strings.TrimSpace(text))
	case strings.HasPrefix(text, "no "):
		if _, isEvent := eventNumber(name); !isEvent && !isCall(name) {
			return fmt.Errorf("'%s' is neither an event nor a call", name)
		}
		d.none = append(d.none, absentDue{line, name})
		return nil
	}
	due := eventDue{line: line, text: text, rest: text == "..."}
	if err := due.read(); err != nil {
		return err
	}
	d.list = append(d.list, due)
	return nil
}

// read reads an event from its text.
func (e *eventDue) read() error {
	if e.rest {
		return nil
	}
	words := strings.Fields(e.text)
	number, found := eventNumber(words[0])
	if !found {
		return fmt.Errorf("there is no event %q; there are %s", words[0], strings.Join(eventNames(), ", "))
	}
	e.event = number
	words, e.pieces = withoutPieces(words[1:])
	if e.pieces && number != abi.EventDataReady {
		return fmt.Errorf("only DATA_READY comes in pieces")
	}
	w := &e.wanted
	var err error
	if words, err = w.readCounts(words); err != nil {
		return err
	}
	whole := number == abi.EventReady
	switch {
	case w.fields >= 0 && number != abi.EventHeaderReady && number != abi.EventTrailerReady && !whole:
		return fmt.Errorf("%s has no fields", eventName(number))
	case w.bytes >= 0 && number != abi.EventDataReady && !whole:
		return fmt.Errorf("%s has no bytes", eventName(number))
	case number == abi.EventLineReady || whole:
		words = w.readMessage(words)
	case number == abi.EventClosed:
		w.sides, words = alternatives(words, oneOf(names(abi.ClosedSideBoth)))
		w.reasons, words = alternatives(words, oneOf(names(abi.CloseReasonShutdown)))
	}
	return unread(words)
}

// readCall reads a call below the event, or that there is none.
func (e *eventDue) readCall(line int, text string) error {
	switch {
	case e.rest:
		return fmt.Errorf("'%s' is a call below '...', which stands for any events with any calls", text)
	case text == "no calls" && !e.named:
		e.named = true
		return nil
	case text == "no calls", e.named && len(e.calls) == 0:
		return fmt.Errorf("there are calls and 'no calls' below the same event")
	}
	due := callDue{line: line, text: text, rest: text == "..."}
	err := due.read()
	e.named, e.calls = true, append(e.calls, due)
	return err
}

// read reads a call from its text.
func (c *callDue) read() error {
	if c.rest {
		return nil
	}
	call, result, hasResult := strings.Cut(strings.Replace(c.text, "->", arrow, 1), arrow)
	words := strings.Fields(call)
	if len(words) == 0 || !isCall(words[0]) {
		return fmt.Errorf("'%s' is no call of http_events_v1", c.text)
	}
	c.name = words[0]
	has, w := callArguments[c.name], &c.wanted
	words, err := w.readCounts(words[1:])
	switch {
	case err != nil:
		return err
	case w.fields >= 0 && !has.fields:
		return fmt.Errorf("%s has no fields", c.name)
	case w.bytes >= 0 && !has.bytes:
		return fmt.Errorf("%s has no bytes", c.name)
	}
	if has.status {
		w.statuses, words = alternatives(words, statusForm.MatchString)
	}
	if err := unread(words); err != nil || !hasResult {
		return err
	}
	errnos := names(abi.ErrnoUnsupported)
	w.errnos, words = alternatives(strings.Fields(result), oneOf(errnos))
	if len(w.errnos) == 0 || len(words) > 0 {
		return fmt.Errorf("'%s' is no errno; there are %s", strings.TrimSpace(result), strings.Join(errnos, ", "))
	}
	return nil
}

func unread(words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("'%s' is not understood there", strings.Join(words, " "))
	}
	return nil
}

// withoutPieces takes "in pieces" from the end.
func withoutPieces(words []string) (rest []string, found bool) {
	if n := len(words) - 2; n >= 0 && words[n] == "in" && words[n+1] == "pieces" {
		return words[:n], true
	}
	return words, false
}

// readCounts takes "3 fields" and "5 bytes" out of the words.
func (w *wanted) readCounts(words []string) (rest []string, err error) {
	w.fields, w.bytes = -1, -1
	for i := 0; i < len(words); i++ {
		target := map[string]*int{"field": &w.fields, "fields": &w.fields, "byte": &w.bytes, "bytes": &w.bytes}[at(words, i+1)]
		if target == nil {
			rest = append(rest, words[i])
			continue
		}
		if *target, err = strconv.Atoi(words[i]); err != nil || *target < 0 {
			return nil, fmt.Errorf("'%s %s': how many?", words[i], words[i+1])
		}
		i++
	}
	return rest, nil
}

// readMessage takes a method and a target.
func (w *wanted) readMessage(words []string) (rest []string) {
	w.method, w.target = at(words, 0), at(words, 1)
	return words[min(2, len(words)):]
}

// alternatives takes "truncated", or "truncated or reset", from the front.
func alternatives(words []string, is func(string) bool) (found, rest []string) {
	for i := 0; i < len(words) && is(words[i]); i += 2 {
		found = append(found, words[i])
		if at(words, i+1) != "or" {
			return found, words[i+1:]
		}
	}
	return found, words[max(0, 2*len(found)-1):] // with an 'or' that nothing follows
}

func oneOf(names []string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

// names lists the values of an enumeration up to the last.
func names[T interface {
	~uint8 | ~uint16
	fmt.Stringer
}](last T) (names []string) {
	for v := T(0); v <= last; v++ {
		names = append(names, v.String())
	}
	return names
}

func eventNames() (all []string) {
	for _, name := range names(abi.EventClosed) {
		all = append(all, strings.ToUpper(name))
	}
	return all
}

func eventNumber(name string) (abi.Event, bool) {
	i := slices.Index(eventNames(), name)
	return abi.Event(max(i, 0)), i >= 0
}

func isCall(name string) bool {
	return slices.ContainsFunc(abi.HandlerImports, func(f abi.Func) bool { return f.Name == name })
}

// checkEvents compares what was heard and done with what is due. Nil when all is well.
func (c *Case) checkEvents(requests []*history) *failure {
	for _, due := range c.events {
		if due.request > len(requests) {
			return &failure{line: due.line, what: fmt.Sprintf("the handler was given %s, and events of request %d are due",
				count(len(requests), "request"), due.request)}
		}
		if f := due.check(requests[due.request-1]); f != nil {
			return f
		}
	}
	return nil
}

func (d *eventsDue) check(h *history) *failure {
	if h.left > 0 {
		return &failure{line: d.line, what: fmt.Sprintf("the handler heard and did more than can be compared, %d steps", mostSteps)}
	}
	for _, none := range d.none {
		if text := h.find(none.name); text != "" {
			return &failure{line: none.line, what: "what the handler heard and did is not as it is due",
				diff: []string{"  - no " + none.name, "  + " + text}}
		}
	}
	m := &matching{due: d.subscribed(h.subscriptions), came: d.compared(h)}
	if m.match() {
		return nil
	}
	return m.failure(d)
}

// find writes the first event or call of a name; empty: there is none.
func (h *history) find(name string) string {
	for i := range h.heard {
		if e := &h.heard[i]; eventName(e.Event) == name {
			return eventText(&e.Observation)
		}
		for j := range h.heard[i].calls {
			if call := &h.heard[i].calls[j]; call.Call == name {
				return callText(call)
			}
		}
	}
	return ""
}

// subscribed leaves out the events that the handler does not subscribe to, and what a READY has to say to one that has heard
// it before.
func (d *eventsDue) subscribed(to abi.Subscriptions) (list []eventDue) {
	for _, due := range d.list {
		if due.rest || to&(1<<due.event) != 0 {
			if due.event == abi.EventReady && to&abi.SubscriptionsDataReady != 0 {
				due.wanted = wanted{fields: -1, bytes: -1}
			}
			list = append(list, due)
		}
	}
	return list
}

// compared are the events that matter: write events only where one of their kind is named. When they come depends on the
// peer and the operating system. The calls that they bring belong to the event before.
func (d *eventsDue) compared(h *history) (list []heard) {
	for _, e := range h.heard {
		write := e.Event == abi.EventHeaderDone || e.Event == abi.EventDataDone || e.Event == abi.EventDone
		named := slices.ContainsFunc(d.list, func(due eventDue) bool { return !due.rest && due.event == e.Event })
		if !write || named {
			list = append(list, e)
		} else if last := len(list) - 1; last >= 0 {
			list[last].calls = slices.Concat(list[last].calls, e.calls)
		}
	}
	return list
}
