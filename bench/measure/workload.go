package measure

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// workload measures all servers that take part in one. They live through all rounds, and are idle while another has its turn.
func (c *Comparison) workload(ctx context.Context, w *workloads.Workload) (Workload, error) {
	request := w.Plan.Requests[0]
	result := Workload{Name: w.Name, About: w.About, Against: w.Against, Large: w.Large, Pipeline: w.Plan.Pipeline,
		Bytes: max(request.Stream, request.Want.Stream)}
	in, lacks := c.entrants(w)
	result.Lacks = lacks
	defer func() {
		for _, e := range in {
			e.end()
		}
	}()
	in, err := c.startAll(ctx, w, in, &result)
	if err != nil {
		return result, err
	}
	for _, e := range in {
		result.Servers = append(result.Servers, Measured{Server: e.Name})
	}
	if err := c.rounds(ctx, w, in, &result); err != nil {
		return result, err
	}
	if c.Paced > 0 && !w.Unpaced() && len(in) > 0 {
		result.Rate = commonRate(result.Servers)
		if err := c.pacedRounds(ctx, w, in, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// startAll starts the servers and looks whether each answers rightly, once and then again on the same connection. It gives back
// those that do.
func (c *Comparison) startAll(ctx context.Context, w *workloads.Workload, in []*entrant, result *Workload) ([]*entrant, error) {
	var ready []*entrant
	for _, e := range in {
		err := c.startEntrant(ctx, e)
		if err == nil {
			err = answersRightly(ctx, e.process.Address, w)
		}
		switch {
		case ctx.Err() != nil:
			e.end()
			return ready, ctx.Err()
		case err != nil:
			c.Tell("%s, %s: %v", w.Name, e.Name, err)
			result.Lacks = append(result.Lacks, Lack{Server: e.Name, Reason: err.Error(), Failed: true})
			e.end()
		default:
			ready = append(ready, e)
		}
	}
	return ready, nil
}

func answersRightly(ctx context.Context, address string, w *workloads.Workload) error {
	plan := w.Plan
	plan.Connections = 1
	l, err := load.Dial(ctx, address, plan)
	if err != nil {
		return err
	}
	defer l.Close()
	for range 2 {
		if err := l.Once(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.Endpoint, err)
		}
	}
	return nil
}

// rounds gives every server a turn in each round.
func (c *Comparison) rounds(ctx context.Context, w *workloads.Workload, in []*entrant, result *Workload) error {
	for round := range c.Rounds {
		c.Tell("%s, round %d of %d", w.Name, round+1, c.Rounds)
		err := inTurn(round, len(in), func(i int) error {
			turn, err := c.turn(ctx, w, in[i])
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", in[i].Name, err), in[i].process.Err())
			}
			result.Servers[i].Rounds = append(result.Servers[i].Rounds, turn)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inTurn does something with each of several servers. Each round begins with another, so that none always has the same one
// before it.
func inTurn(round, count int, do func(i int) error) error {
	for turn := range count {
		if err := do((round + turn) % count); err != nil {
			return err
		}
	}
	return nil
}

// turn measures a server once.
func (c *Comparison) turn(ctx context.Context, w *workloads.Workload, e *entrant) (Turn, error) {
	l, err := load.Dial(ctx, e.process.Address, w.Plan)
	if err != nil {
		return Turn{}, err
	}
	defer l.Close()
	return c.measure(ctx, l, e, c.Duration)
}

// measure takes what a server uses under a load. All is quiet when it is read before and after, so that the requests between
// are counted exactly.
func (c *Comparison) measure(ctx context.Context, l *load.Load, e *entrant, d time.Duration) (Turn, error) {
	if _, err := l.Run(ctx, c.WarmUp); err != nil {
		return Turn{}, err
	}
	peaks := resetPeaks(e.process.PID) == nil
	before, err := read(e.process.PID)
	if err != nil {
		return Turn{}, err
	}
	done, err := l.Run(ctx, d)
	if err != nil {
		return Turn{}, err
	}
	after, err := read(e.process.PID)
	if err != nil {
		return Turn{}, err
	}
	used, err := after.since(before, runtime.NumCPU())
	if err != nil {
		return Turn{}, err
	}
	turn := Turn{Done: done, Used: used}
	if peaks {
		turn.Peak, err = memory(e.process.PID, "VmHWM")
	}
	if turn.Requests == 0 || turn.CPU.All() == 0 {
		return turn, errors.New("no request or no CPU time was measured; use a longer --duration")
	}
	return turn, err
}

// commonRate is half of what the slowest server does when it is kept busy, to two digits: a rate that all can serve.
func commonRate(servers []Measured) float64 {
	slowest := math.Inf(1)
	for _, s := range servers {
		slowest = min(slowest, Summarize(Each(s.Rounds, Turn.PerSecond)).Median)
	}
	digits := math.Pow(10, math.Floor(math.Log10(slowest/2))-1)
	return math.Floor(slowest/2/digits) * digits
}

// pacedRounds take latencies at the same rate for all servers.
func (c *Comparison) pacedRounds(ctx context.Context, w *workloads.Workload, in []*entrant, result *Workload) error {
	for round := range c.Paced {
		c.Tell("%s, latency at %.0f requests/s, round %d of %d", w.Name, result.Rate, round+1, c.Paced)
		err := inTurn(round, len(in), func(i int) error {
			paced, err := c.pacedTurn(ctx, w, in[i], result.Rate)
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", in[i].Name, err), in[i].process.Err())
			}
			result.Servers[i].Paced = append(result.Servers[i].Paced, paced)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Comparison) pacedTurn(ctx context.Context, w *workloads.Workload, e *entrant, rate float64) (load.Paced, error) {
	l, err := load.Dial(ctx, e.process.Address, w.Plan)
	if err != nil {
		return load.Paced{}, err
	}
	defer l.Close()
	if _, err := l.RunAt(ctx, rate, c.WarmUp); err != nil {
		return load.Paced{}, err
	}
	// Long enough for a thousandth of the requests to be some.
	enough := time.Duration(2000 / rate * float64(time.Second))
	return l.RunAt(ctx, rate, min(max(c.Duration, enough), 3*time.Second))
}
