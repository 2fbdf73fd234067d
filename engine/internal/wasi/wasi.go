// Package wasi is WASI preview 1 as modules have it here: clocks, randomness, standard streams, arguments, environment. There
// are no files and no sockets. Functions on these can be imported, because the libraries of most languages import them whether
// a program uses them or not, and answer EBADF. WASI.md lists what every function does.
//
// A function works on what its caller brings along, the [Caller] that is the context of the call into the module. Whatever
// a module passes comes to an errno: addresses and lengths are checked against its memory, and what would keep the host busy
// is done in steps, each of which is charged first.
//
// Its files, top down: functions (the table of all), process (arguments, environment, streams), then the functions
// themselves by what they are about: stream, poll, clock, random, exit; errno and memory serve them.
package wasi

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// ModuleName is where modules import the functions from.
const ModuleName = "wasi_snapshot_preview1"

// Caller is the context of a call into a module that imports these functions. It belongs to the goroutine of the call. Its
// methods are called within functions that the module imports, so they may end the call by a panic.
type Caller interface {
	// Value is that of a context, and gives the caller itself for [CallerKey].
	Value(key any) any

	// Process is what the instance has of a process.
	Process() *Process

	// Charge accounts for work that the host is about to do for the module. A unit is what a simple instruction of the
	// module costs, about a nanosecond. It comes before each step of work, and no step takes much longer than 0.1 ms, so
	// that what holds the account can let others run, or end the call.
	Charge(units int64)

	// Sleep waits. It ends the call when that is longer than the module may wait. The duration is positive, and may be as
	// long as durations get.
	Sleep(d time.Duration)

	// Wrote tells of bytes of the module's memory that are about to be written.
	Wrote(address, count uint32)
}

// Register makes the functions importable. Once per runtime.
func Register(ctx context.Context, builder wazero.HostModuleBuilder) (api.Module, error) {
	for i := range functions {
		f := &functions[i]
		builder.NewFunctionBuilder().
			WithName(f.name).
			WithGoModuleFunction(f.goFunction(), f.paramTypes(), f.resultTypes()).
			Export(f.name)
	}
	return builder.Instantiate(ctx)
}

// CallerKey is the key to which the caller has to answer as a context, with itself: the context of a start function is made
// of that of the instantiation.
type CallerKey struct{}

// callerOf finds the caller. A call without one is into a module of Sluice's own, such as the core.
func callerOf(ctx context.Context) Caller {
	if c, ok := ctx.(Caller); ok {
		return c
	}
	if c, ok := ctx.Value(CallerKey{}).(Caller); ok {
		return c
	}
	return trusted{}
}

// trusted is the caller of modules that need no bounds. What they write to standard error, the reason of a trap, goes to the
// program's.
type trusted struct{}

var trustedProcess = &Process{Stderr: os.Stderr}

func (trusted) Value(any) any         { return nil }
func (trusted) Process() *Process     { return trustedProcess }
func (trusted) Charge(int64)          {}
func (trusted) Sleep(d time.Duration) { time.Sleep(d) }
func (trusted) Wrote(_, _ uint32)     {}

// call is a call of one of the functions.
type call struct {
	Caller
	memory api.Memory
	params []uint64
}

// u32 is a parameter of type i32, or the lower half of another.
func (c *call) u32(param int) uint32 { return uint32(c.params[param]) }

// schedYield() lets others run.
func schedYield(call) Errno {
	runtime.Gosched()
	return Success
}
