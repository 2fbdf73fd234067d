package handlertest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine"
)

// How a list of events, and a list of calls, is held against one that has '...' in it.

// matching compares what is due with what came.
type matching struct {
	due  []eventDue
	came []heard
	// best is where the attempt failed that came furthest.
	best nearMiss
}

// nearMiss is a place where what came is not what is due.
type nearMiss struct {
	due, came int
	// alike says that it is the event that is due, with something else about it.
	alike bool
}

// match goes through both lists. Behind '...' it tries again further on, as long as there is something.
func (m *matching) match() bool {
	return align(len(m.due), len(m.came), func(i int) bool { return m.due[i].rest }, func(i, j int) int {
		return m.due[i].take(m.came[j:])
	}, m.missed)
}

// align reports whether a list of things that are due fits a list of things that came. rest says which of the first stand for
// any number of the second, and take how many of the second, from one of them on, another fits; 0: none. Where it does not go
// on, missed is told.
func align(due, came int, rest func(i int) bool, take func(i, j int) int, missed func(i, j int)) bool {
	i, j := 0, 0
	again, from := -1, 0 // what to try next after a miss: the list that is due from again on, the other from from on
	for {
		taken := 0
		switch {
		case i < due && rest(i):
			i++
			again, from = i, j
			continue
		case i == due && j == came:
			return true
		case i < due && j < came:
			taken = take(i, j)
		}
		if taken > 0 {
			i, j = i+1, j+taken
			continue
		}
		missed(i, j)
		if again < 0 || from == came {
			return false
		}
		from++
		i, j = again, from
	}
}

// missed notes a miss if it is a better one to tell of: further on, or nearer.
func (m *matching) missed(i, j int) {
	miss := nearMiss{due: i, came: j, alike: i < len(m.due) && j < len(m.came) && m.came[j].Event == m.due[i].event}
	if miss.due > m.best.due || miss.due == m.best.due && (miss.alike || !m.best.alike) {
		m.best = miss
	}
}

// take is how many events what is due stands for, from the first on.
func (e *eventDue) take(came []heard) int {
	size, whole := e.extent(came)
	if size == 0 || !e.callsFit(whole.calls) {
		return 0
	}
	return size
}

// extent is how many events fit, but for their calls, and makes one of them.
func (e *eventDue) extent(came []heard) (size int, whole heard) {
	if !e.pieces {
		if came[0].Event == e.event && e.wanted.fitsEvent(&came[0].Observation) {
			return 1, came[0]
		}
		return 0, whole
	}
	for size < len(came) && came[size].Event == abi.EventDataReady && (e.wanted.bytes < 0 || whole.Bytes < e.wanted.bytes) {
		whole.Event = abi.EventDataReady
		whole.Bytes += came[size].Bytes
		whole.calls = append(whole.calls, came[size].calls...)
		size++
	}
	if e.wanted.bytes >= 0 && whole.Bytes != e.wanted.bytes {
		return 0, whole
	}
	return size, whole
}

// callsFit compares the calls that were made when an event was heard.
func (e *eventDue) callsFit(came []engine.Observation) bool {
	fits, _, _ := e.alignCalls(came)
	return fits
}

// alignCalls also says where the calls, those that are due and those that came, begin to differ.
func (e *eventDue) alignCalls(came []engine.Observation) (fits bool, due, at int) {
	if !e.named {
		return true, 0, 0
	}
	fits = align(len(e.calls), len(came), func(i int) bool { return e.calls[i].rest }, func(i, j int) int {
		if e.calls[i].fits(&came[j]) {
			return 1
		}
		return 0
	}, func(i, j int) {
		if i >= due {
			due, at = i, j
		}
	})
	return fits, due, at
}

func (c *callDue) fits(o *engine.Observation) bool {
	w, status := &c.wanted, strconv.FormatUint(uint64(o.Status), 10)
	return o.Call == c.name && w.countsFit(o) && among(w.statuses, func(due string) bool { return statusFits(due, status) }) &&
		among(w.errnos, func(due string) bool { return o.Step == engine.StepCalled && due == o.Errno.String() })
}

func (w *wanted) fitsEvent(o *engine.Observation) bool {
	return w.countsFit(o) && textFits(w.method, o.Method) && textFits(w.target, o.Target) &&
		among(w.sides, func(due string) bool { return due == o.Closed.Side.String() }) &&
		among(w.reasons, func(due string) bool { return due == o.Closed.Reason.String() })
}

func (w *wanted) countsFit(o *engine.Observation) bool {
	return (w.fields < 0 || w.fields == o.Fields) && (w.bytes < 0 || w.bytes == o.Bytes)
}

// textFits compares a method or a target, which is written as failures show it; "*" and nothing are any.
func textFits(due, came string) bool { return due == "" || due == "*" || due == encode([]byte(came)) }

// among reports whether one of the alternatives fits; so it does where there are none.
func among(alternatives []string, fits func(string) bool) bool {
	return len(alternatives) == 0 || slices.ContainsFunc(alternatives, fits)
}

// mostContext is how many events are shown in front of one that is not due.
const mostContext = 6

// failure shows where what came begins to be something else than what is due.
func (m *matching) failure(d *eventsDue) *failure {
	f := &failure{line: d.line, what: "what the handler heard and did is not as it is due"}
	show := &diff{}
	first := max(0, m.best.came-mostContext)
	if first > 0 {
		show.same("...")
	}
	for i := range m.came[first:m.best.came] {
		show.same(eventText(&m.came[first+i].Observation))
	}
	if m.best.due < len(m.due) {
		due := &m.due[m.best.due]
		f.line = due.line
		if m.best.came < len(m.came) && due.showCalls(show, m.came[m.best.came:]) {
			f.diff = show.text
			return f
		}
	}
	m.showEvent(show)
	f.diff = show.text
	return f
}

// showEvent shows an event that is not the one that is due.
func (m *matching) showEvent(show *diff) {
	due, came := "(nothing more)", "(nothing more)"
	if m.best.due < len(m.due) {
		due = m.due[m.best.due].text
	}
	if m.best.came < len(m.came) {
		came = eventText(&m.came[m.best.came].Observation)
	}
	if m.best.alike {
		show.differs(due, came)
	} else {
		show.lacks(due, came)
	}
}

// showCalls shows calls that are not those that are due, if it is only they that do not fit.
func (e *eventDue) showCalls(show *diff, came []heard) bool {
	size, whole := e.extent(came)
	fits, i, j := e.alignCalls(whole.calls)
	if size == 0 || fits {
		return false
	}
	show.same(eventText(&whole.Observation))
	for k := max(0, j-mostContext); k < j; k++ {
		show.same(callIndent + callText(&whole.calls[k]))
	}
	due, call := "(no more calls)", "(no more calls)"
	if i < len(e.calls) {
		due = e.calls[i].text
	} else if len(e.calls) == 0 {
		due = "no calls"
	}
	if j < len(whole.calls) {
		call = callText(&whole.calls[j])
	}
	if name, _, _ := strings.Cut(due, " "); strings.HasPrefix(call, name+" ") {
		show.differs(callIndent+due, callIndent+call)
	} else {
		show.lacks(callIndent+due, callIndent+call)
	}
	return true
}
