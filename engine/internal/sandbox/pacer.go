package sandbox

import (
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// pacer delays events that come too fast for a handler.
type pacer struct {
	gap  time.Duration // between two events, on average; 0: none
	next time.Time     // when the next event is due
}

// burst is how far events may run ahead of their rate.
const burst = time.Second

// pace waits until the next event may be asked for. An event that was given already could not wait: what it refers to may
// lie in memory that others need meanwhile.
func (p *pacer) pace(x exchange.Exchange) error {
	if p.gap == 0 {
		return nil
	}
	now := time.Now()
	if early := now.Add(-burst); p.next.Before(early) {
		p.next = early
	}
	p.next = p.next.Add(p.gap)
	wait := p.next.Sub(now)
	if wait <= 0 {
		return nil
	}
	due := make(chan struct{})
	timer := time.AfterFunc(wait, func() { close(due) })
	defer timer.Stop()
	return x.Wait(due)
}
