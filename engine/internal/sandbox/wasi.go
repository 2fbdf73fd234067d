package sandbox

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/sluicehttp/sluice/engine/internal/hostabi"
)

// wasiConfig is what all instances of all handlers have of WASI: clocks, randomness, and standard streams to print to. They
// have no files, arguments, environment or sockets.
func wasiConfig() wazero.ModuleConfig {
	return wazero.NewModuleConfig().
		WithRandSource(rand.Reader).
		WithSysWalltime().
		WithSysNanotime().
		WithOsyield(runtime.Gosched)
}

// sleeper puts one instance to sleep, for no longer in a session than it may: nothing else bounds how long a handler
// holds its connection that way. A stream may sleep again and again, each time no longer.
type sleeper struct {
	call        *hostabi.Call
	limit, left time.Duration
}

func (s *sleeper) sleep(ns int64) {
	d := time.Duration(max(ns, 0))
	if s.call.Streaming() {
		s.left = s.limit
	}
	if d > s.left {
		s.call.Abort(fmt.Errorf("%w: %v more where %v are left of %v", errOverslept, d, s.left, s.limit))
	}
	s.left -= d
	time.Sleep(d)
}
