package sandbox

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/hostabi"
)

// global is a mutable global of a guest, or half of one with a vector.
type global interface {
	Get() uint64
	Set(uint64)
}

// lanes reach a global that holds a vector, of which wazero's own access loses the upper half.
type lanes struct {
	call     *hostabi.Call
	get, set api.Function
	stack    [2]uint64
}

// lane is one half of it.
type lane struct {
	*lanes
	index int
}

// Get implements [global].
func (l lane) Get() uint64 {
	l.read()
	return l.stack[l.index]
}

// Set implements [global].
func (l lane) Set(v uint64) {
	l.read()
	l.stack[l.index] = v
	_ = l.set.CallWithStack(l.call, l.stack[:])
}

// read cannot fail: the rewriter's functions do nothing that could, and are not metered.
func (l lane) read() { _ = l.get.CallWithStack(l.call, l.stack[:]) }
