package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// request is what every connection sends, again and again.
const request = "GET /hello HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: bench\r\nAccept: text/plain\r\n\r\n"

const (
	// maxRequests bounds what a connection sends in one run, and so the memory for latencies.
	maxRequests = 1 << 17
	// answerTime is how long an answer may take.
	answerTime = 10 * time.Second
	// maxAnswer is the longest answer that is understood.
	maxAnswer = 4096
)

// load keeps connections busy. It is a closed loop: each sends its next request when it has the answer to the last one.
type load []*client

// ran is what a run gave.
type ran struct {
	took time.Duration
	// latencies are those of all requests, the shortest first.
	latencies []time.Duration
}

func dialLoad(ctx context.Context, address string, connections int) (load, error) {
	var l load
	for range connections {
		c, err := dialClient(ctx, address)
		if err != nil {
			l.close()
			return nil, err
		}
		l = append(l, c)
	}
	return l, nil
}

func (l load) close() {
	for _, c := range l {
		_ = c.conn.Close()
	}
}

// run keeps all connections busy for some time. They are quiet when it returns.
func (l load) run(ctx context.Context, d time.Duration) (ran, error) {
	var group sync.WaitGroup
	errs := make([]error, len(l))
	start := time.Now()
	for i, c := range l {
		group.Go(func() { errs[i] = c.run(ctx, start, d) })
	}
	group.Wait()
	r := ran{took: time.Since(start)}
	for _, c := range l {
		r.latencies = append(r.latencies, c.latencies...)
	}
	slices.Sort(r.latencies)
	return r, errors.Join(firstOf(errs), ctx.Err())
}

// firstOf gives one error of many: a server that fails does so on all its connections.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// client is one connection.
type client struct {
	conn      net.Conn
	request   []byte
	answer    [maxAnswer]byte
	latencies []time.Duration
}

func dialClient(ctx context.Context, address string) (*client, error) {
	conn, err := (&net.Dialer{Timeout: answerTime}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, request: []byte(request)}, nil
}

// run sends requests until the time is over.
func (c *client) run(ctx context.Context, start time.Time, d time.Duration) error {
	c.latencies = c.latencies[:0]
	if err := c.conn.SetDeadline(start.Add(d + answerTime)); err != nil {
		return err
	}
	for sent := time.Now(); sent.Sub(start) < d && len(c.latencies) < maxRequests && ctx.Err() == nil; {
		if _, _, err := c.exchange(); err != nil {
			return err
		}
		now := time.Now()
		c.latencies = append(c.latencies, now.Sub(sent))
		sent = now
	}
	return nil
}

// exchange sends the request and reads the answer, which stays valid until the next exchange.
func (c *client) exchange() (response, []byte, error) {
	if _, err := c.conn.Write(c.request); err != nil {
		return response{}, nil, err
	}
	for have := 0; have < len(c.answer); {
		n, err := c.conn.Read(c.answer[have:])
		if err != nil {
			return response{}, nil, fmt.Errorf("after %d bytes of an answer: %w", have, noEOF(err))
		}
		have += n
		r, err := scanResponse(c.answer[:have])
		switch {
		case errors.Is(err, errIncomplete):
			continue
		case err != nil:
			return r, nil, err
		case r.status != 200:
			return r, nil, fmt.Errorf("answered with status %d", r.status)
		case have > r.head+r.body:
			return r, nil, fmt.Errorf("%d bytes follow the answer", have-r.head-r.body)
		}
		return r, c.answer[:have], nil
	}
	return response{}, nil, fmt.Errorf("the answer is longer than %d bytes", len(c.answer))
}

// noEOF makes the end of a connection the error that it is in the middle of an exchange.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// checkAnswer looks whether a server gives the right body twice on one connection, and tells the answer's length.
func checkAnswer(ctx context.Context, address, body string) (int, error) {
	c, err := dialClient(ctx, address)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	length := 0
	for range 2 {
		r, answer, err := c.exchange()
		if err != nil {
			return 0, err
		}
		if got := string(answer[r.head:]); got != body {
			return 0, fmt.Errorf("answered %q instead of %q", got, body)
		}
		length = len(answer)
	}
	return length, nil
}
