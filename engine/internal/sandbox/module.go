package sandbox

import (
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/sluicehttp/sluice/abi"
)

// Module is a handler that was loaded. Close it when no pool is to be made of it any more.
type Module struct {
	name          string
	loader        *Loader
	compiled      *compiled
	subscriptions abi.Subscriptions
	// pulls says that it imports next_event.
	pulls bool

	closed atomic.Bool
}

// Name stands for the module in logs and errors.
func (m *Module) Name() string { return m.name }

// Subscriptions are the events that the handler wants.
func (m *Module) Subscriptions() abi.Subscriptions { return m.subscriptions }

// Close lets go of the machine code. Pools that were made of the module keep it for as long as they need it.
func (m *Module) Close() {
	if !m.closed.Swap(true) {
		m.compiled.release()
	}
}

// try makes a first instance.
func (m *Module) try() error {
	i, err := m.newInstance(m.loader.log.With(slog.String("module", m.name)), m.loader.maxSleep)
	if err != nil {
		return errors.New(firstLine(err))
	}
	m.subscriptions = i.subscriptions
	i.close()
	return nil
}
