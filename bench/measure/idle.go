package measure

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
)

const (
	// idleConnections are as many as are opened, where file descriptors allow it, fewIdle where the server does not bear them.
	idleConnections = 10_000
	fewIdle         = 1_000
	// settle is how long a server is left alone before its memory is looked at.
	settle = time.Second
)

// Idle is what connections cost that are open and ask nothing.
type Idle struct {
	Server      string `json:"server"`
	Connections int    `json:"connections"`
	// Before and After are the resident memory, in bytes, with one connection and with all.
	Before int64 `json:"before_bytes"`
	After  int64 `json:"after_bytes"`
	// Kept is how many connections still answered when the memory had been looked at.
	Kept int `json:"kept"`
	// Refused says what happened with more connections, if those were tried before.
	Refused string `json:"refused,omitempty"`
}

// Each is the memory of a connection, in bytes.
func (i Idle) Each() float64 { return float64(i.After-i.Before) / float64(i.Connections) }

// idle opens many connections to each server, one after the other. Each connection has one request answered: what a server
// keeps of that is part of what an idle connection costs.
func (c *comparison) idle(ctx context.Context, in []*entrant) error {
	count, err := mayOpen(idleConnections)
	if err != nil {
		return err
	}
	for _, e := range in {
		c.Tell("idle, %d connections to %s", count, e.server.Name)
		idle, err := c.idleOf(ctx, e, count)
		e.end()
		if err != nil && count > fewIdle {
			refused := fmt.Sprintf("with %d connections: %v", count, c.fail(e, err))
			idle, err = c.idleOf(ctx, e, fewIdle)
			idle.Refused = refused
			e.end()
		}
		if err != nil {
			e.failed = c.fail(e, err)
			continue
		}
		c.results.Idle = append(c.results.Idle, idle)
	}
	return nil
}

func (c *comparison) idleOf(ctx context.Context, e *entrant, count int) (idle Idle, err error) {
	idle = Idle{Server: e.server.Name, Connections: count}
	if err := c.ready(ctx, e); err != nil {
		return idle, err
	}
	time.Sleep(settle)
	if idle.Before, err = memory(e.process.PID, "VmRSS"); err != nil {
		return idle, err
	}
	plan := e.workload.Plan
	plan.Connections = count
	l := load.New(e.process.Address, plan) // opened by and by: that many at once are another matter
	defer l.Close()
	const atATime = 64
	if answered, err := l.Once(ctx, atATime); err != nil {
		return idle, fmt.Errorf("%d of %d connections were answered: %w", answered, count, err)
	}
	time.Sleep(settle)
	if idle.After, err = memory(e.process.PID, "VmRSS"); err != nil {
		return idle, err
	}
	// That some are closed is no failure but a server's policy, and said beside the figure.
	idle.Kept = l.Alive(ctx, atATime)
	return idle, ctx.Err()
}
