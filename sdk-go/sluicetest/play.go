//go:build !wasip1

package sluicetest

import (
	"strconv"
	"strings"
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// play is a host with one session. It implements [host.Host].
type play struct {
	request Request
	session abi.Session
	wanted  abi.Subscriptions
	answer  Response
	body    strings.Builder

	events []abi.Event // of the request, to come
	pieces []string    // of the body, to come
	held   int         // bytes of the room that a pushed payload takes
	pulled []byte      // the payload that was pulled last

	headSent, ended, closed      bool
	paused, discarding, autoSend bool
	staged                       *Response
	left                         int64 // of Content-Length, -1 without one
	pending                      int   // bytes that were sent and not handed on
	unwritten, due               abi.Subscriptions
	readState                    abi.ReadState
}

// script lists the events of the request.
func (p *play) script() {
	r := &p.request
	if r.Method == "" {
		r.Method = "GET"
		if len(r.Body) > 0 {
			r.Method = "POST"
		}
	}
	if r.Target == "" {
		r.Target = "/"
	}
	if r.Version == 0 {
		r.Version = sluice.HTTP11
	}
	p.pieces = r.Body
	p.events = []abi.Event{abi.EventLineReady, abi.EventHeaderReady}
	if p.wanted&abi.SubscriptionsDataReady != 0 {
		for range r.Body {
			p.events = append(p.events, abi.EventDataReady)
		}
	}
	if len(r.Trailers) > 0 {
		p.events = append(p.events, abi.EventTrailerReady)
	}
	if r.Gone {
		p.events = append(p.events, abi.EventClosed)
	} else {
		p.events = append(p.events, abi.EventReady)
	}
}

// next is the next event that is wanted, with its payload behind what is held of the room.
func (p *play) next(held int) (kind abi.Event, payload []byte, ok bool) {
	for {
		if kind, ok := p.nextWritten(); ok {
			return kind, nil, true
		}
		switch {
		case p.closed:
			return 0, nil, false
		case len(p.events) == 0 || p.paused && !p.ended:
			if p.unwritten == 0 {
				return 0, nil, false
			}
			p.write()
			continue
		}
		if kind = p.events[0]; kind != abi.EventLineReady && kind != abi.EventHeaderReady && p.unwritten != 0 {
			p.write() // as if it took time to come
			continue
		}
		p.events = p.events[1:]
		payload = p.payload(kind, held)
		if p.wanted>>kind&1 != 0 && !(p.discarding && (kind == abi.EventDataReady || kind == abi.EventTrailerReady)) {
			return kind, payload, true
		}
	}
}

// nextWritten is the next write event that is due.
func (p *play) nextWritten() (kind abi.Event, ok bool) {
	for kind = abi.EventHeaderDone; kind <= abi.EventDone; kind++ {
		if p.due>>kind&1 != 0 {
			p.due &^= 1 << kind
			return kind, true
		}
	}
	return 0, false
}

// write hands on what was sent.
func (p *play) write() {
	p.due |= p.unwritten & p.wanted
	p.unwritten, p.pending = 0, 0
	handed, sent := p.answer.Handed, p.body.Len()
	if sent > 0 && (len(handed) == 0 || handed[len(handed)-1] < sent) {
		p.answer.Handed = append(handed, sent)
	}
}

// payload writes what an event tells.
func (p *play) payload(kind abi.Event, held int) []byte {
	r := &p.request
	a := &area{room: host.Room(1 << 20)[held:], base: uint32(held)}
	switch kind {
	case abi.EventLineReady:
		record := take[abi.Line](a)
		*record = p.line(a)
	case abi.EventHeaderReady:
		record := take[abi.Header](a)
		record.Fields = a.fields(r.Fields)
		p.readState = abi.ReadStateMessageReady
	case abi.EventTrailerReady:
		record := take[abi.Trailer](a)
		record.Fields = a.fields(r.Trailers)
	case abi.EventDataReady:
		record := take[abi.Data](a)
		record.Content = a.copy(p.pieces[0])
		p.pieces = p.pieces[1:]
		p.readState = abi.ReadStateBodyReady
	case abi.EventReady:
		p.readState = abi.ReadStateFinished
		if p.wanted&abi.SubscriptionsDataReady == 0 {
			record := take[abi.Message](a)
			record.Fields = a.fields(r.Fields)
			record.Line = p.line(a)
			record.Body = a.copy(strings.Join(r.Body, ""))
		}
	case abi.EventClosed:
		record := take[abi.Closed](a)
		*record = abi.Closed{Side: abi.ClosedSideBoth, Reason: abi.CloseReasonReset}
		p.closed = true
	}
	return a.room[:a.used]
}

func (p *play) line(a *area) abi.Line {
	r := &p.request
	return abi.Line{Method: a.copy(r.Method), Target: a.copy(r.Target), Version: abi.Version(r.Version)}
}

// area is room for a payload.
type area struct {
	room []byte
	base uint32
	used int
}

// take makes room for a record, in front of all else.
func take[T any](a *area) *T {
	record := (*T)(unsafe.Pointer(&a.room[a.used]))
	a.used += int(unsafe.Sizeof(*record))
	return record
}

func (a *area) copy(s string) abi.Bytes {
	at := a.base + uint32(a.used)
	a.used += copy(a.room[a.used:], s)
	return abi.Bytes{Ptr: at, Len: uint32(len(s))}
}

func (a *area) fields(fields []sluice.Field) abi.Fields {
	list := abi.Fields{Ptr: a.base + uint32(a.used), Len: uint32(len(fields))}
	first := a.used
	a.used += len(fields) * abi.FieldSize
	for i, field := range fields {
		entry := (*abi.Field)(unsafe.Pointer(&a.room[first+i*abi.FieldSize]))
		*entry = abi.Field{Name: a.copy(field.Name), Value: a.copy(field.Value)}
	}
	return list
}

// ----- The calls -----

// check is why a call on the answer is refused whatever it is.
func (p *play) check(session abi.Session) abi.Errno {
	switch {
	case session != p.session:
		return abi.ErrnoNoSession
	case p.closed:
		return abi.ErrnoClosed
	}
	return abi.ErrnoSuccess
}

func (p *play) Send(session abi.Session, status abi.Status, fields []host.Field, body []byte) abi.Errno {
	if errno := p.begin(session, status, fields, int64(len(body))); errno != abi.ErrnoSuccess {
		return errno
	}
	p.answer.Whole, p.answer.Complete, p.ended = true, true, true
	p.body.Write(body)
	p.unwritten |= abi.SubscriptionsDone
	return abi.ErrnoSuccess
}

func (p *play) SendHead(session abi.Session, status abi.Status, fields []host.Field) abi.Errno {
	return p.begin(session, status, fields, -1)
}

// begin sends a head; the length is the body's, -1 when it is to come.
func (p *play) begin(session abi.Session, status abi.Status, fields []host.Field, length int64) abi.Errno {
	if errno := p.check(session); errno != abi.ErrnoSuccess {
		return errno
	}
	if p.headSent {
		return abi.ErrnoState
	}
	if status < 200 || status > 999 {
		return abi.ErrnoInvalid
	}
	p.left = -1
	for _, field := range fields {
		if strings.EqualFold(field.Name, "content-length") {
			announced, err := strconv.ParseInt(field.Value, 10, 64)
			if err != nil || length >= 0 && announced != length && p.request.Method != "HEAD" {
				return abi.ErrnoInvalid
			}
			p.left = announced
		}
	}
	p.headSent = true
	p.answer.Status, p.answer.Fields = int(status), ours(fields)
	p.unwritten |= abi.SubscriptionsHeaderDone
	return abi.ErrnoSuccess
}

func (p *play) SetHead(session abi.Session, status abi.Status, fields []host.Field) abi.Errno {
	if errno := p.check(session); errno != abi.ErrnoSuccess {
		return errno
	}
	if p.headSent {
		return abi.ErrnoState
	}
	p.staged = &Response{Status: int(status), Fields: ours(fields)}
	return abi.ErrnoSuccess
}

// missingHead sends the head that nobody has sent.
func (p *play) missingHead(session abi.Session) abi.Errno {
	switch {
	case p.headSent:
		return abi.ErrnoSuccess
	case !p.autoSend:
		return abi.ErrnoState
	case p.staged == nil:
		return p.begin(session, 200, nil, -1)
	}
	fields := make([]host.Field, 0, len(p.staged.Fields))
	for _, field := range p.staged.Fields {
		fields = append(fields, host.Field(field))
	}
	return p.begin(session, abi.Status(p.staged.Status), fields, -1)
}

func (p *play) SendData(session abi.Session, content []byte) abi.Errno {
	errno := p.check(session)
	if errno == abi.ErrnoSuccess {
		errno = p.missingHead(session)
	}
	switch {
	case errno != abi.ErrnoSuccess:
		return errno
	case p.ended:
		return abi.ErrnoState
	case p.request.Room > 0 && p.pending >= p.request.Room:
		return abi.ErrnoAgain
	case p.left >= 0 && int64(len(content)) > p.left:
		return abi.ErrnoTooBig
	}
	if p.left >= 0 {
		p.left -= int64(len(content))
	}
	p.body.Write(content)
	p.pending += len(content)
	p.unwritten |= abi.SubscriptionsDataDone
	return abi.ErrnoSuccess
}

func (p *play) SendEnd(session abi.Session) abi.Errno { return p.SendTrailers(session, nil) }

func (p *play) SendTrailers(session abi.Session, fields []host.Field) abi.Errno {
	errno := p.check(session)
	if errno == abi.ErrnoSuccess {
		errno = p.missingHead(session)
	}
	switch {
	case errno != abi.ErrnoSuccess:
		return errno
	case p.ended:
		return abi.ErrnoState
	case p.left > 0:
		p.closed = true
		return abi.ErrnoInvalid
	}
	p.ended, p.answer.Complete = true, true
	p.answer.Trailers = ours(fields)
	p.unwritten |= abi.SubscriptionsDone
	return abi.ErrnoSuccess
}

func (p *play) SendInformational(session abi.Session, status abi.Status, fields []host.Field) abi.Errno {
	errno := p.check(session)
	switch {
	case errno != abi.ErrnoSuccess:
		return errno
	case p.headSent:
		return abi.ErrnoState
	case status < 100 || status > 199 || status == 101:
		return abi.ErrnoInvalid
	}
	p.answer.Informational = append(p.answer.Informational, Response{Status: int(status), Fields: ours(fields)})
	return abi.ErrnoSuccess
}

// Upgrade is refused: what is not HTTP needs a real connection.
func (p *play) Upgrade(session abi.Session, _ []host.Field) abi.Errno {
	if errno := p.check(session); errno != abi.ErrnoSuccess {
		return errno
	}
	return abi.ErrnoState
}

func (p *play) NextEvent(session abi.Session, delivery *abi.Delivery) abi.Errno {
	if p.request.Shared {
		return abi.ErrnoUnsupported
	}
	if errno := p.check(session); errno != abi.ErrnoSuccess {
		return errno
	}
	p.spoil()
	kind, payload, ok := p.next(p.held)
	p.pulled = payload
	switch {
	case p.closed:
		return abi.ErrnoClosed
	case !ok && !p.ended:
		panic("sluicetest: the handler waits for an event, and none will ever come")
	case !ok:
		return abi.ErrnoState
	}
	*delivery = abi.Delivery{Event: kind, Payload: abi.Bytes{Ptr: uint32(p.held), Len: uint32(len(payload))}}
	return abi.ErrnoSuccess
}

// spoil overwrites what was pulled before: it was borrowed until now.
func (p *play) spoil() {
	for i := range p.pulled {
		p.pulled[i] = 0xaa
	}
}

func (p *play) WaitWritable(session abi.Session) abi.Errno {
	if p.request.Shared {
		return abi.ErrnoUnsupported
	}
	if errno := p.check(session); errno != abi.ErrnoSuccess {
		return errno
	}
	if p.request.Room > 0 && p.pending >= p.request.Room {
		p.answer.Waits++
		p.write()
	}
	return abi.ErrnoSuccess
}

func (p *play) Close(session abi.Session) abi.Errno {
	p.closed = true
	return abi.ErrnoSuccess
}

func (p *play) Stream(session abi.Session) abi.Errno {
	if p.ended {
		return abi.ErrnoState
	}
	p.answer.Stream = true
	return p.check(session)
}

func (p *play) HoldContinue(session abi.Session) abi.Errno {
	if p.headSent {
		return abi.ErrnoState
	}
	return p.check(session)
}

func (p *play) AutoSend(session abi.Session, enabled bool) abi.Errno {
	p.autoSend = enabled
	return p.check(session)
}

func (p *play) Pause(session abi.Session) abi.Errno {
	p.paused = true
	return p.check(session)
}

func (p *play) Resume(session abi.Session) abi.Errno {
	p.paused = false
	return p.check(session)
}

func (p *play) Discard(session abi.Session) abi.Errno {
	p.discarding = true
	return p.check(session)
}

func (p *play) Drain(session abi.Session) abi.Errno { return p.check(session) }

func (p *play) GetReadState(session abi.Session, state *abi.ReadState) abi.Errno {
	*state = p.readState
	return p.check(session)
}

func (p *play) GetWriteState(session abi.Session, state *abi.WriteState) abi.Errno {
	switch {
	case p.ended:
		*state = abi.WriteStateFinished
	case p.headSent:
		*state = abi.WriteStateMetadataIssued
	default:
		*state = abi.WriteStateEmpty
	}
	return p.check(session)
}

// ours are copies of fields: the handler's are borrowed.
func ours(fields []host.Field) (copied []sluice.Field) {
	for _, field := range fields {
		copied = append(copied, sluice.Field{Name: strings.Clone(field.Name), Value: strings.Clone(field.Value)})
	}
	return copied
}
