package hostabi

import (
	"time"

	"github.com/sluicehttp/sluice/engine/internal/wasi"
)

var _ wasi.Caller = (*Call)(nil)

// Equip gives the instance what it has of a process, and a way to sleep, which may end the call by [Call.Abort]. Before
// that it has nothing, and sleeps for as long as it likes.
func (c *Call) Equip(process *wasi.Process, sleep func(time.Duration)) {
	c.process, c.sleep = process, sleep
}

// Value implements [context.Context].
func (c *Call) Value(key any) any {
	if _, ok := key.(wasi.CallerKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// Process implements [wasi.Caller].
func (c *Call) Process() *wasi.Process { return c.process }

// Charge implements [wasi.Caller].
func (c *Call) Charge(units int64) { c.meter.Charge(units) }

// Rest lets time pass, or ends with the error of the session that ends meanwhile.
func (c *Call) Rest(d time.Duration) error {
	c.meter.Pause()
	if c.current == nil {
		time.Sleep(d)
		return nil
	}
	due := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(due) })
	defer timer.Stop()
	return c.current.Wait(due)
}

// Sleep implements [wasi.Caller].
func (c *Call) Sleep(d time.Duration) { c.sleep(d) }
