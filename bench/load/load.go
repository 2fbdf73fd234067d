// Package load asks a server for something on many connections at a time, and looks at every byte of every answer.
//
// A client library costs more than the fastest servers do. So this writes bytes that are made beforehand, and reads no more of
// an answer than it takes to find its end and to know that it is right.
//
// Its files, top down: load (connections that are kept busy), pace (requests at a constant rate), client (one connection),
// answer (what is right), reader (the end of an answer).
package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// answerTime is how long anything may take: a connection, a piece of an answer.
const answerTime = 10 * time.Second

// Request is what a connection sends, and what it has to be answered.
type Request struct {
	// Head is all of the request but a long body.
	Head []byte
	// Stream is how many bytes of the pattern follow. They are written while the answer is read.
	Stream int64
	// Want is the answer.
	Want Answer
}

// Plan says how a server is asked.
type Plan struct {
	// Requests are sent in turn by each connection, which begins with one of its own.
	Requests []Request
	// Connections is how many are open at a time.
	Connections int
	// Pipeline is how many requests are written at once before their answers are read; 0 and 1: one.
	Pipeline int
	// Fresh makes a new connection for each request. The requests should ask the server to close it.
	Fresh bool
}

// Load is the connections to a server.
type Load struct {
	plan    Plan
	clients []*client
}

// Done is what was answered, rightly, in a run.
type Done struct {
	Requests int           `json:"requests"`
	Took     time.Duration `json:"took_ns"`
}

// Dial opens the connections of a plan.
func Dial(ctx context.Context, address string, plan Plan) (*Load, error) {
	l := New(address, plan)
	if plan.Fresh {
		return l, nil // each request has its own
	}
	for _, c := range l.clients {
		if err := c.dial(ctx); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// New has each connection opened by its first request.
func New(address string, plan Plan) *Load {
	l := &Load{plan: plan}
	for i := range plan.Connections {
		l.clients = append(l.clients, newClient(address, plan, i))
	}
	return l
}

// Close closes the connections.
func (l *Load) Close() {
	for _, c := range l.clients {
		c.close()
	}
}

// Run is a closed loop: every connection sends its next request as soon as it has the answer to the last one, until the time
// is over. All are quiet when it returns.
func (l *Load) Run(ctx context.Context, d time.Duration) (Done, error) {
	start := time.Now()
	err := l.each(func(c *client) error { return c.run(ctx, start, d) })
	done := Done{Took: time.Since(start)}
	for _, c := range l.clients {
		done.Requests += c.done
	}
	return done, errors.Join(err, ctx.Err())
}

// Until is a closed loop until the context ends.
func (l *Load) Until(ctx context.Context) error {
	start := time.Now()
	return l.each(func(c *client) error { return c.run(ctx, start, 24*time.Hour) })
}

// Once sends every connection's next request once, so many at a time, up to the first that is not answered. It gives the number
// of those that were.
func (l *Load) Once(ctx context.Context, atATime int) (answered int, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var count atomic.Int64
	turns := make(chan struct{}, atATime)
	_ = l.each(func(c *client) error {
		turns <- struct{}{}
		defer func() { <-turns }()
		if ctx.Err() != nil {
			return nil
		}
		if err := c.exchange(ctx); err != nil {
			stop(err)
			return err
		}
		count.Add(1)
		return nil
	})
	return int(count.Load()), context.Cause(ctx)
}

// Alive sends every connection's next request once, so many at a time, and gives the number of those that were answered.
func (l *Load) Alive(ctx context.Context, atATime int) int {
	var count atomic.Int64
	turns := make(chan struct{}, atATime)
	_ = l.each(func(c *client) error {
		turns <- struct{}{}
		defer func() { <-turns }()
		if c.conn == nil || ctx.Err() != nil || c.exchange(ctx) != nil {
			return nil
		}
		count.Add(1)
		return nil
	})
	return int(count.Load())
}

// each does something with all connections at a time, and gives one error of many: a server that fails does so on all of them.
func (l *Load) each(do func(*client) error) error {
	var group sync.WaitGroup
	errs := make([]error, len(l.clients))
	for i, c := range l.clients {
		group.Go(func() { errs[i] = do(c) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
