package wasi

import (
	"math"
	"time"
)

// The clocks that there are. Those of a process's and of a thread's processor time are not among them.
const (
	clockRealtime  = 0
	clockMonotonic = 1
)

// resolution is that of both clocks in nanoseconds, as far as anybody can tell.
const resolution = 1

// started is when the monotonic clock showed 0.
var started = time.Now()

// now is what a clock shows, in nanoseconds, and false when there is no such clock.
func now(clock uint32) (uint64, bool) {
	switch clock {
	case clockRealtime:
		return uint64(time.Now().UnixNano()), true
	case clockMonotonic:
		return uint64(time.Since(started)), true
	}
	return 0, false
}

// clockResGet(id, resolution) gives the resolution of a clock in nanoseconds.
func clockResGet(c call) Errno {
	if _, ok := now(c.u32(0)); !ok {
		return Inval
	}
	return c.put64(1, resolution)
}

// clockTimeGet(id, precision, time) gives the time in nanoseconds. It is exact, which satisfies every precision.
func clockTimeGet(c call) Errno {
	time, ok := now(c.u32(0))
	if !ok {
		return Inval
	}
	return c.put64(2, time)
}

// until is how long it takes until a clock shows a time, 0 when it has, and at most as long as durations get.
func until(time, now uint64) time.Duration {
	if time <= now {
		return 0
	}
	return duration(time - now)
}

// duration is so many nanoseconds, at most as long as durations get.
func duration(ns uint64) time.Duration { return time.Duration(min(ns, math.MaxInt64)) }
