package load

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// What latencies are recorded with: microseconds up to a minute, to three digits.
const (
	unit      = time.Microsecond
	longest   = time.Minute
	precision = 3
)

// Paced are the latencies of requests that were made at a constant rate.
type Paced struct {
	Rate     float64       `json:"rate"`
	Requests int           `json:"requests"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	P999     time.Duration `json:"p999_ns"`
	Max      time.Duration `json:"max_ns"`
}

// RunAt is an open loop: requests are due so many times in a second, whatever the server does, and go out on whichever
// connection is free. Latency counts from the moment at which a request was due. Were it counted from when it could be sent, a
// server that stands still would have its silence counted once, and not for all who would have asked meanwhile: that is called
// coordinated omission.
func (l *Load) RunAt(ctx context.Context, rate float64, d time.Duration) (Paced, error) {
	if l.plan.Pipeline > 1 {
		return Paced{}, errors.New("requests at a constant rate are not pipelined")
	}
	total := max(int(rate*d.Seconds()), 1)
	due := make(chan time.Time, total) // has room for all, so that nothing ever waits to become due
	times := hdrhistogram.New(1, int64(longest/unit), precision)
	var mu sync.Mutex
	go issue(ctx, due, rate, total)
	err := l.each(func(c *client) error {
		own := hdrhistogram.New(1, int64(longest/unit), precision)
		err := c.follow(ctx, due, own)
		mu.Lock()
		defer mu.Unlock()
		times.Merge(own)
		return err
	})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return Paced{}, err
	}
	at := func(percent float64) time.Duration { return time.Duration(times.ValueAtQuantile(percent)) * unit }
	return Paced{Rate: rate, Requests: int(times.TotalCount()), P50: at(50), P99: at(99), P999: at(99.9),
		Max: time.Duration(times.Max()) * unit}, nil
}

// issue says when requests are due. It has a thread to itself, because the timers of Go can be a millisecond late.
func issue(ctx context.Context, due chan<- time.Time, rate float64, total int) {
	defer close(due)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	for i := range total {
		at := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		sleepUntil(at)
		if ctx.Err() != nil {
			return
		}
		due <- at
	}
}

// follow sends a request whenever one is due that no other connection has taken.
func (c *client) follow(ctx context.Context, due <-chan time.Time, times *hdrhistogram.Histogram) error {
	for at := range due {
		if err := c.exchange(ctx); err != nil {
			return err
		}
		took := time.Since(at)
		if err := times.RecordValue(int64(max(took, unit) / unit)); err != nil {
			return fmt.Errorf("an answer came %v after its request was due: the server cannot keep up", took)
		}
	}
	return nil
}
