package load

import (
	"context"
	"fmt"
	"net"
	"time"
)

// client is one connection, or one after the other.
type client struct {
	address string
	plan    Plan
	conn    net.Conn
	reader  reader
	next    int // the request that is sent next
	batch   []byte
	done    int // exchanges of the current run
}

func newClient(address string, plan Plan, number int) *client {
	return &client{address: address, plan: plan, next: number % len(plan.Requests)}
}

func (c *client) dial(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: answerTime}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.conn = conn
	c.reader.reset(conn)
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// run makes exchanges until the time is over.
func (c *client) run(ctx context.Context, start time.Time, d time.Duration) error {
	c.done = 0
	for time.Since(start) < d && ctx.Err() == nil {
		if err := c.exchange(ctx); err != nil {
			return err
		}
		c.done += max(c.plan.Pipeline, 1)
	}
	return nil
}

// exchange sends the next request, or as many as are pipelined, and reads the answers.
func (c *client) exchange(ctx context.Context) error {
	if c.conn == nil {
		if err := c.dial(ctx); err != nil {
			return err
		}
	}
	if c.plan.Fresh {
		defer c.close()
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if c.plan.Pipeline > 1 {
		return c.pipeline()
	}
	request := c.take()
	if request.Stream > 0 {
		return c.stream(request)
	}
	if _, err := c.conn.Write(request.Head); err != nil {
		return err
	}
	if err := c.reader.answer(&request.Want); err != nil {
		return err
	}
	return c.reader.drained()
}

// take gives the next request.
func (c *client) take() *Request {
	request := &c.plan.Requests[c.next]
	c.next = (c.next + 1) % len(c.plan.Requests)
	return request
}

// pipeline writes several requests at once.
func (c *client) pipeline() error {
	wants := make([]*Answer, c.plan.Pipeline)
	c.batch = c.batch[:0]
	for i := range wants {
		request := c.take()
		wants[i] = &request.Want
		c.batch = append(c.batch, request.Head...)
	}
	if _, err := c.conn.Write(c.batch); err != nil {
		return err
	}
	for _, want := range wants {
		if err := c.reader.answer(want); err != nil {
			return err
		}
	}
	return c.reader.drained()
}

// stream writes a long body while it reads the answer.
func (c *client) stream(request *Request) error {
	sent := make(chan error, 1)
	go func() { sent <- c.send(request) }()
	err := c.reader.answer(&request.Want)
	if err == nil {
		err = c.reader.drained()
	}
	if err != nil {
		_ = c.conn.Close() // nobody would read what is still sent
	}
	if failed := <-sent; err == nil && failed != nil {
		return fmt.Errorf("sending the body: %w", failed)
	}
	return err
}

// send writes a request with its long body.
func (c *client) send(request *Request) error {
	if _, err := c.conn.Write(request.Head); err != nil {
		return err
	}
	for at := int64(0); at < request.Stream; {
		piece := pattern(at, request.Stream-at)
		if err := c.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
			return err
		}
		n, err := c.conn.Write(piece)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}
