package smuggling

import (
	"fmt"
	"sync"
)

// forwarded is a request as the front has understood it and handed it on.
type forwarded struct {
	// tag is the front's name for the request, which it puts into the field Tag: the client's port, a dash, a number that rises.
	tag string
	// line is the method and the target, as the front sent them.
	line string
	// body is the body so far as it was handed on, length its length; complete says that the front saw its end.
	body     string
	length   int
	complete bool
	// bodyUnknown says that the front does not tell its body, lengthUnknown that it does not even tell the length.
	bodyUnknown, lengthUnknown bool
	// status is that of the answer that the back gave, 0 when there was none, and answered the tag in it.
	status   int
	answered string
}

func (f *forwarded) String() string {
	return fmt.Sprintf("%s %q, %s, answered %d to %q", f.tag, f.line, describeBody(f.body, f.length, f.bodyUnknown, f.complete), f.status, f.answered)
}

// received is a request as the back has understood it.
type received struct {
	// tag is the front's name for it, empty for a request that the front never made.
	tag string
	// line is the method and the target.
	line string
	// body is what came of the body, and complete says that the back saw its end.
	body     string
	complete bool
}

func (r *received) String() string {
	return fmt.Sprintf("%s %q, %s", r.tag, r.line, describeBody(r.body, len(r.body), false, r.complete))
}

func describeBody(body string, length int, unknown, complete bool) string {
	end := "complete"
	if !complete {
		end = "cut"
	}
	if unknown {
		return fmt.Sprintf("body of %d bytes, %s", length, end)
	}
	if len(body) > 200 {
		body = body[:200]
	}
	return fmt.Sprintf("body of %d bytes %q, %s", length, body, end)
}

// ledger is what one side of a chain writes down while payloads run.
type ledger struct {
	mu        sync.Mutex
	forwarded []*forwarded
	received  []*received
	// refusals are what the back has refused without taking it for a request, so far as it tells.
	refusals []string
	// troubles are what must never happen.
	troubles []note
}

// note is a text with the tag of the request that it belongs to, so far as that is known.
type note struct{ tag, text string }

func (l *ledger) forward(f *forwarded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forwarded = append(l.forwarded, f)
}

func (l *ledger) receive(r *received) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received = append(l.received, r)
}

func (l *ledger) refuse(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals = append(l.refusals, text)
}

func (l *ledger) trouble(tag, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.troubles = append(l.troubles, note{tag, text})
}
