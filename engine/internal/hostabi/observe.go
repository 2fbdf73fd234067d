package hostabi

import (
	"context"
	"sync/atomic"

	"github.com/sluicehttp/sluice/abi"
)

// What handlers hear and do, told to whoever wants to know. Nobody does, as a rule: then each event costs a branch more, and
// each call of an import one, too.

// Observation is one step of a session. engine.Observation says what the fields are.
type Observation struct {
	Route          string
	Session        uint64
	Step           Step
	Subscriptions  abi.Subscriptions
	Event          abi.Event
	Call           string
	Method, Target string
	Status         uint32
	Fields, Bytes  int
	Closed         abi.Closed
	Errno          abi.Errno
}

// Step is a kind of [Observation].
type Step uint8

// The steps of a session.
const (
	StepBegan Step = iota
	StepHeard
	StepCalled
	StepStopped
	StepEnded
)

// Observer is told what handlers hear and do.
type Observer struct {
	tell     func(Observation)
	sessions atomic.Uint64 // so far
}

// NewObserver makes one that calls a function, on the goroutines of sessions. It is nil without a function.
func NewObserver(tell func(Observation)) *Observer {
	if tell == nil {
		return nil
	}
	return &Observer{tell: tell}
}

// Observe has an observer, or nobody if it is nil, be told what the instance hears and does, from its next session on.
func (c *Call) Observe(observer *Observer, route string) { c.observer, c.route = observer, route }

// began tells of a session that begins, and gives it a number that no other instance's has.
func (s *Session) began() {
	s.observed = s.call.observer.sessions.Add(1)
	s.tell(Observation{Step: StepBegan, Subscriptions: s.call.subscriptions})
}

// heard tells of an event whose payload was placed.
func (s *Session) heard() {
	ev, o := &s.event, Observation{Step: StepHeard, Event: s.event.Kind}
	switch whole := s.call.subscriptions&abi.SubscriptionsDataReady == 0; {
	case ev.Kind == abi.EventLineReady, ev.Kind == abi.EventReady && whole:
		o.Method, o.Target = string(ev.Line.Method), string(ev.Line.Target)
	case ev.Kind == abi.EventClosed:
		o.Closed = ev.Closed
	}
	switch ev.Kind {
	case abi.EventHeaderReady, abi.EventTrailerReady, abi.EventReady:
		o.Fields = ev.Fields.Len()
	}
	switch ev.Kind {
	case abi.EventDataReady, abi.EventReady:
		o.Bytes = len(ev.Data)
	}
	s.tell(o)
}

func (s *Session) tell(o Observation) {
	o.Session, o.Route = s.observed, s.call.route
	s.call.observer.tell(o)
}

// observable is an import that tells of its calls.
type observable struct {
	importFunc
	name string
}

// Call implements [api.GoFunction].
func (f *observable) Call(ctx context.Context, stack []uint64) {
	c, ok := ctx.(*Call)
	if !ok || c.observer == nil {
		f.importFunc.Call(ctx, stack)
		return
	}
	s := c.find(abi.Session(stack[0]))
	if s == nil {
		s = c.current // which has called with a number that is none
	}
	o := f.describe(stack)
	defer func() {
		if pulled := o.Step == StepCalled && f.name == "next_event" && o.Errno == abi.ErrnoSuccess; s != nil && !pulled {
			s.tell(o)
		}
	}()
	f.importFunc.Call(ctx, stack)
	o.Step, o.Errno = StepCalled, abi.Errno(stack[0])
}

// describe tells of a call from its arguments: of one that does not return, until it does.
func (f *observable) describe(stack []uint64) Observation {
	o := Observation{Step: StepStopped, Call: f.name}
	args := stack[1:]
	switch f.name {
	case "send":
		o.Bytes = int(uint32(args[4]))
		fallthrough
	case "send_head", "set_head", "send_informational":
		o.Status, o.Fields = uint32(args[0]), int(uint32(args[2]))
	case "send_trailers", "upgrade":
		o.Fields = int(uint32(args[1]))
	case "send_data":
		o.Bytes = int(uint32(args[1]))
	}
	return o
}
