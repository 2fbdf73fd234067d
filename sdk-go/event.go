package sluice

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// Events is a set of kinds of events. An [Event] has one of them as its kind.
type Events uint32

// The kinds of events. The first come from the request, in this order, those that end in Done from the answer.
const (
	// LineReady: the start line is there, in [Event.Line].
	LineReady = Events(abi.SubscriptionsLineReady)
	// HeaderReady: the header section is there, in [Event.Fields].
	HeaderReady = Events(abi.SubscriptionsHeaderReady)
	// DataReady: a piece of the body is there, in [Event.Data].
	DataReady = Events(abi.SubscriptionsDataReady)
	// TrailerReady: the trailer section is there, in [Event.Fields]; only when there are fields in it.
	TrailerReady = Events(abi.SubscriptionsTrailerReady)
	// Ready: the request is complete. Without DataReady all of it is in [Event.Message].
	Ready = Events(abi.SubscriptionsReady)
	// HeaderDone: the head of the answer was handed to the operating system.
	HeaderDone = Events(abi.SubscriptionsHeaderDone)
	// DataDone: what [Session.SendData] took was handed to the operating system. There is room again.
	DataDone = Events(abi.SubscriptionsDataDone)
	// Done: the whole answer was handed to the operating system.
	Done = Events(abi.SubscriptionsDone)
	// Upgraded: the connection has left HTTP. What the peer sends comes as DataReady.
	Upgraded = Events(abi.SubscriptionsUpgraded)
	// Closed: the peer, or both sides, will send nothing more, as [Event.Closed] says.
	Closed = Events(abi.SubscriptionsClosed)
)

// String lists the names of the events, such as header_ready|ready.
func (e Events) String() string {
	text := ""
	for kind := abi.Event(0); kind < 32; kind++ {
		if e>>kind&1 != 0 {
			if text != "" {
				text += "|"
			}
			text += kind.String()
		}
	}
	return text
}

// Event is one thing that happened to a session. All that it gives is borrowed until the handler returns: copy what is to
// outlast it, and change nothing.
type Event struct {
	// Session is the one that it happened to.
	Session Session
	// Kind is which event it is.
	Kind Events

	payload []byte
}

// Version is an HTTP version: the major number in the high byte, the minor number in the low byte.
type Version uint16

// The versions that there are.
const (
	HTTP10 = Version(abi.VersionHTTP10)
	HTTP11 = Version(abi.VersionHTTP11)
)

// Line is the start line of a request (RFC 9112 section 3).
type Line struct {
	// Method is case-sensitive, and kept as it was sent.
	Method []byte
	// Target is the request target as it was sent.
	Target []byte
	// Version is the one that was sent.
	Version Version
}

// Message is a whole request.
type Message struct {
	Line
	// Fields is its header section.
	Fields Fields
	// Body is empty when there is none.
	Body []byte
}

// Line is the start line that [LineReady] tells.
func (e *Event) Line() Line {
	if e.Kind != LineReady || len(e.payload) < abi.LineSize {
		return Line{}
	}
	return lineOf((*abi.Line)(unsafe.Pointer(unsafe.SliceData(e.payload))))
}

// Fields are the fields that [HeaderReady] or [TrailerReady] tells.
func (e *Event) Fields() Fields {
	if e.Kind&(HeaderReady|TrailerReady) == 0 || len(e.payload) < abi.HeaderSize {
		return Fields{}
	}
	record := (*abi.Header)(unsafe.Pointer(unsafe.SliceData(e.payload))) // a Trailer is laid out alike
	return fieldsOf(record.Fields)
}

// Data is the piece of body that [DataReady] tells, never empty.
func (e *Event) Data() []byte {
	if e.Kind != DataReady || len(e.payload) < abi.DataSize {
		return nil
	}
	return host.At((*abi.Data)(unsafe.Pointer(unsafe.SliceData(e.payload))).Content)
}

// Chunk says whether the piece that [DataReady] tells begins and ends a chunk, of a message that comes in chunks.
func (e *Event) Chunk() (start, end bool) {
	if e.Kind != DataReady || len(e.payload) < abi.DataSize {
		return false, false
	}
	flags := (*abi.Data)(unsafe.Pointer(unsafe.SliceData(e.payload))).Flags
	return flags&abi.DataFlagsChunkStart != 0, flags&abi.DataFlagsChunkEnd != 0
}

// Message is the request that [Ready] tells a handler without [DataReady].
func (e *Event) Message() Message {
	if e.Kind != Ready || len(e.payload) < abi.MessageSize {
		return Message{}
	}
	record := (*abi.Message)(unsafe.Pointer(unsafe.SliceData(e.payload)))
	return Message{
		Line:   lineOf(&record.Line),
		Fields: fieldsOf(record.Fields),
		Body:   host.At(record.Body),
	}
}

// Closed is what [Closed] tells: why the connection was closed, and whether the peer can still be sent something.
func (e *Event) Closed() (reason CloseReason, writable bool) {
	if e.Kind != Closed || len(e.payload) < abi.ClosedSize {
		return 0, false
	}
	record := (*abi.Closed)(unsafe.Pointer(unsafe.SliceData(e.payload)))
	return CloseReason(record.Reason), record.Side == abi.ClosedSideRead
}

func lineOf(record *abi.Line) Line {
	return Line{Method: host.At(record.Method), Target: host.At(record.Target), Version: Version(record.Version)}
}

// CloseReason is why a connection was closed.
type CloseReason uint8

// Why a connection was closed.
const (
	// CloseEnd: the peer ended its side in good order.
	CloseEnd = CloseReason(abi.CloseReasonEnd)
	// CloseTruncated: the peer ended its side inside a message.
	CloseTruncated = CloseReason(abi.CloseReasonTruncated)
	// CloseReset: the connection broke.
	CloseReset = CloseReason(abi.CloseReasonReset)
	// CloseTimeout: a limit in time was reached.
	CloseTimeout = CloseReason(abi.CloseReasonTimeout)
	// CloseProtocol: the peer broke the protocol or a limit in size.
	CloseProtocol = CloseReason(abi.CloseReasonProtocol)
	// CloseHandler: the handler closed it.
	CloseHandler = CloseReason(abi.CloseReasonHandler)
	// CloseShutdown: the server shuts down and waits no longer.
	CloseShutdown = CloseReason(abi.CloseReasonShutdown)
)

// String is the reason in one word.
func (r CloseReason) String() string { return abi.CloseReason(r).String() }
