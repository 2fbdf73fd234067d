package transport

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/guest/http1"
)

// Reason is why work was ended, or a connection kept waiting, other than by its own end. What a peer has sent wrong has the
// reason of its error code.
type Reason uint8

// The reasons that are not error codes of the core. Their names are those of the limits in the configuration.
const (
	ReasonMaxConnections Reason = iota
	ReasonHeadTime
	ReasonBodyIdle
	ReasonKeepAliveIdle
	ReasonWriteIdle
	ReasonHandlerWall
	ReasonBuffered
	ReasonStartLine
	ReasonHead
	ReasonFields
	ReasonGrace
	ReasonHandlerFault
	ReasonConcurrent
	ReasonHandlerPaused

	namedReasons
)

var reasonNames = [namedReasons]string{
	"max_connections", "head_time", "body_idle", "keep_alive_idle", "write_idle", "handler_wall", "buffered",
	"start_line", "head", "fields", "grace", "handler_fault", "concurrent", "handler_paused",
}

// reasonCount is how many reasons there are, error codes included.
const reasonCount = int(namedReasons) + int(http1.ErrorCodeUpgradeUnasked) + 1

// refusal is the reason for what the core has refused.
func refusal(code http1.ErrorCode) Reason {
	if reason := int(namedReasons) + int(code); reason < reasonCount {
		return Reason(reason)
	}
	return namedReasons // none
}

// String is the reason's name: a limit's key in the configuration, or the error code.
func (r Reason) String() string {
	if r < namedReasons {
		return reasonNames[r]
	}
	return http1.ErrorCode(r - namedReasons).String()
}

// counters count what a server does. Only what ends work is counted where it happens; a request that goes well counts
// nothing.
type counters struct {
	accepted atomic.Uint64
	reasons  [reasonCount]atomic.Uint64
	// told is what the log was told last.
	told [reasonCount]uint64

	mu sync.Mutex
	// failures counts those of each route since the last sums.
	failures map[string]int
}

// failuresTold is how many failures of a route the log is told one by one, between two sums. A handler can fail with every
// request, and says why in many lines.
const failuresTold = 10

// failed counts a failure of a route's handler. It reports whether the log is to be told.
func (c *counters) failed(route string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures == nil {
		c.failures = map[string]int{}
	}
	c.failures[route]++
	return c.failures[route] <= failuresTold
}

// untold gives the failures that the log was not told of, by route, and begins anew.
func (c *counters) untold() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	untold := c.failures
	c.failures = nil
	for route, count := range untold {
		if untold[route] = count - failuresTold; count <= failuresTold {
			delete(untold, route)
		}
	}
	return untold
}

// Stats are what a server has done since it began.
type Stats struct {
	// Accepted is the number of connections that were accepted, Open how many of them are open.
	Accepted uint64
	Open     int
	// States counts the open connections by state.
	States map[string]int
	// Reasons counts what ended work early or kept it waiting, by limit or by error code.
	Reasons map[string]uint64
}

// Stats tells what the server has done so far.
func (s *Server) Stats() Stats {
	stats := Stats{Accepted: s.counters.accepted.Load(), States: map[string]int{}, Reasons: map[string]uint64{}}
	for i := range s.counters.reasons {
		if count := s.counters.reasons[i].Load(); count > 0 {
			stats.Reasons[Reason(i).String()] = count
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.Open = len(s.conns)
	for c := range s.conns {
		stats.States[c.state.get().String()]++
	}
	return stats
}

// note counts a reason, and logs it for those who want to know each time. Peers can bring most of them about as often as
// they like, so others are told sums.
func (c *conn) note(reason Reason, attrs ...any) {
	c.server.counters.reasons[reason].Add(1)
	c.server.Log.Debug("work ended early", append([]any{"reason", reason.String(), "peer", c.socket.peer(),
		"state", c.state.get().String()}, attrs...)...)
}

// summaryPause is how often the log is told sums, at most.
const summaryPause = 10 * time.Second

// summarize tells the log what was counted since it was told last.
func (s *Server) summarize() {
	var attrs []slog.Attr
	for i := range s.counters.reasons {
		count := s.counters.reasons[i].Load()
		if more := count - s.counters.told[i]; more > 0 {
			attrs = append(attrs, slog.Uint64(Reason(i).String(), more))
			s.counters.told[i] = count
		}
	}
	if len(attrs) > 0 {
		s.Log.LogAttrs(context.Background(), slog.LevelInfo, "work ended early", slog.GroupAttrs("reasons", attrs...))
	}
	for route, count := range s.counters.untold() {
		s.Log.Warn("handler failed more often than the log tells", "route", route, "more", count)
	}
}
