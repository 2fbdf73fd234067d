package engine

import (
	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
)

// Observation is one step of a session at the wall of a handler's sandbox, for [Config.Observe]. Fields that its step does not
// name are zero.
type Observation struct {
	// Route is the name of the handler's route.
	Route string
	// Session is the number of the session. The engine counts them from 1 in the order in which handlers get them, and no two
	// are the same.
	Session uint64
	// Step says what has happened.
	Step Step
	// Subscriptions are the events that the handler wants, on StepBegan.
	Subscriptions abi.Subscriptions
	// Event is what the handler hears, on StepHeard.
	Event abi.Event
	// Call is the name of the function that the handler has called, on StepCalled and StepStopped.
	Call string
	// Method and Target are those of a LINE_READY, and of a READY that has the whole message.
	Method, Target string
	// Status is the argument of a call that sends or keeps an answer, whatever the handler takes for one.
	Status uint32
	// Fields is the number of fields that come with an event or a call, Bytes the size of the body.
	Fields, Bytes int
	// Closed says what is closed and why, on CLOSED.
	Closed abi.Closed
	// Errno is how the call ended, on StepCalled.
	Errno abi.Errno
}

// Step is a kind of [Observation].
type Step uint8

// The steps of a session.
const (
	// StepBegan: the handler was given a request. It may hear nothing of it yet.
	StepBegan = Step(hostabi.StepBegan)
	// StepHeard: the handler is about to hear an event, in a call of its own or as the result of next_event.
	StepHeard = Step(hostabi.StepHeard)
	// StepCalled: the handler has called a function about the session, or about one that there is not while it hears this one.
	// What a session's event has the handler do to another session is a step of the other. A next_event that gives an event is
	// none: it is StepHeard.
	StepCalled = Step(hostabi.StepCalled)
	// StepStopped: a call was ended with the handler's work, by a limit or because there was nothing more to wait for.
	StepStopped = Step(hostabi.StepStopped)
	// StepEnded: nothing follows.
	StepEnded = Step(hostabi.StepEnded)
)

// observer tells what the sandbox tells.
func (c *Config) observer() *hostabi.Observer {
	if c.Observe == nil {
		return nil
	}
	observe := c.Observe // what Reload brings does not count
	return hostabi.NewObserver(func(o hostabi.Observation) {
		observe(Observation{
			Route: o.Route, Session: o.Session, Step: Step(o.Step), Subscriptions: o.Subscriptions, Event: o.Event, Call: o.Call,
			Method: o.Method, Target: o.Target, Status: o.Status, Fields: o.Fields, Bytes: o.Bytes, Closed: o.Closed, Errno: o.Errno,
		})
	})
}
