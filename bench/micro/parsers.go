package micro

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/bench/measure"
	"github.com/sluicehttp/sluice/bench/report"
)

// parsersPackage has the benchmarks of the parsers, beside the core that they measure.
const parsersPackage = "engine/internal/core"

// duels is the benchmark that has two parsers take turns. Each of its sub-benchmarks is called SIZE/OURS/RIVAL.
const duels = "BenchmarkDuel"

// bars are how many times as fast as a rival ours should be, by the names of duels. Of the others nothing is expected.
var bars = map[string]float64{
	"80B/wasm-receive/llhttp-simd":   2,
	"80B/wasm-receive/llhttp-plain":  2,
	"700B/wasm-receive/llhttp-simd":  1,
	"700B/wasm-receive/llhttp-plain": 1,
	"80B/native-receive/net-http":    5,
	"700B/native-receive/net-http":   5,
}

// Parsers measures the core's parser beside others, so many times for a while each, and prints the table. The raw data goes
// into a file, if one is named.
func Parsers(ctx context.Context, site *Site, rounds int, duration time.Duration, json string) error {
	all, err := measureParsers(ctx, site, rounds, duration)
	if err != nil {
		return err
	}
	writeDuels(os.Stdout, duration, all)
	if json == "" {
		return nil
	}
	machine, err := measure.ThisMachine()
	if err != nil {
		return err
	}
	return measure.WriteJSON(json, struct {
		Machine  measure.Machine `json:"machine"`
		Duration time.Duration   `json:"duration_ns"`
		Rounds   [][]duel        `json:"rounds"`
	}{machine, duration, all})
}

// duel is what came out of a duel in one round. Times are in nanoseconds for one request.
type duel struct {
	Name  string  `json:"name"`
	Ours  float64 `json:"ours_ns"`
	Rival float64 `json:"rival_ns"`
	// Ratio is how many times as fast ours was, the median of its turns.
	Ratio float64 `json:"ratio"`
}

// measureParsers has every duel fought once in each round.
func measureParsers(ctx context.Context, site *Site, count int, duration time.Duration) ([][]duel, error) {
	program, dir, err := site.benchmarks(ctx, parsersPackage)
	if err != nil {
		return nil, err
	}
	var rounds [][]duel
	for round := range count {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, count)
		one, err := measureRound(duelsCommand(ctx, program, dir, duration))
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, one)
	}
	return rounds, nil
}

// duelsCommand runs all duels in a process of its own, because where code and memory happen to lie makes a difference too.
// It has one processor: what the garbage collector does for a parser is then part of its time.
func duelsCommand(ctx context.Context, program, dir string, duration time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench=^"+duels+"$", "-test.cpu=1",
		"-test.benchtime="+duration.String())
	cmd.Dir = dir // where `go test` runs them
	cmd.Env = append(os.Environ(), "SLUICE_REQUIRE_TOOLCHAINS=1")
	return cmd
}

func measureRound(cmd *exec.Cmd) ([]duel, error) {
	output, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, bytes.TrimSpace(output))
	}
	round, err := readDuels(string(output))
	if err != nil {
		return nil, err
	}
	for name := range bars {
		if !slices.ContainsFunc(round, func(d duel) bool { return d.Name == name }) {
			return nil, fmt.Errorf("no duel is called %s any more", name)
		}
	}
	return round, nil
}

// readDuels reads lines such as "BenchmarkDuel/80B/wasm-receive/net-http   129   2534 ours-ns   2415 rival-ns   0.95 x".
func readDuels(output string) ([]duel, error) {
	var round []duel
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) == 0 || !strings.HasPrefix(words[0], duels+"/") {
			continue
		}
		d := duel{Name: strings.TrimPrefix(words[0], duels+"/")}
		values := map[string]*float64{"ours-ns": &d.Ours, "rival-ns": &d.Rival, "x": &d.Ratio}
		for i, word := range words {
			if value := values[word]; value != nil {
				*value, _ = strconv.ParseFloat(words[i-1], 64) // 0 when it fails, as when it is not there
			}
		}
		if d.Ours <= 0 || d.Rival <= 0 || d.Ratio <= 0 {
			return nil, fmt.Errorf("no figures in %q", line)
		}
		round = append(round, d)
	}
	return round, nil
}

// writeDuels prints the table.
func writeDuels(w io.Writer, duration time.Duration, rounds [][]duel) {
	fmt.Fprintf(w, "parsers, %d rounds of %v, %s\n", len(rounds), duration, runtime.Version())
	fmt.Fprint(w, "median of the rounds; in brackets the least and the most\n\n")
	t := report.NewTable(w, "ours", "rival", "request", "ours ns", "rival ns", "times as fast", "", "should be")
	var noisy []string
	for i, d := range rounds[0] {
		all := func(of func(duel) float64) measure.Summary {
			return measure.Summarize(measure.Each(rounds, func(round []duel) float64 { return of(round[i]) }))
		}
		ratio := all(func(d duel) float64 { return d.Ratio })
		size, parsers, _ := strings.Cut(d.Name, "/")
		ours, rival, _ := strings.Cut(parsers, "/")
		t.Row(ours, rival, size,
			fmt.Sprintf("%.0f", all(func(d duel) float64 { return d.Ours }).Median),
			fmt.Sprintf("%.0f", all(func(d duel) float64 { return d.Rival }).Median),
			fmt.Sprintf("%.2f", ratio.Median), fmt.Sprintf("[%.2f-%.2f]", ratio.Min, ratio.Max), judge(d.Name, ratio.Median))
		if ratio.Doubt() > report.Noisy {
			noisy = append(noisy, fmt.Sprintf("%s %.0f %%", d.Name, ratio.Doubt()*100))
		}
	}
	t.End()
	if len(noisy) > 0 {
		fmt.Fprintf(w, "\nNoisy ratios, whose median may be off by: %s. Measure again, with more --rounds.\n",
			strings.Join(noisy, ", "))
	}
}

// judge says what was expected of a duel, and whether it came.
func judge(name string, ratio float64) string {
	bar, ok := bars[name]
	switch {
	case !ok:
		return "-"
	case ratio < bar:
		return fmt.Sprintf("%.0f: missed", bar)
	default:
		return fmt.Sprintf("%.0f: held", bar)
	}
}
