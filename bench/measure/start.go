package measure

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// Start is how soon something gives its first answer.
type Start struct {
	Server string          `json:"server"`
	What   string          `json:"what"`
	Times  []time.Duration `json:"times_ns"`
}

// What was started.
const (
	whole      = "process"
	withCold   = "process, nothing compiled"
	withWarm   = "process, compiled before"
	moduleCold = "module of a tenant, not compiled"
	moduleWarm = "module of a tenant, compiled before"
	loaded     = "instance, the module loaded"
)

// starts takes the time from starting a process to its first right answer, in rounds. Sluice compiles modules and keeps them:
// it is started without those, and with.
func (c *comparison) starts(ctx context.Context, in []*entrant) error {
	for round := range c.occasions() {
		c.Tell("start, round %d of %d", round+1, c.occasions())
		for i := range in {
			e := in[(round+i)%len(in)]
			if e.failed != nil || ctx.Err() != nil {
				continue
			}
			if err := c.startOnce(ctx, e); err != nil {
				e.failed = c.fail(e, err)
			}
		}
	}
	return nil
}

// startOnce starts a server once, or where it compiles, twice.
func (c *comparison) startOnce(ctx context.Context, e *entrant) error {
	switch e.server.Name {
	case "sluice-serve":
		return c.twice(func() error { return c.timeProcess(ctx, e, withCold) }, func() error { return c.timeProcess(ctx, e, withWarm) })
	case "sluice-tenants-100":
		return c.twice(func() error { return c.timeModules(ctx, e, moduleCold) }, func() error { return c.timeModules(ctx, e, moduleWarm) })
	default:
		return c.timeProcess(ctx, e, whole)
	}
}

// twice does one thing with an empty folder for what is compiled, and another with what that left there.
func (c *comparison) twice(cold, warm func() error) error {
	cache := c.Site.Cache
	defer func() { c.Site.Cache = cache }()
	var err error
	if c.Site.Cache, err = os.MkdirTemp(c.Site.Scratch, "cache-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.Site.Cache)
	if err := cold(); err != nil {
		return err
	}
	return warm()
}

// timeProcess takes the time to the first answer.
func (c *comparison) timeProcess(ctx context.Context, e *entrant, what string) error {
	defer e.end()
	if err := c.start(ctx, e); err != nil {
		return err
	}
	l, err := e.one(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := l.Once(ctx, 1); err != nil {
		return err
	}
	c.began(e, what, time.Since(e.process.Started))
	return nil
}

// timeModules takes the time of the first request to each tenant, whose module is loaded by it, and of a second one.
func (c *comparison) timeModules(ctx context.Context, e *entrant, what string) error {
	defer e.end()
	if err := c.start(ctx, e); err != nil {
		return err
	}
	plan := load.Plan{Connections: 1}
	for i := range 100 {
		plan.Requests = append(plan.Requests, workloads.Tenant(i))
	}
	l, err := load.Dial(ctx, e.process.Address, plan)
	if err != nil {
		return err
	}
	defer l.Close()
	for _, what := range []string{what, loaded} {
		for range plan.Requests {
			began := time.Now()
			if _, err := l.Once(ctx, 1); err != nil {
				return err
			}
			c.began(e, what, time.Since(began))
		}
	}
	return nil
}

// began notes a time.
func (c *comparison) began(e *entrant, what string, took time.Duration) {
	for i := range c.results.Starts {
		if s := &c.results.Starts[i]; s.Server == e.server.Name && s.What == what {
			s.Times = append(s.Times, took)
			return
		}
	}
	c.results.Starts = append(c.results.Starts, Start{Server: e.server.Name, What: what, Times: []time.Duration{took}})
}

// one is a connection to a server for the requests of its workload.
func (e *entrant) one(ctx context.Context) (*load.Load, error) {
	if err := e.process.Err(); err != nil {
		return nil, fmt.Errorf("after its start: %w", err)
	}
	plan := e.workload.Plan
	plan.Connections = 1
	return load.Dial(ctx, e.process.Address, plan)
}
