package sandbox

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// patient is an exchange that waits until its time is over.
type patient struct {
	exchange.Exchange
	over chan struct{}
}

func (x patient) Wait(ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-x.over:
		return exchange.ErrWallTime
	}
}

func TestGateOrder(t *testing.T) {
	g := NewGate("test", 1, 3)
	x := patient{over: make(chan struct{})}
	hurried := patient{over: make(chan struct{})}
	if err := g.Enter(x); err != nil {
		t.Fatal(err)
	}
	order := make(chan int, 3)
	var waits sync.WaitGroup
	for i, who := range []patient{x, hurried, x} {
		waits.Go(func() {
			if err := g.Enter(who); err == nil {
				order <- i
				g.Leave()
			} else if !errors.Is(err, exchange.ErrWallTime) {
				t.Error(err)
			}
		})
		for g.Waiting() != i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	var busy *Busy
	if err := g.Enter(x); !errors.As(err, &busy) || !errors.Is(err, exchange.ErrBusy) || busy.RetryAfter() <= 0 {
		t.Errorf("beyond the queue: %v", err)
	}
	close(hurried.over)
	for g.Waiting() != 2 {
		time.Sleep(time.Millisecond)
	}
	g.Leave()
	waits.Wait()
	if first, second := <-order, <-order; first != 0 || second != 2 {
		t.Errorf("they came in the order %d, %d", first, second)
	}
	if g.count != 0 || g.Waiting() != 0 {
		t.Errorf("%d are counted when nobody is there", g.count)
	}
}

func TestGateBound(t *testing.T) {
	const most = 3
	g := NewGate("test", most, 1000)
	var now, worst atomic.Int32
	var crowd sync.WaitGroup
	for i := range 200 {
		crowd.Go(func() {
			x := patient{over: make(chan struct{})}
			if i%5 == 0 {
				time.AfterFunc(time.Duration(i)*20*time.Microsecond, func() { close(x.over) })
			}
			if g.Enter(x) != nil {
				return
			}
			worst.Store(max(worst.Load(), now.Add(1)))
			time.Sleep(100 * time.Microsecond)
			now.Add(-1)
			g.Leave()
		})
	}
	crowd.Wait()
	if worst.Load() > most || g.count != 0 || g.Waiting() != 0 {
		t.Errorf("%d at a time, %d are left, %d wait", worst.Load(), g.count, g.Waiting())
	}
}
