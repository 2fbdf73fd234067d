package hostabi

import (
	"bytes"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// Session is an exchange as an instance knows it, under a number. [Session.Next], [Session.Place] and a call of on_event
// for each event, then [Session.End].
type Session struct {
	call     *Call
	id       abi.Session
	exchange exchange.Exchange
	event    exchange.Event // what the exchange gave last
	ended    error          // why no event follows

	head      stagedHead
	headSent  bool
	autoSend  bool
	streaming bool
	response  int64 // bytes of the answer's body so far

	observed uint64 // the number by which an observer knows the session
}

// Begin starts a session under a number of its own. Not to be called when [Call.Spent].
func (c *Call) Begin(x exchange.Exchange) *Session {
	c.last++
	s := &c.own
	s.call, s.id, s.exchange, s.autoSend = c, c.last, x, true
	c.current = s
	if c.observer != nil {
		s.began()
	}
	return s
}

// Share lets the instance have many sessions at a time. Each is begun by [Call.Join] instead of Begin.
func (c *Call) Share() { c.sessions = map[abi.Session]*Session{} }

// Join starts a session beside those that there are. The instance can act on it in any event, of whatever session.
func (c *Call) Join(x exchange.Exchange) *Session {
	c.last++
	s := &Session{call: c, id: c.last, exchange: x, autoSend: true}
	c.sessions[s.id] = s
	if c.observer != nil {
		s.began()
	}
	return s
}

// Enter makes the session the one that the instance hears of.
func (s *Session) Enter() { s.call.current = s }

// Leave ends what Enter has begun.
func (c *Call) Leave() { c.current, c.aborted, c.held = nil, nil, 0 }

// WakeAll has all sessions look for what has become due.
func (c *Call) WakeAll() {
	for _, s := range c.sessions {
		s.exchange.Wake()
	}
}

// End ends the session and forgets all that came from the exchange.
func (s *Session) End() {
	if s.call.observer != nil {
		s.tell(Observation{Step: StepEnded})
	}
	if s.call.sessions != nil {
		delete(s.call.sessions, s.id)
		return
	}
	s.call.Leave()
	s.exchange, s.event, s.ended = nil, exchange.Event{}, nil
	s.head.set, s.headSent, s.streaming, s.response = false, false, false, 0
}

// ID is the session's number.
func (s *Session) ID() abi.Session { return s.id }

// Event is the kind of the event that [Session.Next] found.
func (s *Session) Event() abi.Event { return s.event.Kind }

// Hold copies what the event refers to. It has to outlast a call into the instance, which may wait, and memory of the
// front end does not.
func (s *Session) Hold() {
	ev := &s.event
	ev.Line.Method, ev.Line.Target = bytes.Clone(ev.Line.Method), bytes.Clone(ev.Line.Target)
	end := uint64(0)
	for at := ev.Fields.Table; len(at) >= abi.ListSize; at = at[abi.ListSize:] {
		start, length := loadList(at)
		end = max(end, start+length)
	}
	ev.Fields.Table = bytes.Clone(ev.Fields.Table)
	ev.Fields.Bytes = bytes.Clone(ev.Fields.Bytes[:min(end, uint64(len(ev.Fields.Bytes)))])
	ev.Data = bytes.Clone(ev.Data)
}

// Streaming implements [meter.Session]: the answer takes as long as it likes.
func (s *Session) Streaming() bool { return s.streaming }

// Check implements [meter.Session].
func (s *Session) Check() error { return s.exchange.Check() }

// Yield implements [meter.Session].
func (s *Session) Yield() { s.exchange.Yield() }

// Wait implements [meter.Session].
func (s *Session) Wait(ready <-chan struct{}) error { return s.exchange.Wait(ready) }
