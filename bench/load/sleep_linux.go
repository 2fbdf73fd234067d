package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil sleeps in the kernel, which is late by some 50 µs.
func sleepUntil(at time.Time) {
	for {
		left := time.Until(at)
		if left <= 0 {
			return
		}
		rest := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.Nanosleep(&rest, nil) // interrupted, it goes on
	}
}
