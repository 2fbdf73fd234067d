package transport

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// What a handler hears of its session, in the order in which it becomes due.

// Next implements [exchange.Exchange].
func (s *session) Next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	if s.end != nil {
		return s.end
	}
	err := s.next(want, limit, ev)
	if err == nil || want&abi.SubscriptionsClosed == 0 || s.closeTold || !s.isToldOf(err) {
		return err
	}
	if err == exchange.ErrWallTime {
		s.why = abi.CloseReasonTimeout
	}
	s.closeTold, s.end = true, err
	*ev = exchange.Event{Kind: abi.EventClosed, Closed: abi.Closed{Side: abi.ClosedSideBoth, Reason: s.why}}
	return nil
}

// isToldOf reports whether the handler is to hear that its session is over for a reason. Where that is because the request was answered
// without it, or is about to be, only an instance with other sessions has to know: it may keep something for this one.
func (s *session) isToldOf(err error) bool {
	if err == exchange.ErrRefused || err == exchange.ErrWallTime {
		return s.conn.shared != nil && s.delivered == stageBody
	}
	return err == exchange.ErrClosed
}

func (s *session) next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	c := s.conn
	for {
		if s.nextWrite(want, ev) {
			return nil
		}
		if err := c.gone(); err != nil {
			return err
		}
		s.wasWoken() // everything is looked at now
		switch {
		case s.cut || s.closeTold:
			return exchange.ErrClosed
		case c.output.full():
			if err := s.flush(); err != nil {
				return err
			}
		case s.delivered < stageBody:
			if s.connect && want&abi.SubscriptionsUpgraded == 0 {
				s.refuseConnect()
				return exchange.ErrRefused
			}
			if s.nextHead(want, ev) {
				return nil
			}
		case s.upgraded && !s.raw && s.requestDone:
			if err := s.leaveHTTP(); err != nil {
				return err
			}
		case s.requestDone && s.answered && s.framed&want == 0:
			return exchange.ErrEnd
		case !s.requestDone && (!s.paused || s.answered):
			if ready, err := s.nextRead(want, limit, ev); ready || err != nil {
				return err
			}
		case s.unflushed():
			if err := s.flush(); err != nil {
				return err
			}
		case s.readEnded && !s.readEndTold:
			s.readEndTold = true
			if want&abi.SubscriptionsClosed != 0 {
				*ev = exchange.Event{Kind: abi.EventClosed, Closed: abi.Closed{Side: abi.ClosedSideRead, Reason: abi.CloseReasonEnd}}
				return nil
			}
		default:
			if err := s.waitForAnswer(); err != nil {
				return err
			}
		}
	}
}

// nextWrite describes the next write event that is due and wanted.
func (s *session) nextWrite(want abi.Subscriptions, ev *exchange.Event) bool {
	s.done &= want
	if s.done == 0 {
		return false
	}
	for kind := abi.EventHeaderDone; kind <= abi.EventDone; kind++ {
		if bit := abi.Subscriptions(1) << kind; s.done&bit != 0 {
			s.done &^= bit
			*ev = exchange.Event{Kind: kind}
			return true
		}
	}
	return false
}

// nextHead goes on with the delivery of the head. It reports whether ev describes a wanted event.
func (s *session) nextHead(want abi.Subscriptions, ev *exchange.Event) bool {
	if s.delivered == stageLine {
		s.delivered = stageHeader
		*ev = exchange.Event{Kind: abi.EventLineReady, Line: s.line}
		return want&abi.SubscriptionsLineReady != 0
	}
	s.delivered = stageBody
	*ev = exchange.Event{Kind: abi.EventHeaderReady, Line: s.line, Fields: s.fields}
	return want&abi.SubscriptionsHeaderReady != 0
}

// nextRead goes on with the body and the end of the request, or with what comes after an upgrade. It reports whether ev
// describes a wanted event.
func (s *session) nextRead(want abi.Subscriptions, limit int, ev *exchange.Event) (ready bool, err error) {
	c := s.conn
	whole := want&(abi.SubscriptionsReady|abi.SubscriptionsDataReady) == abi.SubscriptionsReady && !s.answered &&
		!s.discarding && !s.raw
	if want&(abi.SubscriptionsReady|abi.SubscriptionsDataReady) != abi.SubscriptionsReady {
		s.inSlot = false // READY will not tell it again
	}
	if whole && s.length > uint64(c.limits.Buffered) {
		return false, s.refuseBody()
	}
	record, err := c.take()
	if err != nil {
		return false, s.closedBy(abi.CloseReasonReset)
	}
	if record == nil {
		return s.readMore(want, limit, ev)
	}
	switch record.Kind {
	case http1.EventDataReady:
		piece, _ := record.First.In(c.input.base)
		if want&abi.SubscriptionsDataReady != 0 && !s.discarding {
			piece, flags := s.part(record, piece, limit)
			s.tookBody(len(piece))
			*ev = exchange.Event{Kind: abi.EventDataReady, Data: piece, Flags: dataFlags(flags)}
			return true, nil
		}
		s.tookBody(len(piece))
		if whole {
			return s.collect(want, piece, ev)
		}
		return false, s.drop(len(piece))
	case http1.EventTrailerReady:
		*ev = exchange.Event{Kind: abi.EventTrailerReady, Fields: exchange.Fields{
			Table: c.input.table[:min(int(record.FieldCount)*abi.FieldSize, len(c.input.table))], Bytes: c.input.base,
		}}
		return want&abi.SubscriptionsTrailerReady != 0 && !s.discarding, nil
	case http1.EventReady:
		return s.ready(want, s.collected.content(), ev), nil
	case http1.EventUpgraded:
		*ev = exchange.Event{Kind: abi.EventUpgraded}
		return want&abi.SubscriptionsUpgraded != 0, nil
	}
	return false, nil
}

// worthReading is how much is worth a read of its own, in bytes.
const worthReading = 16 << 10

// readMore finds out what to do when the core has made all events of the bytes that came.
func (s *session) readMore(want abi.Subscriptions, limit int, ev *exchange.Event) (ready bool, err error) {
	in := &s.conn.input
	switch {
	case in.state == http1.ReaderStateFailed && in.reception.Error == http1.ErrorCodeTruncated:
		return false, s.closedBy(abi.CloseReasonTruncated)
	case in.state == http1.ReaderStateFailed:
		return false, s.closedBy(abi.CloseReasonProtocol)
	case in.state == http1.ReaderStateEnded:
		// After an upgrade: the peer sends nothing more.
		s.requestDone, s.readEnded = true, true
		return false, nil
	case s.discarding && s.bodyUncertain():
		// A body that nobody wants and nobody has asked for need not come.
		s.abandoned, s.closing = true, true
		return s.ready(want, nil, ev), nil
	}
	if want&abi.SubscriptionsDataReady == 0 || limit < worthReading || s.discarding {
		return false, s.waitForBody()
	}
	if room := s.direct(ev.Room); len(room) >= worthReading {
		return s.readInto(room, ev)
	}
	// What is read at once is to be one event: a full slot could be a large one and a tiny one.
	in.most = limit
	defer func() { in.most = 0 }()
	return false, s.waitForBody()
}

// direct is as much of the room as bytes can be read to without a look at them: so much is missing of a body whose length was
// announced. None if others use the session.
func (s *session) direct(room []byte) []byte {
	if s.flags&http1.EventFlagsChunked != 0 || s.raw || s.conn.shared != nil {
		return nil
	}
	return room[:min(uint64(len(room)), s.missing)]
}

// readInto waits for bytes of the body and reads them to where the handler wants them.
func (s *session) readInto(room []byte, ev *exchange.Event) (ready bool, err error) {
	in := &s.conn.input
	in.into = room
	err = s.waitForBody()
	came := in.direct
	in.into, in.direct = nil, nil
	if err != nil || came == nil {
		return false, err
	}
	s.tookBody(len(came))
	if s.missing == 0 {
		in.state = http1.ReaderStateMore // the core has not told of the end
	}
	*ev = exchange.Event{Kind: abi.EventDataReady, Data: came}
	return true, nil
}

// tookBody notes that so much of the body has come.
func (s *session) tookBody(size int) {
	s.bodyBegan = true
	s.missing -= min(uint64(size), s.missing) // what comes after an upgrade was not announced
}

// closedBy says that nothing more can be sent or received, and why.
func (s *session) closedBy(reason abi.CloseReason) error {
	s.why = reason
	return exchange.ErrClosed
}

// part cuts a piece of body down to the limit. The rest stays the next event.
func (s *session) part(record *http1.EventRecord, piece []byte, limit int) ([]byte, http1.EventFlags) {
	if len(piece) <= limit {
		return piece, record.Flags
	}
	flags := record.Flags &^ http1.EventFlagsChunkEnd
	record.Flags &^= http1.EventFlagsChunkStart
	record.First.Offset += uint32(limit)
	record.First.Size -= uint32(limit)
	s.conn.untake()
	return piece[:limit], flags
}

// dataFlags are the flags of a piece as handlers know them.
func dataFlags(flags http1.EventFlags) (data abi.DataFlags) {
	if flags&http1.EventFlagsChunkStart != 0 {
		data |= abi.DataFlagsChunkStart
	}
	if flags&http1.EventFlagsChunkEnd != 0 {
		data |= abi.DataFlagsChunkEnd
	}
	return data
}

// ready describes the end of the request.
func (s *session) ready(want abi.Subscriptions, body []byte, ev *exchange.Event) bool {
	s.requestDone = true
	if s.conn.state.get() == StateReceivingBody {
		s.conn.state.enter(StateDispatching)
	}
	*ev = exchange.Event{Kind: abi.EventReady}
	if want&abi.SubscriptionsDataReady == 0 {
		ev.Line, ev.Fields, ev.Data = s.line, s.fields, body
	}
	return want&abi.SubscriptionsReady != 0
}

// collect keeps a piece of body for a handler that wants the whole. The only piece is delivered from where it lies.
func (s *session) collect(want abi.Subscriptions, piece []byte, ev *exchange.Event) (ready bool, err error) {
	c := s.conn
	if next := c.ahead(); s.collected == nil && next != nil && next.Kind == http1.EventReady {
		if _, err := c.take(); err != nil {
			return false, s.closedBy(abi.CloseReasonReset)
		}
		return s.ready(want, piece, ev), nil
	}
	if s.collected == nil {
		s.collected = newBuffer()
	}
	if len(s.collected.bytes)+len(piece) > c.limits.Buffered {
		return false, s.refuseBody()
	}
	s.collected.bytes = append(s.collected.bytes, piece...)
	return false, nil
}

// refuseBody answers a body that is larger than what is collected for a handler.
func (s *session) refuseBody() error {
	s.closing = true
	s.why = abi.CloseReasonProtocol
	s.conn.note(ReasonBuffered, "route", s.route.Name, "status", 413)
	s.answer(413, fmt.Sprintf("the body is larger than %d bytes", s.conn.limits.Buffered))
	return exchange.ErrRefused
}

// drop throws away a piece of body that nobody wants. A handler that does not want the body at all reads it to its end;
// one that has answered already is not waited for longer than it takes to drop a little.
func (s *session) drop(size int) error {
	if !s.answered || s.raw {
		return nil
	}
	if s.dropped += size; s.dropped > maxDropped {
		s.closing = true
		return exchange.ErrEnd
	}
	return nil
}

// leaveHTTP has the core pass on what comes from now on, and what has come already.
func (s *session) leaveHTTP() error {
	c := s.conn
	s.raw, s.requestDone = true, false
	c.state.enter(StateUpgraded)
	c.input.state = http1.ReaderStateNeedData
	if err := c.parse(0); err != nil {
		return s.closedBy(abi.CloseReasonReset)
	}
	return nil
}

// waitForBody waits for more of the request, or of what comes after an upgrade. What was sent goes out first, so that a
// peer that waits for it goes on.
func (s *session) waitForBody() error {
	c := s.conn
	s.sendContinue()
	if s.unflushed() {
		if err := s.flush(); err != nil {
			return err
		}
		if s.done != 0 {
			return nil
		}
	}
	if s.answered && s.closing && !s.raw {
		return exchange.ErrEnd
	}
	deadline, handlerTime := s.bodyDeadline()
	before := c.server.clock.now()
	err := c.fill(deadline)
	if !handlerTime {
		s.wall += c.server.clock.now() - before
	}
	switch {
	case err == nil, errors.Is(err, errWoken):
		return nil
	case !errors.Is(err, errOverdue):
		return s.closedBy(abi.CloseReasonReset)
	case handlerTime:
		return exchange.ErrWallTime
	}
	c.note(ReasonBodyIdle)
	if s.headSent {
		return s.closedBy(abi.CloseReasonTimeout)
	}
	s.closing = true
	s.why = abi.CloseReasonTimeout
	s.answer(408, "the request's body did not arrive in time")
	return exchange.ErrRefused
}

// bodyDeadline is until when more of a request is waited for; 0 is for ever. It is the handler's time where the peer waits
// to be told by the handler to go on.
func (s *session) bodyDeadline() (deadline int64, handlerTime bool) {
	c := s.conn
	switch {
	case s.raw && !s.answered:
		return 0, false
	case s.held && s.bodyUncertain() && !s.headSent:
		return s.wall, true
	}
	return c.after(c.limits.BodyIdle), false
}

// sendContinue tells a peer that waits for it to send the body (RFC 9110 section 10.1.1).
func (s *session) sendContinue() {
	if s.bodyUncertain() && !s.headSent && !s.held && !s.discarding {
		s.sendInformational(100, exchange.Fields{})
	}
}

// bodyUncertain reports whether the peer waits for 100 (Continue) and was not told: whether it sends the body after an
// answer is up to it, so the connection cannot go on (RFC 9110 section 10.1.1).
func (s *session) bodyUncertain() bool {
	return s.flags&http1.EventFlagsExpectContinue != 0 && !s.continued && !s.bodyBegan && !s.requestDone
}

// watched is how many bytes of later requests may wait while the peer is watched, in bytes. Beyond it, it is not read.
const watched = 4 << 10

// waitForAnswer waits while the answer is not complete and nothing else is due. The peer is watched meanwhile: if it goes,
// or closes its side, the handler can hear of it. The handler's time ends the wait, or nothing if the answer is a stream.
func (s *session) waitForAnswer() error {
	c := s.conn
	deadline := s.answerDeadline()
	if !s.requestDone || c.input.eof || c.unconsumed() >= watched {
		return s.waitForTime(deadline)
	}
	c.keepHead()
	n, err := c.read(deadline)
	c.input.end += n
	switch {
	case errors.Is(err, io.EOF):
		c.input.eof, s.readEnded = true, true
	case errors.Is(err, errOverdue):
		return exchange.ErrWallTime
	case errors.Is(err, errWoken):
	case err != nil:
		s.cut = true
		return s.closedBy(abi.CloseReasonReset)
	}
	return nil
}

// answerDeadline is until when the handler is waited for; 0 is for ever.
func (s *session) answerDeadline() int64 {
	c := s.conn
	switch {
	case s.streaming && s.requestDone:
		return 0
	case s.headSent:
		return c.after(c.limits.WriteIdle)
	}
	return s.wall
}

// waitForTime waits until a moment, without looking at the peer.
func (s *session) waitForTime(deadline int64) error {
	s.conn.park()
	s.conn.yield()
	var over <-chan time.Time
	if deadline != 0 {
		timer := time.NewTimer(s.conn.server.clock.until(deadline))
		defer timer.Stop()
		over = timer.C
	}
	s.conn.unlock()
	defer s.conn.lock()
	select {
	case <-over:
		return exchange.ErrWallTime
	case <-s.conn.server.stop:
		return s.closedBy(abi.CloseReasonShutdown)
	case <-s.wakes:
		s.wakes <- struct{}{} // for wasWoken
		return nil
	}
}

// flush writes the output. An error means that the peer is gone, or does not read.
func (s *session) flush() error {
	c := s.conn
	err := c.flush()
	if err == nil && s.raw && s.answered && !s.writeClosed {
		s.writeClosed = true
		if err = c.socket.closeWrite(); errors.Is(err, errors.ErrUnsupported) {
			s.requestDone, err = true, nil // such a connection can only be closed whole
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errOverdue):
		s.why = abi.CloseReasonTimeout
	default:
		s.why = abi.CloseReasonReset
	}
	s.cut = true
	return exchange.ErrClosed
}

// unflushed reports whether output waits, or write events that are due once it is written, or the end of our side.
func (s *session) unflushed() bool {
	return s.framed != 0 || len(s.conn.output.pending()) > 0 || s.raw && s.answered && !s.writeClosed
}

// flushed makes the write events due whose bytes were written.
func (s *session) flushed() {
	s.done |= s.framed
	s.framed = 0
}

// WaitWritable implements [exchange.Exchange].
func (s *session) WaitWritable() error {
	if !s.conn.output.full() {
		return nil
	}
	return s.flush()
}
