//go:build !unix

package transport

// rawSocket does not exist here: connections read and write the way every net.Conn can.
type rawSocket struct{}

func (c *conn) openRaw() {}

func (c *conn) readSocket() (int, error) { return c.readCopied() }

func (c *conn) writeSocket() (int, error) { return c.writeBlocking() }

func (c *conn) tryReadNow() (int, error) { return c.tryReadCopied() }

func (c *conn) tryWriteNow() {}
