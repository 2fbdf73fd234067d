package sandbox

import (
	"crypto/sha256"
	"sync/atomic"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Module is a handler that was loaded. Close it when no pool is to be made of it any more.
type Module struct {
	name     string
	loader   *Loader
	sum      [sha256.Size]byte
	compiled *compiled
	// state is what instances begin with that have no image to begin with.
	state wasm.State

	closed atomic.Bool
}

// Name stands for the module in logs and errors.
func (m *Module) Name() string { return m.name }

// Sum is the hash of the module's bytes.
func (m *Module) Sum() [sha256.Size]byte { return m.sum }

// Close lets go of the machine code. Pools that were made of the module keep it for as long as they need it.
func (m *Module) Close() {
	if !m.closed.Swap(true) {
		m.compiled.release()
	}
}
