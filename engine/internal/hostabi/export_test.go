package hostabi

import (
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
)

// SkipTo has the next session be the one after.
func (c *Call) SkipTo(session abi.Session) { c.last = session }

// budget is a global of an instance.
type budget uint64

func (b *budget) Get() uint64  { return uint64(*b) }
func (b *budget) Set(v uint64) { *b = budget(v) }

// NewMeteredCall makes a call whose meter has time enough.
func NewMeteredCall(limits Limits) *Call {
	m := meter.New(meter.NewLanes(1).NewParty(), 1<<20)
	m.Attach(new(budget))
	m.Begin(nil, time.Hour)
	return NewCall(m, limits)
}
