package wasi

import "crypto/rand"

// randomStep is how many random bytes are made at a time. They take about 30 µs.
const randomStep = 16 << 10

// randomUnits is what a random byte costs.
const randomUnits = 2

// randomGet(buf, buf_len) fills memory with random bytes fit for keys.
func randomGet(c call) Errno {
	rest, ok := c.room(c.u32(0), 1, uint64(c.u32(1)))
	if !ok {
		return Fault
	}
	for len(rest) > 0 {
		step := rest[:min(len(rest), randomStep)]
		c.Charge(randomUnits * int64(len(step)))
		_, _ = rand.Read(step) // never fails
		rest = rest[len(step):]
	}
	return Success
}
