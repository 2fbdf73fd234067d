// Package account keeps count of what handlers take: one [Account] for each route, and one for each tenant that sums up
// its routes.
//
// It knows nothing of routes, tenants or instances. Whoever does some work is handed an account and adds to it; whoever
// wants to know reads it. All of it may be done by several goroutines at a time.
package account

import "sync/atomic"

// Counter is a sum. What is added to it is added to the counter above it too, if there is one.
type Counter struct {
	sum   atomic.Int64
	above *Counter
}

// Add adds, or with a negative delta takes away.
func (c *Counter) Add(delta int64) {
	for ; c != nil; c = c.above {
		c.sum.Add(delta)
	}
}

// Load is the sum now.
func (c *Counter) Load() int64 { return c.sum.Load() }

// Account is what the handlers of a route have taken, or those of a tenant. Sums grow for as long as the account exists;
// levels are what is taken now.
type Account struct {
	// Requests is how many requests were given to a handler, a sum.
	Requests Counter
	// Running is how many requests are with the handler, a level.
	Running Counter
	// Fuel is what the handler's code has used in units of the meter, and CPU the time in which it ran, in nanoseconds: sums.
	Fuel, CPU Counter
	// Refused is how many requests were answered without the handler because it could not be loaded, or because a limit of
	// the route or the tenant left no room for them, a sum.
	Refused Counter
	// Memory is the size of all that the instances hold outside of the Go heap, in bytes: their memories, and images of
	// them. A level.
	Memory Counter
	// Instances is how many instances there are, at work or not, a level.
	Instances Counter
	// Waiting is how many requests wait for an instance, a level.
	Waiting Counter
	// Faults is how often the handler failed, by kind, sums.
	Faults [Faults]Counter
}

// New makes an account. What is added to it is added to above too; nil if there is none.
func New(above *Account) *Account {
	a := &Account{}
	if above != nil {
		from, to := a.counters(), above.counters()
		for i := range from {
			from[i].above = to[i]
		}
	}
	return a
}

// counters lists all counters of an account, always in the same order.
func (a *Account) counters() []*Counter {
	list := []*Counter{&a.Requests, &a.Refused, &a.CPU, &a.Fuel, &a.Memory, &a.Instances, &a.Running, &a.Waiting}
	for i := range a.Faults {
		list = append(list, &a.Faults[i])
	}
	return list
}

// Fault is a way in which a handler fails.
type Fault uint8

// The ways in which a handler fails. A limit has a kind of its own, so that counts say which one was too narrow.
const (
	FaultTrap     Fault = iota // code that cannot go on
	FaultABI                   // an answer to the host that breaks the interface
	FaultCPU                   // the limit cpu
	FaultStack                 // recursion too deep
	FaultMemory                // the limit memory, or none left in the system
	FaultSleep                 // sleep beyond handler_wall
	FaultWall                  // no head of an answer within handler_wall
	FaultResponse              // the limit response
	FaultOther                 // a limit without a kind of its own, or an error of Sluice

	// Faults is how many kinds there are.
	Faults = iota
)

var faultNames = [Faults]string{"trap", "abi", "cpu", "stack", "memory", "sleep", "handler_wall", "response", "other"}

// String is the kind's name: of a limit its key in the configuration.
func (f Fault) String() string {
	if int(f) < len(faultNames) {
		return faultNames[f]
	}
	return "other"
}
