package transport

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// conn is one connection.
type conn struct {
	server *Server
	socket socket
	// lead is what the goroutine that serves the connection leads besides, until it yields.
	lead lead
	// postponed says that the output was left until others were served.
	postponed bool

	core   *core.Core
	number uint32

	state connState
	// limits are those of the route that was used last, at first the server's.
	limits *Limits
	// deadline is when the reaper wakes the goroutine, a moment of the clock; 0 while it waits for nothing, or for as
	// long as it takes.
	deadline atomic.Int64
	// headDue is when the next head has to be complete, or an idle connection ends; 0 before it is waited for.
	headDue int64
	// idle says that the connection is between two messages.
	idle bool

	input   input
	output  output
	session session
	// shared is the lock under which the session is used, when its handler serves others, too.
	shared exchange.Shared
	// task is what is to be done when the present output has gone out.
	task     exchange.Task
	bindings exchange.Bindings
}

// newConn makes a connection out of a socket. The core learns from what it is given that it is a server's.
func (s *Server) newConn(accepted socket) (*conn, error) {
	core, number, err := s.Cores.OpenFor(uint32(accepted.affinity()), http1.RoleNone)
	if err != nil {
		return nil, err
	}
	c := &conn{server: s, socket: accepted, core: core, number: number, limits: &s.Limits}
	c.session.conn = c
	c.headDue = c.headDeadline()
	c.deadline.Store(c.headDue)
	s.add(c)
	return c, nil
}

// serve answers requests until the connection ends, or rests until the next one comes.
func (c *conn) serve() {
	defer c.contain()
	for {
		head, err := c.readHead()
		switch {
		case err == errPostponed:
			return
		case err == errResting:
			if c.rest() {
				return
			}
			continue
		case err != nil:
			c.endInput(err)
			c.end()
			return
		}
		if !c.exchange(head) {
			c.end()
			return
		}
		c.session.reset()
		c.headDue = 0
	}
}

// rest has the connection wait for the next request without a goroutine. It reports whether the connection is another's
// now, and not to be touched.
func (c *conn) rest() bool {
	held := c.lead
	c.lead = lead{}
	if c.socket.rest() {
		return true
	}
	c.lead = held
	return false
}

// contain has a panic, which is a bug of ours, cost the connection and nothing else.
func (c *conn) contain() {
	if cause := recover(); cause != nil {
		c.server.Log.Error("a bug in Sluice ended a connection", "peer", c.socket.peer(), "panic", cause,
			"stack", string(debug.Stack()))
		c.end()
	}
}

// end frees what the connection holds.
func (c *conn) end() {
	c.doTask()
	c.bindings.Clear()
	if c.input.slot != nil {
		c.core.ReleaseSlot(c.input.slot)
	}
	c.output.release()
	c.session.reset()
	c.socket.close()
	c.state.enter(StateClosing)
	c.state.enter(StateClosed)
	c.core.Release(c.number)
	c.server.remove(c)
}

// readHead waits for the head of the next request. A connection may be idle in front of it; once a byte has come, the
// head has its own time. It fails with errResting where the connection can wait by itself, and with errPostponed where it has
// its turn again soon; it goes on when called again.
func (c *conn) readHead() (*http1.EventRecord, error) {
	for {
		record, err := c.take()
		if err != nil {
			return nil, err
		}
		if record != nil {
			switch record.Kind {
			case http1.EventLineReady:
				c.session.startLine = record.Position
			case http1.EventHeaderReady:
				c.idle = false
				return record, nil
			}
			continue
		}
		switch c.input.state {
		case http1.ReaderStateFailed, http1.ReaderStateHTTP2Preface:
			return nil, errRefused
		case http1.ReaderStateEnded:
			return nil, io.EOF
		}
		if c.postpone() {
			return nil, errPostponed
		}
		if err := c.flush(); err != nil {
			return nil, err
		}
		if c.idle && c.unconsumed() > 0 || c.headDue == 0 {
			c.headDue = c.headDeadline()
		}
		if err := c.fillHead(c.headDue); err != nil {
			return nil, err
		}
	}
}

// fillHead waits for bytes of a head. An idle connection ends when the server drains, but not without a last look.
func (c *conn) fillHead(deadline int64) error {
	if c.idle && c.server.draining.Load() {
		return c.lastLook()
	}
	err := c.fill(deadline)
	if err == errDraining {
		return c.lastLook()
	}
	return err
}

// headDeadline notes whether the connection is idle, and is when it has been so for too long, or else when the head has to
// be complete.
func (c *conn) headDeadline() int64 {
	c.idle = c.unconsumed() == 0
	if c.idle {
		return c.after(c.limits.KeepAliveIdle)
	}
	return c.after(c.server.HeadTime)
}

// lastLook takes what an idle connection has been sent without waiting for it, before the connection ends because the
// server does: a request that has come must be answered.
func (c *conn) lastLook() error {
	n, err := c.socket.tryRead(c)
	if err != nil {
		return err
	}
	if n == 0 {
		return errDraining
	}
	c.input.end += n
	return c.parse(c.headFlags())
}

// unconsumed is the number of bytes that came and were not consumed.
func (c *conn) unconsumed() int {
	if c.input.slot == nil {
		return len(c.input.parked)
	}
	return c.input.end - c.input.start
}

// errRefused says that the reader has refused what the peer sent.
var errRefused = errors.New("refused")

// endInput ends a connection on which no further request can be read: the peer is told why, if it was its fault.
func (c *conn) endInput(err error) {
	switch {
	case errors.Is(err, errRefused):
		c.answerRefused()
	case errors.Is(err, errOverdue) && !c.idle:
		c.note(ReasonHeadTime)
		c.session.answer(408, "the request's head did not arrive in time")
	case errors.Is(err, errOverdue):
		c.note(ReasonKeepAliveIdle)
		return
	case errors.Is(err, io.EOF):
		_ = c.flush() // the peer may still read
		return
	case errors.Is(err, core.ErrBroken), errors.Is(err, core.ErrMisused):
		c.server.Log.Error("connection lost", "peer", c.socket.peer(), "reason", err)
		return
	default:
		return
	}
	c.state.enter(StateClosing)
	if c.flush() == nil {
		c.hangUp()
	}
}

// answerRefused answers what the reader has refused.
func (c *conn) answerRefused() {
	r := &c.input.reception
	c.note(refusal(r.Error), "position", r.ErrorPosition, "status", r.ErrorStatus)
	c.session.answer(uint16(r.ErrorStatus), fmt.Sprintf("%v at byte %d", r.Error, r.ErrorPosition))
}

// doTask does what was left until the output has gone out.
func (c *conn) doTask() {
	if task := c.task; task != nil {
		c.task = nil
		task.Do()
	}
}

// exchange has a request answered. It reports whether the connection goes on.
func (c *conn) exchange(head *http1.EventRecord) bool {
	c.step()
	c.doTask()
	s := &c.session
	s.begin(head)
	match := c.server.Router.Route(s.authority, s.line.Target, s.line.Method)
	if match.Route == nil {
		s.answerUnrouted(match)
	} else if s.route = match.Route; s.admit() {
		err := match.Route.Handler.Serve(s)
		c.unshare()
		s.settle(err)
	}
	return s.finish() && c.nextMessage() == nil
}

// unshare takes the session back from those who used it.
func (c *conn) unshare() {
	if c.shared != nil {
		c.shared = nil
		c.session.wasWoken()
		_ = c.socket.calm()
	}
}

// nextMessage goes on to the next request, of which bytes may have come already.
func (c *conn) nextMessage() error {
	c.state.enter(StateReceivingHeaders)
	in := &c.input
	in.events, in.taken = nil, 0
	in.nextCycle = http1.ReceiveFlagsNextCycle
	in.state = http1.ReaderStateNeedData
	if c.unconsumed() > 0 || in.eof {
		return c.parse(c.headFlags())
	}
	return nil
}

// headFlags go with bytes that may hold a head.
func (c *conn) headFlags() http1.ReceiveFlags {
	if c.server.HeadFirst {
		return http1.ReceiveFlagsHeadOnly
	}
	return 0
}
