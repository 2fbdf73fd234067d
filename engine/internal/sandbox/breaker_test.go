package sandbox

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

func TestBreaker(t *testing.T) {
	log, broken := slog.New(slog.DiscardHandler), errors.New("broken")
	var b breaker
	fail := func() { b.failure(log, broken) }
	for range failuresToPause - 1 {
		fail()
	}
	b.success(log)
	for range failuresToPause - 1 {
		fail()
	}
	if err := b.allow(); err != nil {
		t.Fatalf("paused too early: %v", err)
	}
	pause := firstPause
	for range 3 {
		fail()
		var paused *Paused
		if err := b.allow(); !errors.As(err, &paused) || !errors.Is(err, exchange.ErrPaused) || paused.RetryAfter() > pause {
			t.Fatalf("after a failure: %v", err)
		}
		b.mu.Lock()
		if b.pause != pause {
			t.Errorf("the pause is %v, want %v", b.pause, pause)
		}
		b.until = time.Now() // time goes by
		b.mu.Unlock()
		if err := b.allow(); err != nil {
			t.Fatalf("after the pause: %v", err)
		}
		if b.allow() == nil {
			t.Fatal("a second request tries")
		}
		b.undecided()
		if err := b.allow(); err != nil {
			t.Fatalf("after a request that decided nothing: %v", err)
		}
		pause *= 2
	}
	b.success(log)
	if err := b.allow(); err != nil {
		t.Errorf("after a success: %v", err)
	}
	for range failuresToPause {
		fail()
	}
	if b.pause != firstPause {
		t.Errorf("after a success the pause is %v, want %v", b.pause, firstPause)
	}
	for range 20 {
		b.until = time.Time{}
		fail()
	}
	if b.pause != longestPause {
		t.Errorf("in the end the pause is %v, want %v", b.pause, longestPause)
	}
}
