package transport

import (
	"strings"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// What a handler sends, and how it steers its session. The core frames it, and the output takes it; nothing here waits.

// Send implements [exchange.Exchange].
func (s *session) Send(status uint16, fields exchange.Fields, body []byte) abi.Errno {
	if s.over() {
		return abi.ErrnoClosed
	}
	return s.send(status, fields, body)
}

// over reports whether the handler was told that nothing can be sent any more, or has ended the connection itself.
func (s *session) over() bool { return s.cut || s.closeTold }

// send answers whole.
func (s *session) send(status uint16, fields exchange.Fields, body []byte) abi.Errno {
	framing, errno := s.frameHead(status, fields, uint64(len(body)), http1.HeadFlagsComplete)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if framing.Bodiless == 0 {
		s.conn.put(body, nil)
	}
	s.framed |= abi.SubscriptionsDone
	return abi.ErrnoSuccess
}

// SendHead implements [exchange.Exchange].
func (s *session) SendHead(status uint16, fields exchange.Fields) abi.Errno {
	if s.over() {
		return abi.ErrnoClosed
	}
	_, errno := s.frameHead(status, fields, 0, http1.HeadFlagsStreamed)
	s.headAlone = errno == abi.ErrnoSuccess
	return errno
}

// frameHead has the core frame a head.
func (s *session) frameHead(status uint16, fields exchange.Fields, length uint64, flags http1.HeadFlags) (http1.Framing, abi.Errno) {
	c := s.conn
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

// took notes how far the answer has come.
func (s *session) took(framing http1.Framing) {
	s.answered = framing.Finished != 0
	s.keepAlive = framing.KeepAlive != 0
	if !s.keepAlive {
		s.closing = true
	}
}

// SendInformational implements [exchange.Exchange].
func (s *session) SendInformational(status uint16, fields exchange.Fields) abi.Errno {
	switch {
	case s.over():
		return abi.ErrnoClosed
	case s.conn.output.full():
		return abi.ErrnoAgain
	}
	return s.sendInformational(status, fields)
}

// sendInformational sends an informational answer, at once if the peer takes it: it is worth most while the handler works
// on the answer.
func (s *session) sendInformational(status uint16, fields exchange.Fields) abi.Errno {
	c := s.conn
	out, _, errno := c.core.FrameInformational(c.number, status, fields, c.output.bytes())
	c.output.set(out)
	if errno == http1.ErrnoSuccess {
		s.continued = s.continued || status == 100
		c.socket.tryWrite(c)
	}
	return abi.Errno(errno)
}

// SendData implements [exchange.Exchange].
func (s *session) SendData(content []byte) abi.Errno {
	c := s.conn
	switch {
	case s.over():
		return abi.ErrnoClosed
	case c.output.full() && !s.headAlone:
		return abi.ErrnoAgain
	}
	s.headAlone = false
	var behind core.Behind
	out, framing, errno := c.core.FrameAround(c.number, uint64(len(content)), c.output.bytes(), &behind)
	c.output.set(out)
	if errno == http1.ErrnoSuccess {
		if framing.Bodiless != 0 {
			content = nil
		}
		c.put(content, behind.Bytes())
		s.framed |= abi.SubscriptionsDataDone
		s.took(framing)
	}
	return abi.Errno(errno)
}

// SendEnd implements [exchange.Exchange].
func (s *session) SendEnd() abi.Errno {
	if s.over() {
		return abi.ErrnoClosed
	}
	c := s.conn
	out, framing, errno := c.core.FrameEnd(c.number, c.output.bytes())
	c.output.set(out)
	if errno == http1.ErrnoInvalid {
		s.cut = true
	}
	return s.ended(framing, errno)
}

// SendTrailers implements [exchange.Exchange].
func (s *session) SendTrailers(fields exchange.Fields) abi.Errno {
	if s.over() {
		return abi.ErrnoClosed
	}
	c := s.conn
	out, framing, errno := c.core.FrameTrailers(c.number, fields, c.output.bytes())
	c.output.set(out)
	return s.ended(framing, errno)
}

// ended notes the end of the answer.
func (s *session) ended(framing http1.Framing, errno http1.Errno) abi.Errno {
	if errno == http1.ErrnoSuccess {
		s.framed |= abi.SubscriptionsDone
		s.took(framing)
	}
	return abi.Errno(errno)
}

// Upgrade implements [exchange.Exchange].
func (s *session) Upgrade(fields exchange.Fields) abi.Errno {
	switch {
	case s.over():
		return abi.ErrnoClosed
	case !s.connect && !s.wasOffered(fields):
		return abi.ErrnoInvalid
	}
	c := s.conn
	out, _, errno := c.core.FrameUpgrade(c.number, fields, c.output.bytes())
	c.output.set(out)
	if errno == http1.ErrnoSuccess {
		s.headSent, s.upgraded, s.closing = true, true, true
		s.framed |= abi.SubscriptionsHeaderDone
	}
	return abi.Errno(errno)
}

// wasOffered reports whether every protocol that the fields name was offered by the peer (RFC 9110 section 7.8). The core
// sees to it that there is one.
func (s *session) wasOffered(fields exchange.Fields) bool {
	for _, chosen := range protocols(fields) {
		found := false
		for _, offered := range s.offered {
			found = found || strings.EqualFold(offered, chosen)
		}
		if !found {
			return false
		}
	}
	return true
}

// protocols are the elements of all Upgrade fields.
func protocols(fields exchange.Fields) (all []string) {
	for i := range fields.Len() {
		name, value, _ := fields.At(i)
		if !http1.EqualFold(name, "upgrade") {
			continue
		}
		for element := range strings.SplitSeq(string(value), ",") {
			if element = strings.Trim(element, " \t"); element != "" {
				all = append(all, element)
			}
		}
	}
	return all
}

// HoldContinue implements [exchange.Exchange].
func (s *session) HoldContinue() abi.Errno {
	if s.continued || s.headSent {
		return abi.ErrnoState
	}
	s.held = true
	return abi.ErrnoSuccess
}

// Pause implements [exchange.Exchange].
func (s *session) Pause() { s.paused = true }

// Resume implements [exchange.Exchange].
func (s *session) Resume() { s.paused = false }

// Discard implements [exchange.Exchange].
func (s *session) Discard() abi.Errno {
	if s.upgraded {
		return abi.ErrnoState
	}
	s.discarding = true
	s.collected.release()
	s.collected = nil
	return abi.ErrnoSuccess
}

// Stream implements [exchange.Exchange].
func (s *session) Stream() abi.Errno {
	if s.answered {
		return abi.ErrnoState
	}
	s.streaming = true
	s.conn.state.enter(StateStreaming)
	return abi.ErrnoSuccess
}

// Drain implements [exchange.Exchange].
func (s *session) Drain() { s.closing = true }

// Close implements [exchange.Exchange].
func (s *session) Close() {
	s.why = abi.CloseReasonHandler
	s.closing, s.cut, s.closed = true, true, true
}

// ReadState implements [exchange.Exchange]. What the core has read ahead does not count, so that the answer does not depend
// on how the bytes came.
func (s *session) ReadState() abi.ReadState {
	switch {
	case s.requestDone:
		return abi.ReadStateFinished
	case s.raw || s.bodyBegan:
		return abi.ReadStateBodyReady
	case s.delivered == stageBody:
		return abi.ReadStateMessageReady
	}
	return abi.ReadStateEmpty
}

// WriteState implements [exchange.Exchange].
func (s *session) WriteState() abi.WriteState {
	switch {
	case s.answered:
		return abi.WriteStateFinished
	case s.headSent:
		return abi.WriteStateMetadataIssued
	case s.continued:
		return abi.WriteStateContinueIssued
	}
	return abi.WriteStateEmpty
}
