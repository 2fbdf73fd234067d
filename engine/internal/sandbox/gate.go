package sandbox

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// Gate bounds how many exchanges are with handlers at a time. More wait, up to a bound, in the order in which they came; the
// rest are turned away.
type Gate struct {
	name            string
	running, queued int // the bounds

	mu      sync.Mutex
	count   int // running now
	first   *waiter
	last    *waiter
	waiting int

	turnedAway atomic.Uint64
}

// waiter is an exchange in the queue.
type waiter struct {
	ready chan struct{}
	next  *waiter
}

// NewGate makes a gate for so many exchanges at a time, at least one, and a queue. Its name stands for it in errors:
// whose limit it is.
func NewGate(name string, running, queued int) *Gate {
	return &Gate{name: name, running: max(running, 1), queued: queued}
}

// Busy says that an exchange was turned away.
type Busy struct{ reason string }

func (b *Busy) Error() string { return b.reason }

// Unwrap tells a front end what kind of error it is.
func (b *Busy) Unwrap() error { return exchange.ErrBusy }

// RetryAfter is when it may be worth trying again.
func (b *Busy) RetryAfter() time.Duration { return time.Second }

// Enter waits for room. It fails with [*Busy], or like [exchange.Exchange.Wait]. After success the exchange leaves.
func (g *Gate) Enter(x exchange.Exchange) error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	if g.count < g.running {
		g.count++
		g.mu.Unlock()
		return nil
	}
	if g.waiting >= g.queued {
		g.mu.Unlock()
		g.turnedAway.Add(1)
		return &Busy{fmt.Sprintf("limits concurrent and queue of %s: %d requests are with handlers, %d wait",
			g.name, g.running, g.queued)}
	}
	w := g.queue()
	g.mu.Unlock()
	if err := x.Wait(w.ready); err != nil {
		g.giveUp(w)
		return err
	}
	return nil
}

func (g *Gate) queue() *waiter {
	w := &waiter{ready: make(chan struct{}, 1)}
	if g.first == nil {
		g.first = w
	} else {
		g.last.next = w
	}
	g.last = w
	g.waiting++
	return w
}

// giveUp ends a wait. Room that was found meanwhile goes to the next.
func (g *Gate) giveUp(w *waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready:
		g.pass()
	default:
		g.remove(w)
	}
}

func (g *Gate) remove(w *waiter) {
	g.waiting--
	var before *waiter
	for at := g.first; at != w; at = at.next {
		before = at
	}
	if before == nil {
		g.first = w.next
	} else {
		before.next = w.next
	}
	if g.last == w {
		g.last = before
	}
}

// Leave makes room for another exchange.
func (g *Gate) Leave() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

func (g *Gate) pass() {
	w := g.first
	if w == nil {
		g.count--
		return
	}
	g.remove(w)
	w.ready <- struct{}{}
}

// Waiting is how many exchanges are in the queue.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}
