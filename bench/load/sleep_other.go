//go:build !linux

package load

import "time"

// sleepUntil sleeps as Go does, which can be late by a millisecond.
func sleepUntil(at time.Time) { time.Sleep(time.Until(at)) }
