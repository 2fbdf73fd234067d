package measure

import (
	"context"
	"sync"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// spinning are the numbers of connections that have a tenant compute all the time, while another's latency is measured.
var spinning = []int{0, 1, 4, 16}

// neighbourRate is that of the requests whose latency is measured, in requests a second. A server has time for far more.
const neighbourRate = 500

// Neighbour is the latency of a tenant beside another that computes for ever, on so many connections at a time.
type Neighbour struct {
	Server   string       `json:"server"`
	Spinning int          `json:"spinning"`
	Rounds   []load.Paced `json:"rounds"`
}

// neighbour measures the latency of a tenant while another computes. The limit on computing ends each such request after some
// time, and the connection asks again at once.
func (c *comparison) neighbour(ctx context.Context, in []*entrant) error {
	for _, e := range in {
		quiet := workloads.Tenant(0)
		e.workload.Plan.Requests = []load.Request{quiet}
		if e.failed = c.ready(ctx, e); e.failed != nil {
			continue
		}
		results := make([]Neighbour, len(spinning))
		for round := range c.occasions() {
			c.Tell("neighbour, round %d of %d", round+1, c.occasions())
			for i, count := range spinning {
				paced, err := c.beside(ctx, e, count)
				if err != nil {
					e.failed = c.fail(e, err)
					return nil
				}
				results[i].Server, results[i].Spinning = e.server.Name, count
				results[i].Rounds = append(results[i].Rounds, paced)
			}
		}
		c.results.Neighbours = append(c.results.Neighbours, results...)
	}
	return nil
}

// beside takes latencies while so many connections have a neighbour compute.
func (c *comparison) beside(ctx context.Context, e *entrant, count int) (load.Paced, error) {
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	var spun error
	if count > 0 {
		l, err := load.Dial(ctx, e.process.Address, load.Plan{Requests: []load.Request{workloads.Spin()}, Connections: count})
		if err != nil {
			stop()
			return load.Paced{}, err
		}
		defer l.Close()
		group.Go(func() { spun = l.Until(ctx) })
	}
	l, err := load.Dial(ctx, e.process.Address, e.workload.Plan)
	if err != nil {
		stop()
		return load.Paced{}, err
	}
	defer l.Close()
	paced, err := l.RunAt(ctx, neighbourRate, 2*pacedLeast)
	stop()
	group.Wait()
	if err == nil {
		err = spun
	}
	return paced, err
}
