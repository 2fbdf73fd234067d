package llhttp

import "strings"

// Outcome is what llhttp heard of a connection since it began.
type Outcome struct {
	// Messages are those that began, in order. All but the last are complete.
	Messages []Message
	// Error is llhttp's name for why it reads no further, such as INVALID_METHOD, and Reason its words. Empty: it reads on.
	Error, Reason string
	// Offset counts the bytes from the begin of the connection to where the error is, or to the end of the input.
	Offset int
	// Upgrade says that the bytes from Offset on are not HTTP/1.1, which llhttp counts among its errors.
	Upgrade bool
}

// Message is a request or a response, as far as it was read. Of a span in which there is an error, llhttp tells the pieces
// that earlier calls of Execute brought, and the last one only for some errors.
type Message struct {
	// Method and Target are a request's. llhttp tells both with the last byte of the target.
	Method, Target string
	// Status and Reason are a response's.
	Status int
	Reason string
	// Major and Minor are the version, known when the head is complete.
	Major, Minor int
	// Fields are the header section, Trailers what followed a chunked body.
	Fields, Trailers []Field
	// Body is the content without its framing.
	Body string

	HeadComplete, Complete bool
	// KeepAlive says that another message may follow, Upgrade that something else does. Known when the head is complete.
	KeepAlive, Upgrade bool
}

// Field is a header field or a trailer field. Its value is as it came, which may leave white space at its end.
type Field struct{ Name, Value string }

// section is the list of fields that is being read.
func (m *Message) section() *[]Field {
	if m.HeadComplete {
		return &m.Trailers
	}
	return &m.Fields
}

// fail takes llhttp's name of an error.
func (o *Outcome) fail(name, reason string) {
	o.Error, o.Reason = strings.TrimPrefix(name, "HPE_"), reason
	o.Upgrade = o.Error == "PAUSED_UPGRADE" || o.Error == "PAUSED_H2_UPGRADE"
}

// Verdict is an outcome in a word.
type Verdict string

const (
	// Accept says that every message is complete.
	Accept Verdict = "accept"
	// Incomplete says that the last message is not.
	Incomplete Verdict = "incomplete"
	// Reject says that the input is an error.
	Reject Verdict = "reject"
	// Upgrade says that the last message leads out of HTTP/1.1.
	Upgrade Verdict = "upgrade"
)

// Verdict sums the outcome up.
func (o *Outcome) Verdict() Verdict {
	switch last := len(o.Messages) - 1; {
	case o.Upgrade:
		return Upgrade
	case o.Error != "":
		return Reject
	case last >= 0 && !o.Messages[last].Complete:
		return Incomplete
	default:
		return Accept
	}
}
