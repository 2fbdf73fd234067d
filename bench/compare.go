package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// guardRatio is what --guard holds sandboxed Sluice to, in requests per CPU second against net/http. It is far below
// what is published, because a test machine is no quiet one.
const guardRatio = 1.0

// slot is what one server did in one round.
type slot struct {
	Requests int           `json:"requests"`
	Took     time.Duration `json:"took_ns"`
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	Used     usage         `json:"used"`
}

// perCPUSecond is how many requests one second of the server's CPU time is enough for.
func (s slot) perCPUSecond() float64 { return float64(s.Requests) / s.Used.cpu().Seconds() }

func (s slot) perSecond() float64 { return float64(s.Requests) / s.Took.Seconds() }

// microseconds is a part of what was used, for one request.
func (s slot) microseconds(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(s.Requests) }

func (s slot) allocations() float64 { return float64(s.Used.Mallocs) / float64(s.Requests) }

// result is what one server did in all rounds.
type result struct {
	rival
	answerBytes int
	slots       []slot
}

// compare is the command without a subcommand, and with one for another contest.
func compare(ctx context.Context, of contest, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	chosen, err := of.choose(o.only)
	if err != nil {
		return err
	}
	if o.guard {
		if err := guardable(of.base, chosen); err != nil {
			return err
		}
	}
	results, err := measure(ctx, o, chosen)
	if err != nil {
		return err
	}
	writeComparison(os.Stdout, o, of.base, results)
	if o.json != "" {
		if err := writeJSON(o.json, comparisonData(o, results)); err != nil {
			return err
		}
	}
	if o.guard {
		return guard(of.base, results)
	}
	return nil
}

// measure runs all rounds. The servers live through all of them and are idle while another one's turn lasts.
func measure(ctx context.Context, o *options, chosen []rival) ([]result, error) {
	processes, err := startAll(ctx, o, chosen)
	defer func() {
		for _, p := range processes {
			p.end()
		}
	}()
	if err != nil {
		return nil, err
	}
	results := make([]result, len(chosen))
	for i, r := range chosen {
		results[i].rival = r
		if results[i].answerBytes, err = checkAnswer(ctx, processes[i].address, r.body); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for round := range o.Rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, o.Rounds)
		// Each round begins with another server, so that no server always has the same one before it.
		for turn := range chosen {
			i := (round + turn) % len(chosen)
			s, err := measureSlot(ctx, o, processes[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", chosen[i].name, err)
			}
			results[i].slots = append(results[i].slots, s)
		}
	}
	return results, nil
}

func startAll(ctx context.Context, o *options, chosen []rival) ([]*process, error) {
	// Look for every file before anything is started.
	for _, r := range chosen {
		if _, err := r.readWasm(o.wasm); err != nil {
			return nil, err
		}
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return nil, err
		}
	}
	var processes []*process
	for _, r := range chosen {
		p, err := startProcess(ctx, r, o)
		if err != nil {
			return processes, fmt.Errorf("%s: %w", r.name, err)
		}
		processes = append(processes, p)
	}
	return processes, nil
}

// measureSlot measures one server once.
func measureSlot(ctx context.Context, o *options, p *process) (slot, error) {
	l, err := dialLoad(ctx, p.address, o.Connections)
	if err != nil {
		return slot{}, err
	}
	defer l.close()
	if _, err := l.run(ctx, o.WarmUp); err != nil {
		return slot{}, err
	}
	before, err := p.usage()
	if err != nil {
		return slot{}, err
	}
	ran, err := l.run(ctx, o.Duration)
	if err != nil {
		return slot{}, err
	}
	after, err := p.usage()
	if err != nil {
		return slot{}, err
	}
	s := slot{
		Requests: len(ran.latencies),
		Took:     ran.took,
		P50:      percentile(ran.latencies, 50),
		P99:      percentile(ran.latencies, 99),
		Used:     after.since(before),
	}
	if s.Requests == 0 || s.Used.cpu() == 0 {
		return slot{}, errors.New("no request or no CPU time was measured; use a longer --duration")
	}
	return s, nil
}

// guardable looks, before minutes are spent, whether --guard has what it compares.
func guardable(base string, chosen []rival) error {
	compared := slices.ContainsFunc(chosen, func(r rival) bool { return r.name == base })
	guarded := slices.ContainsFunc(chosen, func(r rival) bool { return r.guarded })
	if !compared || !guarded {
		return fmt.Errorf("--guard compares sandboxed Sluice with %s; --only has to name both", base)
	}
	return nil
}

// guard fails when a sandboxed Sluice does less than it must.
func guard(baseName string, results []result) error {
	base := find(results, baseName)
	for _, r := range results {
		if !r.guarded {
			continue
		}
		if ratio := summarize(ratios(r.slots, base.slots)); ratio.median < guardRatio {
			return fmt.Errorf("%s did %.2f times the requests of %s per CPU second; it has to be at least %.2f",
				r.name, ratio.median, baseName, guardRatio)
		}
	}
	return nil
}

func find(results []result, name string) *result {
	for i := range results {
		if results[i].name == name {
			return &results[i]
		}
	}
	return nil
}

// yields are the requests per CPU second of each round.
func yields(slots []slot) []float64 {
	return each(slots, func(_ int, s slot) float64 { return s.perCPUSecond() })
}

// ratios compares round with round: what slows a whole round down does not touch them.
func ratios(slots, base []slot) []float64 {
	return each(slots, func(i int, s slot) float64 { return s.perCPUSecond() / base[i].perCPUSecond() })
}
