package hostabi

import (
	"context"
	"errors"
	"math"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// importFunc is a function that handlers import. All of them name a session first; args are the others, 32 bits each.
type importFunc func(c *Call, args []uint64) abi.Errno

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
	c, ok := ctx.(*Call)
	if !ok || c.exchange == nil || abi.Session(stack[0]) != c.session {
		stack[0] = uint64(abi.ErrnoNoSession)
		return
	}
	stack[0] = uint64(f(c, stack[1:]))
}

// send(status, fields, fields_len, body, body_len) answers whole.
func send(c *Call, args []uint64) abi.Errno {
	status, fields, errno := c.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	body, errno := c.bytes(args[3:])
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return c.sent(c.exchange.Send(status, fields, body))
}

// sendHead(status, fields, fields_len) begins an answer.
func sendHead(c *Call, args []uint64) abi.Errno {
	status, fields, errno := c.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return c.sent(c.exchange.SendHead(status, fields))
}

// setHead(status, fields, fields_len) keeps a head for later.
func setHead(c *Call, args []uint64) abi.Errno {
	status, fields, errno := c.headArgs(args)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if c.headSent {
		return abi.ErrnoState
	}
	return c.head.stage(status, fields)
}

// autoSend(enabled) switches the sending of missing heads.
func autoSend(c *Call, args []uint64) abi.Errno {
	c.autoSend = uint32(args[0]) != 0
	return abi.ErrnoSuccess
}

// sendData(content, content_len) goes on with an answer.
func sendData(c *Call, args []uint64) abi.Errno {
	content, errno := c.bytes(args)
	if errno != abi.ErrnoSuccess || len(content) == 0 {
		return errno
	}
	if errno := c.sendMissingHead(); errno != abi.ErrnoSuccess {
		return errno
	}
	return c.exchange.SendData(content)
}

// sendMissingHead sends the head that nobody has sent yet, unless that is switched off.
func (c *Call) sendMissingHead() abi.Errno {
	switch {
	case c.headSent:
		return abi.ErrnoSuccess
	case !c.autoSend:
		return abi.ErrnoState
	}
	return c.sent(c.exchange.SendHead(c.head.content()))
}

// sendEnd() ends an answer. One that has nothing but a head is sent at once, so that its length is known.
func sendEnd(c *Call, _ []uint64) abi.Errno {
	if c.headSent {
		return c.exchange.SendEnd()
	}
	if !c.autoSend {
		return abi.ErrnoState
	}
	status, fields := c.head.content()
	return c.sent(c.exchange.Send(status, fields, nil))
}

// drain() closes the connection after this answer.
func drain(c *Call, _ []uint64) abi.Errno {
	c.exchange.Drain()
	return abi.ErrnoSuccess
}

// nextEvent(delivery) waits for an event and puts it behind the payload that on_event was called with, which the handler
// may still be using. The receive buffer cannot grow here: imports never call the handler.
func nextEvent(c *Call, args []uint64) abi.Errno {
	record, ok := c.memory.Read(uint32(args[0]), abi.DeliverySize)
	if !ok {
		return abi.ErrnoFault
	}
	if err := c.next(0); err != nil {
		return c.waitFailed(err)
	}
	payload, err := c.place(0)
	if err != nil {
		c.Abort(err)
	}
	delivery := abi.Delivery{Event: c.event.Kind, Payload: payload}
	delivery.Store(record)
	return abi.ErrnoSuccess
}

// waitWritable() waits until send_data takes bytes.
func waitWritable(c *Call, _ []uint64) abi.Errno {
	if err := c.exchange.WaitWritable(); err != nil {
		return c.waitFailed(err)
	}
	return abi.ErrnoSuccess
}

// sendInformational(status, fields, fields_len) sends an informational answer.
func sendInformational(c *Call, args []uint64) abi.Errno {
	status, fields, errno := c.statusArgs(args, 100, 199)
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return c.exchange.SendInformational(status, fields)
}

// sendTrailers(fields, fields_len) ends an answer with trailers.
func sendTrailers(c *Call, args []uint64) abi.Errno {
	fields, errno := c.fields(uint32(args[0]), uint32(args[1]))
	if errno != abi.ErrnoSuccess {
		return errno
	}
	if errno := c.sendMissingHead(); errno != abi.ErrnoSuccess {
		return errno
	}
	return c.exchange.SendTrailers(fields)
}

// upgrade(fields, fields_len) agrees to leave HTTP. What follows could not be heard without the event.
func upgrade(c *Call, args []uint64) abi.Errno {
	if c.subscriptions&abi.SubscriptionsUpgraded == 0 {
		return abi.ErrnoUnsupported
	}
	fields, errno := c.fields(uint32(args[0]), uint32(args[1]))
	if errno != abi.ErrnoSuccess {
		return errno
	}
	return c.sent(c.exchange.Upgrade(fields))
}

// holdContinue() keeps 100 (Continue) back.
func holdContinue(c *Call, _ []uint64) abi.Errno { return c.exchange.HoldContinue() }

// pause() has the peer not be read.
func pause(c *Call, _ []uint64) abi.Errno {
	c.exchange.Pause()
	return abi.ErrnoSuccess
}

// resume() has the peer be read again.
func resume(c *Call, _ []uint64) abi.Errno {
	c.exchange.Resume()
	return abi.ErrnoSuccess
}

// discard() drops the rest of the request's body.
func discard(c *Call, _ []uint64) abi.Errno { return c.exchange.Discard() }

// stream() lifts limits in time.
func stream(c *Call, _ []uint64) abi.Errno {
	errno := c.exchange.Stream()
	c.streaming = c.streaming || errno == abi.ErrnoSuccess
	return errno
}

// closeConnection() closes the connection at once.
func closeConnection(c *Call, _ []uint64) abi.Errno {
	c.exchange.Close()
	return abi.ErrnoSuccess
}

// getReadState(state) writes a byte.
func getReadState(c *Call, args []uint64) abi.Errno {
	return c.writeByte(args[0], byte(c.exchange.ReadState()))
}

// getWriteState(state) writes a byte.
func getWriteState(c *Call, args []uint64) abi.Errno {
	return c.writeByte(args[0], byte(c.exchange.WriteState()))
}

func (c *Call) writeByte(address uint64, value byte) abi.Errno {
	if !c.memory.WriteByte(uint32(address), value) {
		return abi.ErrnoFault
	}
	return abi.ErrnoSuccess
}

// waitFailed tells the handler that the session or the connection is over. For every other reason there is nothing it
// could do: its call ends.
func (c *Call) waitFailed(err error) abi.Errno {
	switch {
	case errors.Is(err, exchange.ErrEnd):
		return abi.ErrnoState
	case errors.Is(err, exchange.ErrClosed):
		c.ended = err
		return abi.ErrnoClosed
	}
	c.Abort(err)
	panic("unreachable")
}

// sent notes that a head is on its way.
func (c *Call) sent(errno abi.Errno) abi.Errno {
	if errno == abi.ErrnoSuccess {
		c.headSent = true
	}
	return errno
}

// headArgs reads the arguments status, fields, fields_len of an answer.
func (c *Call) headArgs(args []uint64) (status uint16, fields exchange.Fields, errno abi.Errno) {
	return c.statusArgs(args, 200, 999)
}

// statusArgs reads the arguments status, fields, fields_len; the status lies between two bounds.
func (c *Call) statusArgs(args []uint64, least, most uint32) (status uint16, fields exchange.Fields, errno abi.Errno) {
	code := uint32(args[0])
	if code < least || code > most {
		return 0, exchange.Fields{}, abi.ErrnoInvalid
	}
	fields, errno = c.fields(uint32(args[1]), uint32(args[2]))
	return uint16(code), fields, errno
}

// fields reads a table of fields in the handler's memory and checks what it points to.
func (c *Call) fields(address, count uint32) (exchange.Fields, abi.Errno) {
	size := uint64(count) * abi.FieldSize
	if size > math.MaxUint32 {
		return exchange.Fields{}, abi.ErrnoFault
	}
	table, ok := c.memory.Read(address, uint32(size))
	if !ok {
		return exchange.Fields{}, abi.ErrnoFault
	}
	all, _ := c.memory.Read(0, c.memory.Size())
	fields := exchange.Fields{Table: table, Bytes: all}
	if _, ok := measure(fields); !ok {
		return exchange.Fields{}, abi.ErrnoFault
	}
	return fields, abi.ErrnoSuccess
}

// bytes reads an address and a length.
func (c *Call) bytes(args []uint64) ([]byte, abi.Errno) {
	content, ok := c.memory.Read(uint32(args[0]), uint32(args[1]))
	if !ok {
		return nil, abi.ErrnoFault
	}
	return content, abi.ErrnoSuccess
}
