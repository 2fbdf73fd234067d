package sandbox

import (
	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/meter"
)

// Tenant is what the pools of one tenant share: its turn on the processors, its gate and its account.
type Tenant struct {
	party   *meter.Party
	gate    *Gate
	account *account.Account
}

// TenantConfig says what a tenant may take.
type TenantConfig struct {
	// Name stands for the tenant in errors.
	Name string
	// Concurrent is how many requests may be with handlers at a time, and Queue how many wait. Concurrent 0: the defaults.
	Concurrent, Queue int
	// Account sums up the accounts of the tenant's pools. Default: one of its own.
	Account *account.Account
}

// What a tenant may take unless its configuration says otherwise.
const (
	DefaultConcurrent = 256
	DefaultQueue      = 256
)

// NewTenant makes a tenant.
func (l *Loader) NewTenant(config TenantConfig) *Tenant {
	if config.Concurrent == 0 {
		config.Concurrent, config.Queue = DefaultConcurrent, DefaultQueue
	}
	if config.Account == nil {
		config.Account = account.New(nil)
	}
	name := "the server"
	if config.Name != "" {
		name = "tenant " + config.Name
	}
	return &Tenant{
		party:   l.lanes.NewParty(),
		gate:    NewGate(name, config.Concurrent, config.Queue),
		account: config.Account,
	}
}

// Account is what the tenant has taken.
func (t *Tenant) Account() *account.Account { return t.account }

// Waiting is how many of the tenant's requests are in its queue.
func (t *Tenant) Waiting() int { return t.gate.Waiting() }
