package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// session is one exchange on a connection: the request as events, and what the handler answers. It is used again for the
// connection's next exchange. What the handler hears is in events.go, what it sends in answer.go; here is the session's
// life.
type session struct {
	conn  *conn
	route *Route

	// The head of the request. It lies in the slot, or in kept once the slot is needed for other bytes.
	line      exchange.Line
	authority []byte
	fields    exchange.Fields
	flags     http1.EventFlags
	length    uint64
	// missing is what has not come yet of a body whose length was announced, in bytes.
	missing uint64
	kept    *buffer
	// startLine is where the head begins, in bytes since the connection was opened.
	startLine uint64
	// inSlot says that the head lies in the slot and may still be needed.
	inSlot bool
	// connect says that the method is CONNECT.
	connect bool
	// offered are the protocols that the peer would switch to.
	offered []string

	// delivered is how far the head was delivered.
	delivered stage
	// bodyBegan and requestDone say how far the body has come; after an upgrade, that the peer sends nothing more.
	bodyBegan, requestDone bool
	// collected is the body so far, for a handler that does not take it in pieces.
	collected *buffer
	// dropped is how much of the body came after the answer and was thrown away, in bytes.
	dropped int
	// paused and discarding are wishes of the handler; abandoned says that a body was not waited for.
	paused, discarding, abandoned bool

	// headSent and answered say how far the answer was framed, and keepAlive whether the connection goes on after it.
	headSent, answered, keepAlive bool
	// headAlone says that the head is the last that was sent: a piece of body that goes with it must not be refused because
	// the head has reached the high-water mark.
	headAlone bool
	// continued says that 100 (Continue) was sent, held that it is not to be sent unasked.
	continued, held bool
	// streaming says that the answer takes as long as it likes.
	streaming bool
	// upgraded says that the answer leaves HTTP, raw that the bytes that come are another protocol's.
	upgraded, raw bool

	// closing says that the connection ends with this exchange.
	closing bool
	// cut says that the answer cannot be completed, and closed that nothing of it is to be written any more.
	cut, closed bool
	// writeClosed says that our side of an upgraded connection was closed.
	writeClosed bool
	// readEnded says that the peer has closed its side, and readEndTold that the handler knows.
	readEnded, readEndTold bool
	// why is why nothing can be sent or received any more, and closeTold says that the handler knows. end is what Next returns
	// then, nil before.
	why       abi.CloseReason
	closeTold bool
	end       error

	// woken and wakes serve a session that others use: it has been used, and its goroutine does not know yet.
	woken bool
	wakes chan struct{}

	// framed are the write events that are due once the output is written, done those that are due now.
	framed, done abi.Subscriptions
	// wall is when the handler's time is over, a moment of the clock.
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

// reset forgets the exchange before. A connection that may be idle for long keeps no buffer.
func (s *session) reset() {
	s.kept.release()
	s.collected.release()
	*s = session{conn: s.conn}
}

// begin starts an exchange with the head of its request. The session was reset before the head was waited for.
func (s *session) begin(head *http1.EventRecord) {
	c := s.conn
	base := c.input.base
	// A span that lies outside names nothing.
	s.line.Method, _ = head.First.In(base)
	s.line.Target, _ = head.Second.In(base)
	s.line.Version = abi.Version(head.Version)
	s.authority, _ = head.Authority.In(base)
	table := c.input.table
	s.fields = exchange.Fields{Table: table[:min(int(head.FieldCount)*abi.FieldSize, len(table))], Bytes: base}
	s.flags, s.length, s.missing = head.Flags, head.Length, head.Length
	s.inSlot = true
	if s.flags&http1.EventFlagsUpgrade != 0 {
		s.connect = string(s.line.Method) == "CONNECT"
		s.offered = protocols(s.fields)
	}
	if s.flags&http1.EventFlagsBody != 0 {
		c.state.enter(StateReceivingBody)
	} else {
		c.state.enter(StateDispatching)
	}
}

// admit holds the request against the limits of its route. It reports whether the handler is to answer it.
func (s *session) admit() bool {
	c := s.conn
	c.limits = &c.server.Limits
	if own := s.route.Limits; own != nil {
		c.limits = own
		switch {
		case len(s.line.Method)+len(s.line.Target)+len("  HTTP/1.1") > own.StartLine:
			return s.refuse(ReasonStartLine, 414, own.StartLine, "bytes in the start line")
		case s.headSize() > own.Head:
			return s.refuse(ReasonHead, 431, own.Head, "bytes in the head")
		case s.fields.Len() > own.Fields:
			return s.refuse(ReasonFields, 431, own.Fields, "fields in the head")
		}
		if c.server.HeadFirst && c.core.Restrict(c.number, own.ChunkLine, own.Trailers, own.TrailerFields) != nil {
			s.cut = true
			return false
		}
	}
	s.wall = c.after(c.limits.HandlerWall)
	return true
}

// refuse answers a request that is beyond a limit of its route. It reports false.
func (s *session) refuse(reason Reason, status uint16, limit int, of string) bool {
	s.conn.note(reason, "route", s.route.Name, "limit", limit, "status", status)
	s.answer(status, fmt.Sprintf("more than %d %s", limit, of))
	return false
}

// headSize is the size of the head in bytes, without white space behind its last value.
func (s *session) headSize() int {
	lines := len(s.line.Method) + len(s.line.Target) + len("  HTTP/1.1\r\n")
	return max(lines, s.headEnd()) + len("\r\n\r\n")
}

// keepHead moves the head out of the slot, before the slot is used for other bytes, so long as it may be needed.
func (c *conn) keepHead() {
	s := &c.session
	if !s.inSlot {
		return
	}
	s.inSlot = false
	method, target, authority, table := len(s.line.Method), len(s.line.Target), len(s.authority), len(s.fields.Table)
	s.kept = newBuffer()
	kept := append(s.kept.bytes, s.fields.Table...)
	kept = append(kept, s.line.Method...)
	kept = append(kept, s.line.Target...)
	kept = append(kept, s.authority...)
	lines := table + method + target + authority
	kept = append(kept, s.fields.Bytes[:s.headEnd()]...)
	s.kept.bytes = kept
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

// settle deals with the end of the handler's work: what it left undone is answered for it, or the connection is cut.
func (s *session) settle(err error) {
	c := s.conn
	switch {
	case err == nil && (s.answered || s.upgraded):
	case err == nil, errors.Is(err, exchange.ErrEnd), errors.Is(err, exchange.ErrRefused):
		if !s.answered && !s.upgraded {
			s.fail(500, errors.New("the handler stopped before the answer was complete"))
		}
	case errors.Is(err, exchange.ErrClosed):
		s.lose()
	case errors.Is(err, exchange.ErrWallTime):
		c.note(ReasonHandlerWall, "route", s.route.Name)
		if s.headSent {
			err = fmt.Errorf("the handler did not go on with its answer for %v", c.limits.WriteIdle)
		} else {
			err = fmt.Errorf("%w of %v", err, c.limits.HandlerWall)
		}
		s.fail(503, err)
	case errors.Is(err, exchange.ErrBusy):
		s.turnAway(ReasonConcurrent, err)
	case errors.Is(err, exchange.ErrPaused):
		s.turnAway(ReasonHandlerPaused, err)
	default:
		s.settleFault(faultStatus(err), err)
	}
}

// turnAway answers a request that was not given to its handler, and says when to try again (RFC 9110 section 10.2.3).
func (s *session) turnAway(reason Reason, err error) {
	s.conn.note(reason, "route", s.route.Name, "detail", err)
	after := time.Second
	var told interface{ RetryAfter() time.Duration }
	if errors.As(err, &told) {
		after = told.RetryAfter()
	}
	seconds := max(1, int64((after+time.Second-1)/time.Second))
	s.answerWith(503, "", exchange.NewFields("Content-Type", "text/plain; charset=utf-8",
		"Retry-After", strconv.FormatInt(seconds, 10)))
}

// settleFault answers for a handler that has failed, or that has no room for the request: that is no fault of its own, and
// any peer could fill the log with it.
func (s *session) settleFault(status uint16, reason error) {
	if status >= 500 || s.headSent {
		s.conn.note(ReasonHandlerFault, "route", s.route.Name)
		s.fail(status, reason)
		return
	}
	s.conn.note(ReasonBuffered, "route", s.route.Name, "status", status, "detail", reason)
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

// lose ends an exchange whose peer is gone or has broken the protocol, or whose handler has closed the connection.
func (s *session) lose() {
	s.closing = true
	if s.conn.input.state == http1.ReaderStateFailed && !s.closed {
		if !s.headSent && !s.cut {
			s.conn.answerRefused()
			return
		}
		s.conn.note(refusal(s.conn.input.reception.Error))
	}
	s.cut = s.cut || !s.answered
}

// fail answers for a handler that has failed, or cuts the connection when an answer has begun: the peer must not take it
// for complete. Nobody has taken a CONNECT that is not answered.
func (s *session) fail(status uint16, reason error) {
	if s.connect && !s.headSent {
		status = 501
	}
	if server := s.conn.server; server.counters.failed(s.route.Name) {
		server.Log.Warn("handler failed", "route", s.route.Name, "status", status, "reason", reason, "answer_begun", s.headSent)
	}
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
	if s.send(status, fields, []byte(body)) != abi.ErrnoSuccess {
		s.cut = true
	}
}

// answerUnrouted answers a request that no route fits.
func (s *session) answerUnrouted(match Match) {
	switch {
	case s.connect:
		s.refuseConnect()
	case match.Status == 405:
		s.answerWith(405, "allowed: "+match.Allow,
			exchange.NewFields("Content-Type", "text/plain; charset=utf-8", "Allow", match.Allow))
	default:
		s.answer(match.Status, "")
	}
}

// refuseConnect answers a CONNECT that nobody wants to be the tunnel of.
func (s *session) refuseConnect() {
	s.closing = true
	s.answer(501, "CONNECT is not served here")
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
	c.state.enter(StateClosing)
	if s.closed || c.flush() != nil {
		s.abort()
		return false
	}
	switch {
	case s.cut && !s.answered:
		s.abort()
	case !s.requestDone || s.abandoned || c.unconsumed() > 0:
		c.hangUp()
	}
	return false
}

// abort has the peer see a reset instead of an end, where the end of the connection would complete the answer.
func (s *session) abort() {
	if !s.answered && (s.line.Version < abi.VersionHTTP11 || s.upgraded) {
		s.conn.socket.reset()
	}
}
