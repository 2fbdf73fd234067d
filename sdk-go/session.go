package sluice

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// Session is one exchange, a request with its answer, under a number that its instance never uses twice. Its methods are the
// calls of the interface. They wait for nothing but where they say so, and what they are given is the caller's again when
// they return.
//
// Their errors are [ErrAgain] as it is, and a [*CallError] for the others, which [errors.Is] compares with ErrInvalid and so
// on.
type Session uint32

// Send sends a whole answer: head, body and end. The status is from 200 to 999; Content-Length and Date are added when they
// are missing. An answer that has no body (to HEAD, 204, 304) keeps the length and loses the bytes.
//
// [ErrState] when an answer has begun; [ErrInvalid] for a status or a field that may not be sent, or a Content-Length that is
// not the body's; [ErrTooBig] for a head beyond the limit; [ErrClosed].
func (s Session) Send(status int, fields []Field, body []byte) error {
	return failure("send", host.Send(abi.Session(s), number(status), encoded(fields), body))
}

// SendText is [Session.Send] of a string.
func (s Session) SendText(status int, fields []Field, body string) error {
	return s.Send(status, fields, unsafe.Slice(unsafe.StringData(body), len(body)))
}

// SendHead sends the head of an answer whose body follows: without Content-Length in chunks, to a client of HTTP/1.0 until the
// connection ends. A client that waits for 100 (Continue) before it sends its body is not told to go on once an answer has
// begun.
func (s Session) SendHead(status int, fields []Field) error {
	return failure("send_head", host.SendHead(abi.Session(s), number(status), encoded(fields)))
}

// SetHead keeps a head that the first [Session.SendData] or [Session.SendEnd] sends; a later call replaces it. Names and
// values are checked when it is sent.
func (s Session) SetHead(status int, fields []Field) error {
	return failure("set_head", host.SetHead(abi.Session(s), number(status), encoded(fields)))
}

// AutoSend says whether [Session.SendData] and [Session.SendEnd] send a missing head, the one of SetHead, else 200 without
// fields. They do at the start of every session; otherwise they fail with [ErrState].
func (s Session) AutoSend(enabled bool) error {
	return failure("auto_send", host.AutoSend(abi.Session(s), enabled))
}

// SendData sends a piece of body. [ErrAgain] says that the peer has to take some of what was sent first, and that nothing was
// taken: [DataDone] tells when to try again, or WaitWritable. [ErrTooBig] for more than Content-Length has announced.
func (s Session) SendData(content []byte) error {
	return failure("send_data", host.SendData(abi.Session(s), content))
}

// SendEnd ends an answer. [ErrInvalid] when fewer bytes were sent than Content-Length has announced: the connection is cut.
func (s Session) SendEnd() error { return failure("send_end", host.SendEnd(abi.Session(s))) }

// SendTrailers ends an answer with trailers. They reach a client that gets the body in chunks; to others the answer ends
// without. [ErrInvalid] for a field that may not be a trailer (RFC 9110 section 6.5.1): the answer then goes on.
func (s Session) SendTrailers(fields []Field) error {
	return failure("send_trailers", host.SendTrailers(abi.Session(s), encoded(fields)))
}

// SendInformational sends an answer from 100 to 199, such as 103 (Early Hints), ahead of the answer; not 101, which is what
// [Session.Upgrade] sends. 100 (Continue) has a client send the body for which it waits to be asked: without
// [Session.HoldContinue] the host sends it by itself.
func (s Session) SendInformational(status int, fields []Field) error {
	return failure("send_informational", host.SendInformational(abi.Session(s), number(status), encoded(fields)))
}

// Upgrade agrees to leave HTTP: it answers 101 to a request with Upgrade, where one of the fields is Upgrade and names a
// protocol that the client offers, and 200 to CONNECT. [Upgraded] follows. [ErrState] before the request is complete, or when
// it asks for nothing of the kind; [ErrUnsupported] for a handler that does not hear Upgraded.
func (s Session) Upgrade(fields []Field) error {
	return failure("upgrade", host.Upgrade(abi.Session(s), encoded(fields)))
}

// HoldContinue keeps the host from sending 100 (Continue) by itself. To be called when [HeaderReady] is heard; later it fails
// with [ErrState].
func (s Session) HoldContinue() error {
	return failure("hold_continue", host.HoldContinue(abi.Session(s)))
}

// Pause has the client not be read until Resume: no further piece of body is heard, nor its end.
func (s Session) Pause() error { return failure("pause", host.Pause(abi.Session(s))) }

// Resume ends a Pause.
func (s Session) Resume() error { return failure("resume", host.Resume(abi.Session(s))) }

// Discard throws the rest of the request's body away as it comes. [Ready] says that it has ended. A client that waits for 100
// (Continue) does not get it.
func (s Session) Discard() error { return failure("discard", host.Discard(abi.Session(s))) }

// Stream says that the exchange may take as long as it likes: the limits handler_wall and cpu count from one wait to the
// next. The peer must still take within write_idle what it is sent.
func (s Session) Stream() error { return failure("stream", host.Stream(abi.Session(s))) }

// Drain has the connection closed when this answer has gone out.
func (s Session) Drain() error { return failure("drain", host.Drain(abi.Session(s))) }

// Close closes the connection at once. An answer that is not complete is cut.
func (s Session) Close() error { return failure("close", host.Close(abi.Session(s))) }

// WaitWritable waits until [Session.SendData] takes bytes again. [ErrUnsupported] where an instance serves many sessions;
// there, hear [DataDone].
func (s Session) WaitWritable() error {
	return failure("wait_writable", host.WaitWritable(abi.Session(s)))
}

// delivery is where the host writes which event was pulled: not on a stack, which would have it cleared for every call.
var delivery abi.Delivery

// NextEvent waits for the next event of the session and takes it, in place of the handler that [On] has registered. The
// event is borrowed until the following call, the one that the handler was called with until it returns.
//
// [ErrClosed] when the peer is gone, [ErrState] after the last event, [ErrUnsupported] where an instance serves many sessions.
func (s Session) NextEvent(e *Event) error {
	if errno := host.NextEvent(abi.Session(s), &delivery); errno != abi.ErrnoSuccess {
		return failure("next_event", errno)
	}
	e.Session, e.Kind, e.payload = s, 1<<delivery.Event, host.At(delivery.Payload)
	return nil
}

// ReadState is how far a request has come.
type ReadState uint8

// How far a request has come, as it was heard.
const (
	// ReadEmpty: its head is not complete.
	ReadEmpty = ReadState(abi.ReadStateEmpty)
	// ReadHead: its head is complete, and none of its body has come.
	ReadHead = ReadState(abi.ReadStateMessageReady)
	// ReadBody: some of its body has come; after an upgrade: the peer may send.
	ReadBody = ReadState(abi.ReadStateBodyReady)
	// ReadFinished: it is complete; after an upgrade: the peer will send nothing more.
	ReadFinished = ReadState(abi.ReadStateFinished)
)

// WriteState is how far an answer has come.
type WriteState uint8

// How far an answer has come.
const (
	// WriteEmpty: nothing was sent; informational answers other than 100 do not count.
	WriteEmpty = WriteState(abi.WriteStateEmpty)
	// WriteContinued: 100 (Continue) was sent ahead of it.
	WriteContinued = WriteState(abi.WriteStateContinueIssued)
	// WriteHead: its head was sent; after an upgrade: bytes can be sent.
	WriteHead = WriteState(abi.WriteStateMetadataIssued)
	// WriteFinished: all of it was sent.
	WriteFinished = WriteState(abi.WriteStateFinished)
)

// Where the host writes states.
var (
	readState  abi.ReadState
	writeState abi.WriteState
)

// ReadState says how far the request has come.
func (s Session) ReadState() (ReadState, error) {
	errno := host.GetReadState(abi.Session(s), &readState)
	return ReadState(readState), failure("get_read_state", errno)
}

// WriteState says how far the answer has come.
func (s Session) WriteState() (WriteState, error) {
	errno := host.GetWriteState(abi.Session(s), &writeState)
	return WriteState(writeState), failure("get_write_state", errno)
}

// number is a status as the host takes it: what is none stays none.
func number(status int) abi.Status {
	if status < 0 || status > 999 {
		return 0
	}
	return abi.Status(status)
}
