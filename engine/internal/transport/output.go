package transport

import (
	"errors"
	"os"
)

// highWater is how many bytes of output may wait, in bytes. Above it SendData takes nothing, and the peer is not read.
const highWater = 128 << 10

// output is the writing direction of a connection: bytes that wait to be written, heads and bodies in one piece, so that
// an answer, or several to pipelined requests, is one write.
type output struct {
	buffer *buffer
	// written is how many of the buffer's bytes were written.
	written int
}

// bytes is the buffer to append to.
func (o *output) bytes() []byte {
	if o.buffer == nil {
		o.buffer = newBuffer()
	}
	return o.buffer.bytes
}

// set takes the buffer back after appending.
func (o *output) set(bytes []byte) { o.buffer.bytes = bytes }

// pending is what is still to be written.
func (o *output) pending() []byte {
	if o.buffer == nil {
		return nil
	}
	return o.buffer.bytes[o.written:]
}

// release gives an empty buffer back.
func (o *output) release() {
	o.buffer.release()
	*o = output{}
}

// flush writes everything that waits. The peer must take some of it within the time for idle writing, again and again.
func (c *conn) flush() error {
	o := &c.output
	for len(o.pending()) > 0 {
		deadline := c.server.clock.after(c.limits.WriteIdle)
		c.deadline.Store(deadline)
		n, err := c.socket.write(c)
		c.deadline.Store(0)
		o.written += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = c.woken(deadline)
		}
		if err != nil {
			if errors.Is(err, errOverdue) {
				c.note(ReasonWriteIdle)
			}
			return err
		}
	}
	o.release()
	c.session.flushed()
	c.doTask()
	return nil
}
