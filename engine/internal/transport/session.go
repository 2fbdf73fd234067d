package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// session is one exchange on a connection: the request as events, and what the handler answers. It is used again for the
// connection's next exchange.
type session struct {
	conn  *conn
	route *Route

	// The head of the request. It lies in the slot, or in kept once the slot is needed for other bytes.
	line      exchange.Line
	authority []byte
	fields    exchange.Fields
	flags     http1.EventFlags
	length    uint64
	kept      []byte
	// inSlot says that the head lies in the slot and may still be needed.
	inSlot bool

	// delivered is how far the head was delivered.
	delivered stage
	// bodyBegan and requestDone say how far the body has come.
	bodyBegan, requestDone bool
	// collected is the body so far, for a handler that does not take it in pieces.
	collected []byte
	// dropped is how much of the body came after the answer and was thrown away, in bytes.
	dropped int

	// headSent and answered say how far the answer was framed, and keepAlive whether the connection goes on after it.
	headSent, answered, keepAlive bool
	// continued says that 100 (Continue) was sent.
	continued bool
	// closing says that the connection ends with this exchange.
	closing bool
	// cut says that the answer cannot be completed.
	cut bool
	// framed are the write events that are due once the output is written, done those that are due now.
	framed, done abi.Subscriptions
	// wall is when the handler's time is over, in nanoseconds since 1970.
	wall int64
}

// stage says how far the head was delivered.
type stage uint8

const (
	stageLine stage = iota
	stageHeader
	stageBody
)

// maxDropped is how much of a request is read and thrown away after its answer, in bytes. Beyond it, closing is cheaper
// for both sides.
const maxDropped = 256 << 10

// begin starts an exchange with the head of its request. The session was reset before the head was waited for.
func (s *session) begin(head *http1.EventRecord) {
	c := s.conn
	base := c.input.base
	// A span that lies outside names nothing.
	s.line.Method, _ = head.First.In(base)
	s.line.Target, _ = head.Second.In(base)
	s.line.Version = abi.Version(head.Version)
	s.authority, _ = head.Authority.In(base)
	table := c.input.slot.Fields
	s.fields = exchange.Fields{Table: table[:min(int(head.FieldCount)*abi.FieldSize, len(table))], Bytes: base}
	s.flags, s.length = head.Flags, head.Length
	s.inSlot = true
	s.wall = c.server.clock.after(c.server.Times.HandlerWall)
}

// maxKept is the largest buffer that a connection keeps from one exchange to the next, in bytes.
const maxKept = 4 << 10

// reset forgets the exchange before.
func (s *session) reset() {
	kept, collected := s.kept[:0], s.collected[:0]
	if cap(kept) > maxKept {
		kept = nil
	}
	if cap(collected) > maxKept {
		collected = nil
	}
	*s = session{conn: s.conn, kept: kept, collected: collected}
}

// keepHead moves the head out of the slot, before the slot is used for other bytes, so long as it may be needed.
func (c *conn) keepHead() {
	s := &c.session
	if !s.inSlot {
		return
	}
	s.inSlot = false
	method, target, authority, table := len(s.line.Method), len(s.line.Target), len(s.authority), len(s.fields.Table)
	kept := append(s.kept[:0], s.fields.Table...)
	kept = append(kept, s.line.Method...)
	kept = append(kept, s.line.Target...)
	kept = append(kept, s.authority...)
	lines := table + method + target + authority
	kept = append(kept, s.fields.Bytes[:s.headEnd()]...)
	s.kept = kept
	s.fields = exchange.Fields{Table: kept[:table], Bytes: kept[lines:]}
	s.line.Method, kept = cutFront(kept[table:], method)
	s.line.Target, kept = cutFront(kept, target)
	s.authority, _ = cutFront(kept, authority)
}

func cutFront(b []byte, n int) (front, rest []byte) { return b[:n:n], b[n:] }

// headEnd is the end of the last field's value: what follows is not needed.
func (s *session) headEnd() int {
	table := s.fields.Table
	if len(table) < abi.FieldSize {
		return 0
	}
	value := table[len(table)-8:]
	end := uint64(binary.LittleEndian.Uint32(value)) + uint64(binary.LittleEndian.Uint32(value[4:]))
	return int(min(end, uint64(len(s.fields.Bytes))))
}

// Next implements [exchange.Exchange].
func (s *session) Next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	c := s.conn
	for {
		if s.nextWrite(want, ev) {
			return nil
		}
		if len(c.output.pending()) >= highWater {
			if err := s.flush(); err != nil {
				return err
			}
			continue
		}
		if s.delivered < stageBody {
			if s.nextHead(want, ev) {
				return nil
			}
			continue
		}
		if s.requestDone && s.answered && s.framed&want == 0 {
			return exchange.ErrEnd
		}
		if !s.requestDone {
			if ready, err := s.nextRead(want, limit, ev); ready || err != nil {
				return err
			}
			continue
		}
		if s.unflushed() {
			if err := s.flush(); err != nil {
				return err
			}
			continue
		}
		return s.waitForAnswer()
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

// nextRead goes on with the body and the end of the request. It reports whether ev describes a wanted event.
func (s *session) nextRead(want abi.Subscriptions, limit int, ev *exchange.Event) (ready bool, err error) {
	c := s.conn
	whole := want&(abi.SubscriptionsReady|abi.SubscriptionsDataReady) == abi.SubscriptionsReady && !s.answered
	if !whole {
		s.inSlot = false
	} else if s.length > uint64(c.server.Buffered) {
		return false, s.refuseBody()
	}
	record, err := c.take()
	if err != nil {
		return false, exchange.ErrClosed
	}
	if record == nil {
		return false, s.waitForBody()
	}
	switch record.Kind {
	case http1.EventDataReady:
		s.bodyBegan = true
		piece, _ := record.First.In(c.input.base)
		switch {
		case want&abi.SubscriptionsDataReady != 0:
			piece, flags := s.part(record, piece, limit)
			*ev = exchange.Event{Kind: abi.EventDataReady, Data: piece, Flags: dataFlags(flags)}
			return true, nil
		case whole:
			return s.collect(piece, ev)
		}
		return false, s.drop(len(piece))
	case http1.EventReady:
		return s.ready(want, s.collected, ev), nil
	}
	return false, nil
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
	*ev = exchange.Event{Kind: abi.EventReady}
	if want&abi.SubscriptionsDataReady == 0 {
		ev.Line, ev.Fields, ev.Data = s.line, s.fields, body
	}
	return want&abi.SubscriptionsReady != 0
}

// collect keeps a piece of body for a handler that wants the whole. The only piece is delivered from where it lies.
func (s *session) collect(piece []byte, ev *exchange.Event) (ready bool, err error) {
	c := s.conn
	if next := c.ahead(); len(s.collected) == 0 && next != nil && next.Kind == http1.EventReady {
		if _, err := c.take(); err != nil {
			return false, exchange.ErrClosed
		}
		return s.ready(abi.SubscriptionsReady, piece, ev), nil
	}
	if len(s.collected)+len(piece) > c.server.Buffered {
		return false, s.refuseBody()
	}
	s.collected = append(s.collected, piece...)
	return false, nil
}

// refuseBody answers a body that is larger than what is collected for a handler.
func (s *session) refuseBody() error {
	s.closing = true
	s.answer(413, fmt.Sprintf("the body is larger than %d bytes", s.conn.server.Buffered))
	return exchange.ErrRefused
}

// drop throws away a piece of body that nobody wants. A handler that does not want the body at all reads it to its end;
// one that has answered already is not waited for longer than it takes to drop a little.
func (s *session) drop(size int) error {
	if !s.answered {
		return nil
	}
	if s.dropped += size; s.dropped > maxDropped {
		s.closing = true
		return exchange.ErrEnd
	}
	return nil
}

// waitForBody waits for more of the request. What was sent goes out first, so that a peer that waits for it goes on.
func (s *session) waitForBody() error {
	c := s.conn
	if c.input.state == http1.ReaderStateFailed {
		return exchange.ErrClosed
	}
	s.sendContinue()
	if s.unflushed() {
		if err := s.flush(); err != nil {
			return err
		}
		if s.done != 0 {
			return nil
		}
	}
	if s.answered && s.closing {
		return exchange.ErrEnd
	}
	before := c.server.clock.now.Load()
	err := c.fill(c.server.clock.after(c.server.Times.BodyIdle))
	s.wall += c.server.clock.now.Load() - before
	if errors.Is(err, errOverdue) && !s.headSent {
		s.closing = true
		s.answer(408, "the request's body did not arrive in time")
		return exchange.ErrRefused
	}
	if err != nil {
		return exchange.ErrClosed
	}
	return nil
}

// sendContinue tells a peer that waits for it to send the body (RFC 9110 section 10.1.1).
func (s *session) sendContinue() {
	if s.flags&http1.EventFlagsExpectContinue == 0 || s.continued || s.bodyBegan || s.headSent {
		return
	}
	s.continued = true
	o := &s.conn.output
	out, _, _ := s.conn.core.FrameContinue(s.conn.number, o.bytes())
	o.set(out)
}

// waitForAnswer waits while the request is complete, the answer is not, and no event is due. Only the handler's time can
// end it.
func (s *session) waitForAnswer() error {
	c := s.conn
	c.park()
	end := s.wall
	if s.headSent {
		end = c.server.clock.after(c.server.Times.WriteIdle)
	}
	timer := time.NewTimer(time.Until(time.Unix(0, end)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return exchange.ErrWallTime
	case <-c.server.stop:
		return exchange.ErrClosed
	}
}

// flush writes the output. An error means that the peer is gone.
func (s *session) flush() error {
	if err := s.conn.flush(); err != nil {
		s.cut = true
		return exchange.ErrClosed
	}
	return nil
}

// unflushed reports whether output waits, or write events that are due once it is written.
func (s *session) unflushed() bool { return s.framed != 0 || len(s.conn.output.pending()) > 0 }

// flushed makes the write events due whose bytes were written.
func (s *session) flushed() {
	s.done |= s.framed
	s.framed = 0
}

// Send implements [exchange.Exchange].
func (s *session) Send(status uint16, fields exchange.Fields, body []byte) abi.Errno {
	framing, errno := s.frameHead(status, fields, uint64(len(body)), http1.HeadFlagsComplete)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if framing.Bodiless == 0 {
		s.conn.output.set(append(s.conn.output.bytes(), body...))
	}
	s.framed |= abi.SubscriptionsDone
	return abi.ErrnoSuccess
}

// SendHead implements [exchange.Exchange].
func (s *session) SendHead(status uint16, fields exchange.Fields) abi.Errno {
	_, errno := s.frameHead(status, fields, 0, http1.HeadFlagsStreamed)
	return errno
}

// frameHead has the core frame a head.
func (s *session) frameHead(status uint16, fields exchange.Fields, length uint64, flags http1.HeadFlags) (http1.Framing, abi.Errno) {
	c := s.conn
	if s.cut {
		return http1.Framing{}, abi.ErrnoClosed
	}
	if s.closing || c.server.draining.Load() || s.bodyUncertain() {
		flags |= http1.HeadFlagsClose
	}
	head := core.Head{Status: status, Fields: fields, Length: length, Flags: flags}
	out, framing, errno := c.core.FrameHead(c.number, &head, c.output.bytes())
	c.output.set(out)
	if errno == http1.ErrnoSuccess {
		s.headSent = true
		s.framed |= abi.SubscriptionsHeaderDone
		s.took(framing)
	}
	return framing, abi.Errno(errno)
}

// bodyUncertain reports whether the peer waits for 100 (Continue) and was not told: whether it sends the body after an
// answer is up to it, so the connection cannot go on (RFC 9110 section 10.1.1).
func (s *session) bodyUncertain() bool {
	return s.flags&http1.EventFlagsExpectContinue != 0 && !s.continued && !s.bodyBegan && !s.requestDone
}

// took notes how far the answer has come.
func (s *session) took(framing http1.Framing) {
	s.answered = framing.Finished != 0
	s.keepAlive = framing.KeepAlive != 0
	if !s.keepAlive {
		s.closing = true
	}
}

// SendData implements [exchange.Exchange].
func (s *session) SendData(content []byte) abi.Errno {
	c := s.conn
	switch {
	case s.cut:
		return abi.ErrnoClosed
	case len(c.output.pending()) >= highWater:
		return abi.ErrnoAgain
	}
	out, framing, errno := c.core.FrameData(c.number, content, c.output.bytes())
	c.output.set(out)
	if errno == http1.ErrnoSuccess {
		s.framed |= abi.SubscriptionsDataDone
		s.took(framing)
	}
	return abi.Errno(errno)
}

// SendEnd implements [exchange.Exchange].
func (s *session) SendEnd() abi.Errno {
	c := s.conn
	if s.cut {
		return abi.ErrnoClosed
	}
	out, framing, errno := c.core.FrameEnd(c.number, c.output.bytes())
	c.output.set(out)
	switch errno {
	case http1.ErrnoSuccess:
		s.framed |= abi.SubscriptionsDone
		s.took(framing)
	case http1.ErrnoInvalid:
		s.cut = true
	}
	return abi.Errno(errno)
}

// Drain implements [exchange.Exchange].
func (s *session) Drain() { s.closing = true }

// WaitWritable implements [exchange.Exchange].
func (s *session) WaitWritable() error {
	if len(s.conn.output.pending()) < highWater {
		return nil
	}
	return s.flush()
}

// settle deals with the end of the handler's work: what it left undone is answered for it, or the connection is cut.
func (s *session) settle(err error) {
	if err == nil && s.answered {
		return
	}
	switch {
	case err == nil, errors.Is(err, exchange.ErrEnd), errors.Is(err, exchange.ErrRefused):
		if !s.answered {
			s.fail(500, errors.New("the handler stopped before the answer was complete"))
		}
	case errors.Is(err, exchange.ErrClosed):
		s.lose()
	case errors.Is(err, exchange.ErrWallTime):
		s.fail(503, fmt.Errorf("%w of %v", err, s.conn.server.Times.HandlerWall))
	default:
		s.settleFault(faultStatus(err), err)
	}
}

// settleFault answers for a handler that has failed, or that has no room for the request: that is no fault of its own, and
// any peer could fill the log with it.
func (s *session) settleFault(status uint16, reason error) {
	if status >= 500 || s.headSent {
		s.fail(status, reason)
		return
	}
	s.conn.server.Log.Debug("request refused", "peer", s.conn.socket.RemoteAddr(), "route", s.route.Name, "status", status,
		"reason", reason)
	s.answer(status, "")
}

// faultStatus is the status that a handler's fault asks for, 500 when it asks for none.
func faultStatus(err error) uint16 {
	var fault interface{ Status() uint16 }
	if errors.As(err, &fault) {
		return fault.Status()
	}
	return 500
}

// lose ends an exchange whose peer is gone or has broken the protocol.
func (s *session) lose() {
	s.closing = true
	if s.conn.input.state == http1.ReaderStateFailed && !s.headSent && !s.cut {
		s.conn.answerRefused()
		return
	}
	s.cut = s.cut || !s.answered
}

// fail answers for a handler that has failed, or cuts the connection when an answer has begun: the peer must not take it
// for complete.
func (s *session) fail(status uint16, reason error) {
	s.conn.server.Log.Warn("handler failed", "route", s.route.Name, "status", status, "reason", reason,
		"answer_begun", s.headSent)
	switch {
	case s.answered:
	case s.headSent:
		s.cut = true
	default:
		s.answer(status, "")
	}
}

// plainText is the head of an answer that the engine itself gives.
var plainText = exchange.NewFields("Content-Type", "text/plain; charset=utf-8")

// answer gives an answer of the engine's own. The detail says more than the status.
func (s *session) answer(status uint16, detail string) { s.answerWith(status, detail, plainText) }

func (s *session) answerWith(status uint16, detail string, fields exchange.Fields) {
	body := fmt.Sprintf("%d %s\n", status, http1.ReasonPhrase(http1.Status(status)))
	if detail != "" {
		body += detail + "\n"
	}
	if s.Send(status, fields, []byte(body)) != abi.ErrnoSuccess {
		s.cut = true
	}
}

// answerUnrouted answers a request that no route fits.
func (s *session) answerUnrouted(match Match) {
	if match.Status == 405 {
		s.answerWith(405, "allowed: "+match.Allow,
			exchange.NewFields("Content-Type", "text/plain; charset=utf-8", "Allow", match.Allow))
		return
	}
	s.answer(match.Status, "")
}

// finish ends the exchange. It reports whether the connection can carry another.
func (s *session) finish() bool {
	c := s.conn
	for !s.requestDone && !s.closing && !s.cut {
		var ev exchange.Event
		if _, err := s.nextRead(0, highWater, &ev); err != nil {
			s.closing = true
		}
	}
	s.inSlot = false
	if s.keepAlive && !s.closing && !s.cut {
		return true
	}
	if c.flush() != nil {
		return false
	}
	switch {
	case s.cut && !s.answered:
		s.abort()
	case !s.requestDone || c.unconsumed() > 0:
		c.hangUp()
	}
	return false
}

// abort has the peer see a reset instead of an end, where the end of the connection would complete the answer.
func (s *session) abort() {
	if tcp, ok := s.conn.socket.(*net.TCPConn); ok && s.line.Version < abi.VersionHTTP11 {
		_ = tcp.SetLinger(0)
	}
}
