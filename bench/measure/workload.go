package measure

import (
	"context"
	"errors"
	"math"
	"runtime"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/rivals"
	"github.com/sluicehttp/sluice/bench/workloads"
)

// entrant is a server that takes part in a workload, in a process that serves nothing else.
type entrant struct {
	workload *workloads.Workload
	server   *rivals.Server
	process  *rivals.Process
	scratch  string

	Measured
	failed error
}

// group measures the workloads of a group. All servers live through all rounds, and are idle while another has its turn.
func (c *comparison) group(ctx context.Context, group []workloads.Workload) error {
	var in []*entrant
	results := make([]Workload, len(group))
	for i := range group {
		results[i] = newResult(&group[i])
		in = append(in, c.entrants(&group[i], &results[i])...)
	}
	defer func() {
		for _, e := range in {
			e.end()
		}
	}()
	for _, e := range in {
		e.failed = c.ready(ctx, e)
	}
	c.rounds(ctx, in, c.roundsOf(group), "", c.turn)
	for i := range group {
		if c.Paced > 0 && !group[i].Unpaced() {
			results[i].Rate = commonRate(of(&group[i], in))
		}
	}
	c.rounds(ctx, in, c.Paced, ", latency", func(ctx context.Context, e *entrant) error {
		return c.pacedTurn(ctx, e, rateOf(results, e.workload))
	})
	for i := range group {
		results[i].take(of(&group[i], in))
	}
	c.results.Workloads = append(c.results.Workloads, results...)
	return ctx.Err()
}

// roundsOf is how many rounds a group has: fewer where a turn takes as long as a request does.
func (c *comparison) roundsOf(group []workloads.Workload) int {
	for i := range group {
		if group[i].Long() {
			return c.occasions()
		}
	}
	return c.Rounds
}

func newResult(w *workloads.Workload) Workload {
	request := w.Plan.Requests[0]
	return Workload{Name: w.Name, About: w.About, Against: w.Against, Large: w.Large, Bytes: max(request.Stream, request.Want.Stream)}
}

// take takes what was measured of a workload. Of a server that failed on the way nothing is kept but the reason.
func (w *Workload) take(in []*entrant) {
	for _, e := range in {
		if e.failed != nil {
			w.Lacks = append(w.Lacks, Lack{Server: e.server.Name, Reason: e.failed.Error(), Failed: true})
			continue
		}
		w.Servers = append(w.Servers, e.Measured)
	}
}

// entrants are the servers that take part in a workload. Of those that do not, the reason is noted.
func (c *comparison) entrants(w *workloads.Workload, result *Workload) (in []*entrant) {
	for i := range c.Servers {
		s := &c.Servers[i]
		switch {
		case !w.Wants(s.Name, s.Variant):
		case c.missing[s.Name] != "":
			result.Lacks = append(result.Lacks, Lack{Server: s.Name, Reason: c.missing[s.Name]})
		case !s.Answers(w.Endpoint):
			result.Lacks = append(result.Lacks, Lack{Server: s.Name, Reason: s.Lacks[w.Endpoint]})
		default:
			in = append(in, &entrant{workload: w, server: s, Measured: Measured{Server: s.Name}})
		}
	}
	return in
}

// of are the entrants of a workload that have not failed so far.
func of(w *workloads.Workload, in []*entrant) (own []*entrant) {
	for _, e := range in {
		if e.workload == w {
			own = append(own, e)
		}
	}
	return own
}

// ready starts a server and looks whether it answers rightly: all requests of the workload, and each a second time on the same
// connection.
func (c *comparison) ready(ctx context.Context, e *entrant) error {
	err := c.start(ctx, e)
	if err != nil {
		return c.fail(e, err)
	}
	plan := e.workload.Plan
	plan.Connections = 1
	l, err := load.Dial(ctx, e.process.Address, plan)
	if err != nil {
		return c.fail(e, err)
	}
	defer l.Close()
	for range 2 * len(plan.Requests) {
		if _, err := l.Once(ctx, 1); err != nil {
			return c.fail(e, err)
		}
	}
	return nil
}

// fail tells of a failure when it happens, and not only at the end.
func (c *comparison) fail(e *entrant, err error) error {
	if e.process != nil {
		err = errors.Join(err, e.process.Err())
	}
	c.Tell("%s, %s: %v", e.workload.Name, e.server.Name, err)
	return err
}

// rounds gives every server a turn in each of some rounds. Each round begins with another, so that none always has the same one
// before it. One that fails has no more turns.
func (c *comparison) rounds(ctx context.Context, in []*entrant, count int, what string, turn func(context.Context, *entrant) error) {
	for round := range count {
		for i := range in {
			e := in[(round+i)%len(in)]
			if i == 0 {
				c.Tell("%s%s, round %d of %d", e.title(), what, round+1, count)
			}
			if e.failed == nil && ctx.Err() == nil {
				if err := turn(ctx, e); err != nil {
					e.failed = c.fail(e, err)
				}
			}
		}
	}
}

// title is the name of the group, or of the workload alone.
func (e *entrant) title() string {
	if e.workload.Group != "" {
		return e.workload.Group
	}
	return e.workload.Name
}

// warmUp loads a server for some time, and with each of the workload's requests at least once.
func (c *comparison) warmUp(ctx context.Context, l *load.Load, w *workloads.Workload) error {
	for sent := 0; ; {
		done, err := l.Run(ctx, c.WarmUp)
		if sent += done.Requests; err != nil || c.WarmUp == 0 || sent >= len(w.Plan.Requests) {
			return err
		}
	}
}

// turn measures a server. Where nothing was done, something else has kept the machine for so long, and the server has another turn.
func (c *comparison) turn(ctx context.Context, e *entrant) error {
	for range 3 {
		turn, err := c.once(ctx, e)
		if err != nil {
			return err
		}
		if turn.Requests > 0 && turn.CPU.All() > 0 {
			e.Rounds = append(e.Rounds, turn)
			return nil
		}
	}
	return errors.New("no request or no CPU time was measured, three times; use a longer --duration")
}

// once measures a server once. All is quiet when it is looked at before and after, so that the requests between are counted
// exactly.
func (c *comparison) once(ctx context.Context, e *entrant) (turn Turn, err error) {
	l, err := load.Dial(ctx, e.process.Address, e.workload.Plan)
	if err != nil {
		return turn, err
	}
	defer l.Close()
	if err := c.warmUp(ctx, l, e.workload); err != nil {
		return turn, err
	}
	peaks := resetPeaks(e.process.PID) == nil
	before, err := read(e.process.PID)
	if err != nil {
		return turn, err
	}
	if turn.Done, err = l.Run(ctx, c.Duration); err != nil {
		return turn, err
	}
	after, err := read(e.process.PID)
	if err != nil {
		return turn, err
	}
	if turn.Used, err = after.since(before, runtime.NumCPU()); err != nil {
		return turn, err
	}
	if peaks {
		turn.Peak, err = memory(e.process.PID, "VmHWM")
	}
	return turn, err
}

// pacedLeast and pacedMost bound how long latencies are taken at a time.
const (
	pacedLeast = 400 * time.Millisecond
	pacedMost  = 3200 * time.Millisecond
)

// pacedTurn takes the latencies of a server once, at the rate of the workload; 0: not at all.
func (c *comparison) pacedTurn(ctx context.Context, e *entrant, rate float64) error {
	if rate == 0 {
		return nil
	}
	l, err := load.Dial(ctx, e.process.Address, e.workload.Plan)
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := l.RunAt(ctx, rate, c.WarmUp); err != nil {
		return err
	}
	// Long enough for a thousandth of the requests to be some, where that does not take too long.
	enough := time.Duration(2000 / rate * float64(time.Second))
	paced, err := l.RunAt(ctx, rate, min(max(pacedLeast, enough), pacedMost))
	if err != nil {
		return err
	}
	e.Measured.Paced = append(e.Measured.Paced, paced)
	return nil
}

func rateOf(results []Workload, w *workloads.Workload) float64 {
	for _, result := range results {
		if result.Name == w.Name {
			return result.Rate
		}
	}
	return 0
}

// commonRate is half of what the slowest server does when it is kept busy, to two digits: a rate that all can serve. 0 if there
// is none.
func commonRate(in []*entrant) float64 {
	slowest := math.Inf(1)
	for _, e := range in {
		if e.failed == nil {
			slowest = min(slowest, Summarize(Each(e.Rounds, Turn.PerSecond)).Median)
		}
	}
	if math.IsInf(slowest, 1) {
		return 0
	}
	digit := math.Pow(10, math.Floor(math.Log10(slowest/2))-1)
	return math.Floor(slowest/2/digit) * digit
}
