package transport

import (
	"sync/atomic"
	"time"
)

// tick is how often the reaper looks, and so how precisely times are kept.
const tick = 100 * time.Millisecond

// dateFormat is IMF-fixdate (RFC 9110 section 5.6.7).
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// clock is the time of the last tick. Reading it costs a load, where asking the operating system costs as much as a call
// into a sandbox.
type clock struct{ now atomic.Int64 }

func (c *clock) set(now time.Time) { c.now.Store(now.UnixNano()) }

// after is the moment in which a time that begins now ends.
func (c *clock) after(d time.Duration) int64 { return c.now.Load() + int64(d) }

// reap wakes connections whose time is over, until the server stops. A timer per connection would have to be set anew
// several times a request; a look at every connection ten times a second costs less.
func (s *Server) reap() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	second := int64(0)
	summary := time.NewTicker(summaryPause)
	defer summary.Stop()
	defer close(s.reaped)
	defer s.summarize()
	for {
		select {
		case now := <-ticker.C:
			s.clock.set(now)
			if now.Unix() != second {
				second = now.Unix()
				s.setDate(now)
			}
			s.wakeOverdue(now.UnixNano())
		case <-summary.C:
			s.summarize()
		case <-s.stop:
			return
		}
	}
}

// setDate gives the cores the value of Date.
func (s *Server) setDate(now time.Time) { s.Cores.SetDate(now.UTC().Format(dateFormat)) }

func (s *Server) wakeOverdue(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if deadline := c.deadline.Load(); deadline != 0 && now > deadline {
			c.wake()
		}
	}
}
