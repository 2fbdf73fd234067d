package transport

import "bytes"

// Sockets without a descriptor of their own, such as a TLS connection's, cannot say whether they are readable. They are
// read into memory of the connection, and the bytes are copied to a slot.

// copiedSize is the most that is read at a time in this way, in bytes. A reader that wants bytes leaves as much room in
// its slot.
const copiedSize = 4 << 10

// readCopied waits for bytes and copies them into the slot.
func (c *conn) readCopied() (int, error) {
	c.park()
	if c.copied == nil {
		c.copied = make([]byte, copiedSize)
	}
	c.unlock()
	n, err := c.socket.Read(c.copied)
	c.lock()
	if n == 0 {
		return 0, err
	}
	c.occupy()
	return copy(c.room(), c.copied[:n]), nil
}

// tryReadCopied reads nothing: such a socket cannot be asked without waiting.
func (c *conn) tryReadCopied() (int, error) { return 0, nil }

// writeBlocking writes some of the output. What waits until it has gone out does not wait for a long one, which may take
// as long as the peer likes.
func (c *conn) writeBlocking() (int, error) {
	if len(c.output.pending()) > copiedSize {
		c.doTask()
	}
	c.park()
	if c.shared != nil {
		// Others may append to the output meanwhile, which may move it.
		pending := bytes.Clone(c.output.pending())
		c.unlock()
		defer c.lock()
		return c.socket.Write(pending)
	}
	return c.socket.Write(c.output.pending())
}
