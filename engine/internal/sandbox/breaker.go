package sandbox

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// A handler that has failed so many times without once succeeding is not asked for a while. The pause doubles with each
// further failure.
const (
	failuresToPause = 10
	firstPause      = 100 * time.Millisecond
	longestPause    = 30 * time.Second
)

// breaker keeps a handler that always fails from taking what others could use. When its pause is over one request finds
// out whether the handler has come to itself.
type breaker struct {
	// failures is how many there were since the last success.
	failures atomic.Int32

	mu     sync.Mutex
	pause  time.Duration
	until  time.Time
	trying bool
}

// Paused says that a handler is not asked, because it kept failing.
type Paused struct{ left time.Duration }

func (p *Paused) Error() string {
	return fmt.Sprintf("the handler kept failing and is paused for %v more", p.left.Round(time.Millisecond))
}

// Unwrap tells a front end what kind of error it is.
func (p *Paused) Unwrap() error { return exchange.ErrPaused }

// RetryAfter is when the pause is over.
func (p *Paused) RetryAfter() time.Duration { return p.left }

// allow reports whether the handler may be asked, with [*Paused] if not.
func (b *breaker) allow() error {
	if b.failures.Load() < failuresToPause {
		return nil
	}
	return b.try()
}

// try lets one request through when the pause is over.
func (b *breaker) try() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := time.Until(b.until)
	if left <= 0 && !b.trying {
		b.trying = true
		return nil
	}
	return &Paused{max(left, firstPause)}
}

// success says that the handler has answered.
func (b *breaker) success(log *slog.Logger) {
	if b.failures.Load() == 0 {
		return
	}
	if b.failures.Swap(0) < failuresToPause {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause, b.trying = 0, false
	log.Info("the handler is back")
}

// undecided says that a request has ended without the handler succeeding or failing: its peer was gone.
func (b *breaker) undecided() {
	if b.failures.Load() < failuresToPause {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}

// failure says that the handler has failed.
func (b *breaker) failure(log *slog.Logger, reason error) {
	failures := b.failures.Add(1)
	if failures < failuresToPause {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.trying || now.After(b.until) {
		b.trying = false
		b.pause = min(max(2*b.pause, firstPause), longestPause)
		b.until = now.Add(b.pause)
		log.Warn("the handler keeps failing and is paused", "failures", failures, "pause", b.pause, "reason", firstLine(reason))
	}
}
