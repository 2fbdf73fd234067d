package hostabi

import (
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
}

// Begin starts a session under a number of its own. Not to be called when [Call.Spent].
func (c *Call) Begin(x exchange.Exchange) *Session {
	c.last++
	s := &c.own
	s.call, s.id, s.exchange, s.autoSend = c, c.last, x, true
	c.current = s
	return s
}

// End ends the session and forgets all that came from the exchange.
func (s *Session) End() {
	s.call.current, s.call.aborted, s.call.held = nil, nil, 0
	s.exchange, s.event, s.ended = nil, exchange.Event{}, nil
	s.head.set, s.headSent, s.streaming, s.response = false, false, false, 0
}

// ID is the session's number.
func (s *Session) ID() abi.Session { return s.id }

// Event is the kind of the event that [Session.Next] found.
func (s *Session) Event() abi.Event { return s.event.Kind }

// Streaming implements [meter.Session]: the answer takes as long as it likes.
func (s *Session) Streaming() bool { return s.streaming }

// Check implements [meter.Session].
func (s *Session) Check() error { return s.exchange.Check() }

// Wait implements [meter.Session].
func (s *Session) Wait(ready <-chan struct{}) error { return s.exchange.Wait(ready) }
