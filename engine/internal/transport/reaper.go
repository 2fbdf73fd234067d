package transport

import "time"

// tick is how often the reaper looks, and so how precisely times are kept.
const tick = 100 * time.Millisecond

// dateFormat is IMF-fixdate (RFC 9110 section 5.6.7).
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// clock counts nanoseconds since the server was made; it never goes back. The moment of the last tick would cost less to
// read, but it lags behind when the processors are busy, and a limit that is counted from it would end too early.
type clock struct{ start time.Time }

// now is the present moment. Whoever leads a loop takes the one at which its round began, which costs nothing: a round takes
// some milliseconds at most, or its leader loses it.
func (c *conn) now() int64 {
	if began := c.lead.roundBegan(); began != 0 {
		return began
	}
	return c.server.clock.now()
}

// after is the moment in which a time that begins now ends.
func (c *conn) after(d time.Duration) int64 { return c.now() + int64(d) }

// now is never 0, which stands for no moment.
func (c *clock) now() int64 { return int64(time.Since(c.start)) | 1 }

// after is the moment in which a time that begins now ends.
func (c *clock) after(d time.Duration) int64 { return c.now() + int64(d) }

// until is the time from now to a moment.
func (c *clock) until(moment int64) time.Duration { return time.Duration(moment - c.now()) }

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
			if now.Unix() != second {
				second = now.Unix()
				s.setDate(now)
			}
			s.wakeOverdue(s.clock.now())
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
	s.loops.unstick()
	for c := range s.conns {
		if deadline := c.deadline.Load(); deadline != 0 && now > deadline {
			c.wake()
		}
	}
}
