package hostabi

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// importFunc is a function that handlers import. All of them name a session first; args are the others, 32 bits each.
type importFunc func(s *Session, args []uint64) abi.Errno

// functions are the imports by name; abi.HandlerImports has their signatures and events.witx their contracts.
var functions = map[string]importFunc{
	"send":          send,
	"send_head":     sendHead,
	"set_head":      setHead,
	"auto_send":     autoSend,
	"send_data":     sendData,
	"send_end":      sendEnd,
	"drain":         drain,
	"next_event":    nextEvent,
	"wait_writable": waitWritable,

	"send_informational": sendInformational,
	"send_trailers":      sendTrailers,
	"upgrade":            upgrade,
	"hold_continue":      holdContinue,
	"pause":              pause,
	"resume":             resume,
	"discard":            discard,
	"stream":             stream,
	"close":              closeConnection,
	"get_read_state":     getReadState,
	"get_write_state":    getWriteState,
}

// Call makes an importFunc an [api.GoFunction]. A start function is called before the instance has a [Call], and finds
// no session.
func (f importFunc) Call(ctx context.Context, stack []uint64) {
	if c, ok := ctx.(*Call); ok {
		if s := c.find(abi.Session(stack[0])); s != nil {
			stack[0] = uint64(f(s, stack[1:]))
			if s != c.current {
				s.exchange.Wake() // its goroutine knows nothing of what was done
			}
			return
		}
	}
	stack[0] = uint64(abi.ErrnoNoSession)
}

// send(status, fields, fields_len, body, body_len) answers whole.
func send(s *Session, args []uint64) abi.Errno {
	status, fields, errno := s.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	body, errno := s.bytes(args[3:])
	if errno != abi.ErrnoSuccess {
		return errno
	}
	s.charge(len(body))
	s.checkResponse(len(body))
	return s.sent(s.exchange.Send(status, fields, body))
}

// sendHead(status, fields, fields_len) begins an answer.
func sendHead(s *Session, args []uint64) abi.Errno {
	status, fields, errno := s.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return s.sent(s.exchange.SendHead(status, fields))
}

// setHead(status, fields, fields_len) keeps a head for later.
func setHead(s *Session, args []uint64) abi.Errno {
	status, fields, errno := s.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if s.headSent {
		return abi.ErrnoState
	}
	return s.head.stage(status, fields)
}

// autoSend(enabled) switches the sending of missing heads.
func autoSend(s *Session, args []uint64) abi.Errno {
	s.autoSend = uint32(args[0]) != 0
	return abi.ErrnoSuccess
}

// sendData(content, content_len) goes on with an answer.
func sendData(s *Session, args []uint64) abi.Errno {
	content, errno := s.bytes(args)
	if errno != abi.ErrnoSuccess || len(content) == 0 {
		return errno
	}
	if errno := s.sendMissingHead(); errno != abi.ErrnoSuccess {
		return errno
	}
	s.charge(len(content))
	s.checkResponse(len(content))
	errno = s.exchange.SendData(content)
	if errno == abi.ErrnoSuccess {
		s.response += int64(len(content))
	}
	return errno
}

// ErrResponse says that an answer is larger than it may be.
var ErrResponse = errors.New("the answer is too large")

// checkResponse ends the call when the answer becomes larger than it may be.
func (s *Session) checkResponse(more int) {
	if size, most := s.response+int64(more), s.call.limits.Response; most > 0 && size > most {
		s.call.Abort(fmt.Errorf("%w: %d bytes where %d may be", ErrResponse, size, most))
	}
}

// charge has the handler pay for bytes that are copied for it. What a call of an import costs anyway is paid by whoever
// calls it.
func (s *Session) charge(size int) {
	const free, bytesPerUnit = 4 << 10, 16
	if size > free {
		s.call.meter.Charge(int64(size / bytesPerUnit))
	}
}

// sendMissingHead sends the head that nobody has sent yet, unless that is switched off.
func (s *Session) sendMissingHead() abi.Errno {
	switch {
	case s.headSent:
		return abi.ErrnoSuccess
	case !s.autoSend:
		return abi.ErrnoState
	}
	return s.sent(s.exchange.SendHead(s.head.content()))
}

// sendEnd() ends an answer. One that has nothing but a head is sent at once, so that its length is known.
func sendEnd(s *Session, _ []uint64) abi.Errno {
	if s.headSent {
		return s.exchange.SendEnd()
	}
	if !s.autoSend {
		return abi.ErrnoState
	}
	status, fields := s.head.content()
	return s.sent(s.exchange.Send(status, fields, nil))
}

// drain() closes the connection after this answer.
func drain(s *Session, _ []uint64) abi.Errno {
	s.exchange.Drain()
	return abi.ErrnoSuccess
}

// waits prepares for a wait: it takes no CPU time, so it needs no lane.
func (s *Session) waits() { s.call.meter.Pause() }

// nextEvent(delivery) waits for an event and puts it behind the payload that on_event was called with, which the handler
// may still be using. The receive buffer cannot grow here: imports never call the handler.
func nextEvent(s *Session, args []uint64) abi.Errno {
	if s.call.sessions != nil {
		return abi.ErrnoUnsupported // others would have to wait, too
	}
	record, ok := s.call.memory.Read(uint32(args[0]), abi.DeliverySize)
	if !ok {
		return abi.ErrnoFault
	}
	s.waits()
	if err := s.next(0); err != nil {
		return s.waitFailed(err)
	}
	payload, err := s.place(0)
	if err != nil {
		s.call.Abort(err)
	}
	delivery := abi.Delivery{Event: s.event.Kind, Payload: payload}
	delivery.Store(record)
	s.call.Wrote(uint32(args[0]), abi.DeliverySize)
	return abi.ErrnoSuccess
}

// waitWritable() waits until send_data takes bytes.
func waitWritable(s *Session, _ []uint64) abi.Errno {
	if s.call.sessions != nil {
		return abi.ErrnoUnsupported
	}
	s.waits()
	if err := s.exchange.WaitWritable(); err != nil {
		return s.waitFailed(err)
	}
	return abi.ErrnoSuccess
}

// sendInformational(status, fields, fields_len) sends an informational answer.
func sendInformational(s *Session, args []uint64) abi.Errno {
	status, fields, errno := s.statusArgs(args, 100, 199)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return s.exchange.SendInformational(status, fields)
}

// sendTrailers(fields, fields_len) ends an answer with trailers.
func sendTrailers(s *Session, args []uint64) abi.Errno {
	fields, errno := s.fields(uint32(args[0]), uint32(args[1]))
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if errno := s.sendMissingHead(); errno != abi.ErrnoSuccess {
		return errno
	}
	return s.exchange.SendTrailers(fields)
}

// upgrade(fields, fields_len) agrees to leave HTTP. What follows could not be heard without the event.
func upgrade(s *Session, args []uint64) abi.Errno {
	if s.call.subscriptions&abi.SubscriptionsUpgraded == 0 {
		return abi.ErrnoUnsupported
	}
	fields, errno := s.fields(uint32(args[0]), uint32(args[1]))
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return s.sent(s.exchange.Upgrade(fields))
}

// holdContinue() keeps 100 (Continue) back.
func holdContinue(s *Session, _ []uint64) abi.Errno { return s.exchange.HoldContinue() }

// pause() has the peer not be read.
func pause(s *Session, _ []uint64) abi.Errno {
	s.exchange.Pause()
	return abi.ErrnoSuccess
}

// resume() has the peer be read again.
func resume(s *Session, _ []uint64) abi.Errno {
	s.exchange.Resume()
	return abi.ErrnoSuccess
}

// discard() drops the rest of the request's body.
func discard(s *Session, _ []uint64) abi.Errno { return s.exchange.Discard() }

// stream() lifts limits in time.
func stream(s *Session, _ []uint64) abi.Errno {
	errno := s.exchange.Stream()
	s.streaming = s.streaming || errno == abi.ErrnoSuccess
	return errno
}

// closeConnection() closes the connection at once.
func closeConnection(s *Session, _ []uint64) abi.Errno {
	s.exchange.Close()
	return abi.ErrnoSuccess
}

// getReadState(state) writes a byte.
func getReadState(s *Session, args []uint64) abi.Errno {
	return s.writeByte(args[0], byte(s.exchange.ReadState()))
}

// getWriteState(state) writes a byte.
func getWriteState(s *Session, args []uint64) abi.Errno {
	return s.writeByte(args[0], byte(s.exchange.WriteState()))
}

func (s *Session) writeByte(address uint64, value byte) abi.Errno {
	if !s.call.memory.WriteByte(uint32(address), value) {
		return abi.ErrnoFault
	}
	s.call.Wrote(uint32(address), 1)
	return abi.ErrnoSuccess
}

// waitFailed tells the handler that the session or the connection is over. For every other reason there is nothing it
// could do: its call ends.
func (s *Session) waitFailed(err error) abi.Errno {
	switch {
	case errors.Is(err, exchange.ErrEnd):
		return abi.ErrnoState
	case errors.Is(err, exchange.ErrClosed):
		s.ended = err
		return abi.ErrnoClosed
	}
	s.call.Abort(err)
	panic("unreachable")
}

// sent notes that a head is on its way.
func (s *Session) sent(errno abi.Errno) abi.Errno {
	if errno == abi.ErrnoSuccess {
		s.headSent = true
	}
	return errno
}

// headArgs reads the arguments status, fields, fields_len of an answer.
func (s *Session) headArgs(args []uint64) (status uint16, fields exchange.Fields, errno abi.Errno) {
	return s.statusArgs(args, 200, 999)
}

// statusArgs reads the arguments status, fields, fields_len; the status lies between two bounds.
func (s *Session) statusArgs(args []uint64, least, most uint32) (status uint16, fields exchange.Fields, errno abi.Errno) {
	code := uint32(args[0])
	if code < least || code > most {
		return 0, exchange.Fields{}, abi.ErrnoInvalid
	}
	fields, errno = s.fields(uint32(args[1]), uint32(args[2]))
	return uint16(code), fields, errno
}

// fields reads a table of fields in the handler's memory and checks what it points to.
func (s *Session) fields(address, count uint32) (exchange.Fields, abi.Errno) {
	size := uint64(count) * abi.FieldSize
	if size > math.MaxUint32 {
		return exchange.Fields{}, abi.ErrnoFault
	}
	table, ok := s.call.memory.Read(address, uint32(size))
	if !ok {
		return exchange.Fields{}, abi.ErrnoFault
	}
	s.charge(len(table))
	all, _ := s.call.memory.Read(0, s.call.memory.Size())
	fields := exchange.Fields{Table: table, Bytes: all}
	if _, ok := measure(fields); !ok {
		return exchange.Fields{}, abi.ErrnoFault
	}
	return fields, abi.ErrnoSuccess
}

// bytes reads an address and a length.
func (s *Session) bytes(args []uint64) ([]byte, abi.Errno) {
	content, ok := s.call.memory.Read(uint32(args[0]), uint32(args[1]))
	if !ok {
		return nil, abi.ErrnoFault
	}
	return content, abi.ErrnoSuccess
}
