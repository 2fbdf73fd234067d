package sandbox

import (
	"container/list"
	"fmt"
	"sync"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// Gate bounds how many exchanges are with handlers at a time. More wait, up to a bound, in the order in which they came; the
// rest are turned away.
type Gate struct {
	name            string
	running, queued int // the bounds

	mu    sync.Mutex
	count int // running now
	queue list.List
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
	if g.queue.Len() >= g.queued {
		g.mu.Unlock()
		return &Busy{fmt.Sprintf("limits concurrent and queue of %s: %d requests are with handlers, %d wait",
			g.name, g.running, g.queued)}
	}
	ready := make(chan struct{}, 1)
	place := g.queue.PushBack(ready)
	g.mu.Unlock()
	err := x.Wait(ready)
	if err != nil {
		g.giveUp(place)
	}
	return err
}

// giveUp ends a wait. Room that was found meanwhile goes to the next.
func (g *Gate) giveUp(place *list.Element) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-place.Value.(chan struct{}):
		g.pass()
	default:
		g.queue.Remove(place)
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
	first := g.queue.Front()
	if first == nil {
		g.count--
		return
	}
	g.queue.Remove(first).(chan struct{}) <- struct{}{}
}

// Waiting is how many exchanges are in the queue.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queue.Len()
}
