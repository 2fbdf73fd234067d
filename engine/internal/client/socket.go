package client

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sluicehttp/sluice/guest/http1"
)

// readSize is the most that is read at a time, in bytes. A reader of the core that wants bytes leaves as much room in its
// slot.
const readSize = 4 << 10

// moment is how long a write may take that has to make room for hearing.
const moment = time.Millisecond

// pump reads a socket in a goroutine of its own, one buffer ahead of what is received: two buffers take turns. A buffer is
// the receiver's until it receives the next.
type pump struct {
	arrivals chan arrival
	timer    *time.Timer
	// closing is closed to end the goroutine, and ended by its end.
	closing, ended chan struct{}

	// mu guards what the goroutine that reads and the one that writes share: how many arrivals were not received, and
	// whether a write is under way.
	mu      sync.Mutex
	waiting int
	writing bool
}

// arrival is what a read came to: bytes, or an error.
type arrival struct {
	bytes []byte
	err   error
}

// output is the writing direction.
type output struct {
	// bytes are those that are not written yet.
	bytes []byte
	// lost is why the socket takes nothing more.
	lost error
}

func (c *Conn) startPump() {
	p := &c.input.pump
	p.arrivals, p.closing, p.ended = make(chan arrival), make(chan struct{}), make(chan struct{})
	p.timer = time.NewTimer(0)
	p.timer.Stop()
	go c.pump()
}

// stopPump waits for the end of the pump, whose socket was closed.
func (c *Conn) stopPump() {
	close(c.input.closing)
	<-c.input.ended
}

// pump reads until the socket ends.
func (c *Conn) pump() {
	p := &c.input.pump
	defer close(p.ended)
	var buffers [2][readSize]byte
	for i := 0; ; i ^= 1 {
		n, err := c.socket.Read(buffers[i][:])
		if n > 0 && !c.arrive(arrival{bytes: buffers[i][:n]}) || err != nil && !c.arrive(arrival{err: err}) || err != nil {
			return
		}
	}
}

// arrive hands over what was read, and interrupts a write that is under way. It reports false when the connection ends.
func (c *Conn) arrive(a arrival) bool {
	p := &c.input.pump
	p.mu.Lock()
	p.waiting++
	if p.writing {
		_ = c.socket.SetWriteDeadline(time.Unix(1, 0))
	}
	p.mu.Unlock()
	select {
	case p.arrivals <- a:
		return true
	case <-p.closing:
		return false
	}
}

// take counts an arrival as received.
func (p *pump) take() {
	p.mu.Lock()
	p.waiting--
	p.mu.Unlock()
}

// arrived reports whether something waits to be received.
func (p *pump) arrived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting > 0
}

// listen takes in what has come, without waiting. So long as events are untold, the buffer that they refer to is needed.
func (c *Conn) listen() {
	if c.untold() || c.err != nil {
		return
	}
	c.keep()
	select {
	case a := <-c.input.arrivals:
		c.receive(a)
	default:
	}
}

// await waits for something to come and takes it in. It reports false when the time is over.
func (c *Conn) await(limit time.Duration) bool {
	in := &c.input
	c.keep()
	in.timer.Reset(limit)
	defer in.timer.Stop()
	select {
	case a := <-in.arrivals:
		c.receive(a)
		return true
	case <-in.timer.C:
		return false
	}
}

// keep moves bytes that were not consumed out of the pump's buffer, before that is given back.
func (c *Conn) keep() {
	in := &c.input
	if len(in.bytes) > 0 {
		in.kept = append(in.kept[:0], in.bytes...)
		in.bytes = in.kept
	}
}

// flush writes what is not written yet. It stops early when there is something to be told: the server may take nothing more
// before it is heard.
func (c *Conn) flush() {
	o := &c.output
	if o.lost != nil {
		o.bytes = o.bytes[:0]
	}
	for len(o.bytes) > 0 && c.err == nil {
		n, err := c.write()
		o.bytes = o.bytes[:copy(o.bytes, o.bytes[n:])]
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			c.lose(err)
		case c.input.arrived() || c.untold():
			if c.listen(); c.untold() {
				return
			}
		case n == 0:
			c.fail(fmt.Errorf("%w to read", ErrTimeout))
		}
	}
	if c.cycle.raw && c.cycle.sent {
		c.closeWrite()
	}
}

// write writes once. It may take as long as the server is given, but only a moment when there is something to be heard.
func (c *Conn) write() (int, error) {
	p := &c.input.pump
	p.mu.Lock()
	limit := c.times.WriteIdle
	if p.waiting > 0 || c.untold() {
		limit = moment
	}
	_ = c.socket.SetWriteDeadline(time.Now().Add(limit))
	p.writing = true
	p.mu.Unlock()
	n, err := c.socket.Write(c.output.bytes)
	p.mu.Lock()
	p.writing = false
	p.mu.Unlock()
	return n, err
}

// lose deals with a socket that takes nothing more. The server may have said why before it went, and that is heard.
func (c *Conn) lose(cause error) {
	c.output.bytes = c.output.bytes[:0]
	c.output.lost = fmt.Errorf("%w: %w", ErrCut, cause)
	c.cycle.last = true
	for !c.untold() && c.err == nil {
		switch c.input.state {
		case http1.ReaderStateMore:
			c.parse(0)
		case http1.ReaderStateNeedData:
			if !c.await(c.times.WriteIdle) {
				c.fail(c.output.lost)
			}
		default: // the answer was told before
			return
		}
	}
}

// closeWrite lets the server see the end of what is sent, where the socket can.
func (c *Conn) closeWrite() {
	if half, ok := c.socket.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
