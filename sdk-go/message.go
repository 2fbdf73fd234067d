package sluice

import (
	"errors"

	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// How a message comes of events: the first event of a request calls the handler, which pulls the others while it runs.

const messageEvents = LineReady | HeaderReady | DataReady | TrailerReady | Ready | DataDone

// message is a request and its answer. One is enough, since a handler that waits serves one session at a time; it is global
// so that a request allocates nothing.
type message struct {
	session  Session
	request  Request
	response response
	pulled   Event

	// lent is the payload of HEADER_READY until it is kept.
	lent []byte
	// readEnded says that the request is complete.
	readEnded bool
	// unwritten says that DATA_DONE is to come for what was sent, due that one is due already, for what was sent before.
	unwritten, due bool
}

var present message

// hear is the handler of events. What comes when the handler of messages has returned is of no interest any more.
func (m *message) hear(e *Event) {
	switch e.Kind {
	case LineReady:
		m.serve(e)
	case DataReady:
		_ = e.Session.Discard() // nobody reads the rest of this body
	}
}

// serve has the handler answer a request.
func (m *message) serve(e *Event) {
	m.begin(e)
	err := e.Session.NextEvent(&m.pulled)
	if errors.Is(err, ErrUnsupported) {
		e.Session.fail("Handle", errBlocking)
		return
	}
	if err != nil {
		return // the peer is gone
	}
	m.request.fields = m.pulled.Fields()
	m.lent = m.pulled.payload
	err = onMessage(&m.response, &m.request)
	if err == nil {
		err = m.response.End()
	}
	if err != nil {
		e.Session.fail(m.request.Method+" "+m.request.Path, err)
	}
}

// errBlocking says why there are no messages in an instance that serves many sessions.
var errBlocking = errors.New(`the route has isolation "shared", where no handler may wait, and one of Handle does: ` +
	`use sluice.On, or isolation "request" or "connection"`)

func (m *message) begin(e *Event) {
	line := e.Line()
	m.session = e.Session
	m.lent, m.readEnded, m.unwritten, m.due = nil, false, false, false
	m.request.begin(line)
	m.response.begin()
}

// keepHead copies the header section, which is borrowed, when it is needed for longer.
func (m *message) keepHead() {
	if m.lent != nil {
		m.request.fields.keep(m.lent)
		m.lent = nil
	}
}

// pull waits for the next event. What was borrowed is kept before, and what was written goes out.
func (m *message) pull() (*Event, error) {
	m.keepHead()
	m.request.body.keep()
	if err := m.session.NextEvent(&m.pulled); err != nil {
		return nil, err
	}
	switch m.pulled.Kind {
	case DataDone:
		m.unwritten, m.due = m.unwritten && m.due, false
	case Ready:
		m.readEnded = true
	}
	return &m.pulled, nil
}

// send sends a piece of body, and waits for room as often as it takes. It pulls no event: the piece may be the host's.
func (m *message) send(piece []byte) error {
	const most = 64 << 10 // so that the host keeps little for a peer that takes little
	for len(piece) > 0 {
		part := piece[:min(len(piece), most)]
		switch errno := host.SendData(abi.Session(m.session), part); errno {
		case abi.ErrnoSuccess:
			piece = piece[len(part):]
			m.unwritten = true
		case abi.ErrnoAgain:
			if err := m.session.WaitWritable(); err != nil {
				return err
			}
			m.unwritten, m.due = false, true
		default:
			return failure("send_data", errno)
		}
	}
	return nil
}

// takeDue takes DATA_DONE away that a wait for room has made due, so that the next one is for what was sent later.
func (m *message) takeDue() error {
	if !m.due {
		return nil
	}
	return m.pullDone()
}

// flush waits until what was sent was handed to the operating system. The request is paused, or its next piece would come
// first.
func (m *message) flush() error {
	if !m.unwritten {
		return nil
	}
	if !m.readEnded {
		if err := m.session.Pause(); err != nil {
			return err
		}
		defer func() { _ = m.session.Resume() }() // fails only when the session has ended
	}
	for m.unwritten {
		if err := m.pullDone(); err != nil {
			return err
		}
	}
	return nil
}

// pullDone waits for DATA_DONE, where nothing else can come: write events come first, and read events not while paused.
func (m *message) pullDone() error {
	e, err := m.pull()
	if err == nil && e.Kind != DataDone {
		err = errOrder // rather than lose a piece of body
	}
	return err
}

var errOrder = errors.New("sluice: another event came where data_done was due: this is a bug of the SDK, or of the host")
