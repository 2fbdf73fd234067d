package sandbox

import "sync/atomic"

// Module is a handler that was loaded. Close it when no pool is to be made of it any more.
type Module struct {
	name     string
	loader   *Loader
	compiled *compiled
	// pulls says that it imports next_event.
	pulls bool

	closed atomic.Bool
}

// Name stands for the module in logs and errors.
func (m *Module) Name() string { return m.name }

// Close lets go of the machine code. Pools that were made of the module keep it for as long as they need it.
func (m *Module) Close() {
	if !m.closed.Swap(true) {
		m.compiled.release()
	}
}
