package transport

import "sync/atomic"

// State is where a connection stands. Each state has its own limits in time, and its own way to end when the server shuts
// down; which states may follow one another is in one table.
type State uint8

const (
	// StateReceivingHeaders: between two messages, or inside a head. Idle, the connection ends at once when the server
	// drains; inside a head the head's time runs.
	StateReceivingHeaders State = iota
	// StateReceivingBody: the handler has the head, and the body comes. The time for an idle body runs while it is waited
	// for.
	StateReceivingBody
	// StateDispatching: the request is complete, the answer is not. The handler's wall time runs until it sends a head.
	StateDispatching
	// StateStreaming: the answer takes as long as it likes; the peer has to read it.
	StateStreaming
	// StateUpgraded: the connection has left HTTP.
	StateUpgraded
	// StateClosing: nothing more is parsed; what was sent is on its way.
	StateClosing
	// StateClosed: the socket is closed.
	StateClosed

	states
)

// String is the state's name.
func (s State) String() string { return stateNames[s] }

var stateNames = [states]string{
	"receiving_headers", "receiving_body", "dispatching", "streaming", "upgraded", "closing", "closed",
}

// stateTransitions[from] are the states that may follow, as bits. A handler may turn an answer into a stream before the
// request is complete, and a request may be answered before it is.
var stateTransitions = [states]uint8{
	StateReceivingHeaders: 1<<StateReceivingBody | 1<<StateDispatching | 1<<StateClosing,
	StateReceivingBody:    1<<StateDispatching | 1<<StateStreaming | 1<<StateClosing,
	StateDispatching:      1<<StateReceivingHeaders | 1<<StateStreaming | 1<<StateUpgraded | 1<<StateClosing,
	StateStreaming:        1<<StateReceivingHeaders | 1<<StateUpgraded | 1<<StateClosing,
	StateUpgraded:         1 << StateClosing,
	StateClosing:          1 << StateClosed,
}

// connState is a connection's state, which others may look at.
type connState struct{ value atomic.Uint32 }

func (s *connState) get() State { return State(s.value.Load()) }

// enter goes on to a state. A step that the table does not have is not taken: it is a mistake of ours that must not leave
// a closed connection open.
func (s *connState) enter(next State) {
	if stateTransitions[s.get()]&(1<<next) != 0 {
		s.value.Store(uint32(next))
	}
}
