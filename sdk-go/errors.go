package sluice

import (
	"errors"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

// Errno is why the host has refused a call. As an error it says what to do.
type Errno uint16

// Why the host refuses a call. [errors.Is] finds them in the errors of this package.
const (
	// ErrAgain: the peer has to take some of what was sent first. Nothing was taken.
	ErrAgain = Errno(abi.ErrnoAgain)
	// ErrInvalid: an argument is outside what the protocol allows: a status, a field's name or value, a length.
	ErrInvalid = Errno(abi.ErrnoInvalid)
	// ErrFault: an address outside of the memory, which only a bug of this package can give.
	ErrFault = Errno(abi.ErrnoFault)
	// ErrState: the call is not legal now, for instance a second head.
	ErrState = Errno(abi.ErrnoState)
	// ErrNoSession: the session has ended.
	ErrNoSession = Errno(abi.ErrnoNoSession)
	// ErrClosed: the peer is gone, or the connection is closing. Nothing more can be sent or received.
	ErrClosed = Errno(abi.ErrnoClosed)
	// ErrTooBig: a limit would be exceeded, or a Content-Length.
	ErrTooBig = Errno(abi.ErrnoTooBig)
	// ErrUnsupported: not possible here, such as waiting in an instance that serves many sessions.
	ErrUnsupported = Errno(abi.ErrnoUnsupported)
)

// Error is the reason, and what to do.
func (e Errno) Error() string {
	if text := advice(abi.Errno(e)); text != "" {
		return abi.Errno(e).String() + ": " + text
	}
	return abi.Errno(e).String()
}

func advice(errno abi.Errno) string {
	switch errno {
	case abi.ErrnoAgain:
		return "the peer has to take some of the answer first: wait for DataDone, or with WaitWritable"
	case abi.ErrnoInvalid:
		return "look at the status (100 to 999), the fields' names and values, and Content-Length: it must be the body's length"
	case abi.ErrnoFault:
		return "an address lies outside of the memory: this is a bug of the SDK"
	case abi.ErrnoState:
		return "not at this point of the exchange: was the head sent before, or the answer ended?"
	case abi.ErrnoNoSession:
		return "the session has ended: keep none beyond its last event"
	case abi.ErrnoClosed:
		return "the peer is gone: stop, there is nobody to answer"
	case abi.ErrnoTooBig:
		return "more than a limit, or than Content-Length, allows: send less, or no Content-Length"
	case abi.ErrnoUnsupported:
		return `not possible here: a handler that waits needs isolation "request" or "connection", Upgrade needs the event Upgraded`
	}
	return ""
}

// CallError is the error of a call that the host has refused.
type CallError struct {
	// Call is the name of the call in the interface, such as send_data.
	Call string
	// Reason is why.
	Reason Errno
}

// Error names the call, the reason, and what to do.
func (e *CallError) Error() string { return "sluice: " + e.Call + ": " + e.Reason.Error() }

// Unwrap gives the reason.
func (e *CallError) Unwrap() error { return e.Reason }

// failure is the error of a call; nil when it has done what it says.
func failure(call string, errno abi.Errno) error {
	switch errno {
	case abi.ErrnoSuccess:
		return nil
	case abi.ErrnoAgain:
		return ErrAgain
	}
	return &CallError{call, Errno(errno)}
}

// StatusError is an error that a handler returns to have the request answered with a status. See [Handle].
type StatusError struct {
	// Code is the status, from 400 to 599.
	Code int
	// Text is what the answer says, and the log.
	Text string
}

// Error is the text.
func (e *StatusError) Error() string { return e.Text }

// Status is the code.
func (e *StatusError) Status() int { return e.Code }

// fail answers for a handler that has failed, with a status when no answer has begun, by a cut otherwise. What was doing is
// for the log.
func (s Session) fail(doing string, err error) {
	if errors.Is(err, ErrClosed) {
		return
	}
	status, text := statusOf(err)
	if status >= 500 {
		println("sluice: the handler failed: " + doing + ": " + err.Error())
	}
	begun, _ := s.WriteState()
	switch begun {
	case WriteFinished:
	case WriteHead:
		_ = s.Close() // fails only when it is closed already
	default:
		if s.SendText(status, plainText, text+"\n") != nil {
			_ = s.Close()
		}
	}
}

// statusOf is how to answer for an error: what goes wrong inside is nobody's business outside.
func statusOf(err error) (status int, text string) {
	var known interface{ Status() int }
	if errors.As(err, &known) {
		if status = known.Status(); status >= 400 && status < 500 {
			return status, err.Error()
		}
	}
	if status < 501 || status > 599 {
		return 500, "500 Internal Server Error"
	}
	return status, "the request could not be answered"
}
