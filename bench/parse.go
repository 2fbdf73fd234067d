package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parsersPackage has the benchmarks of the parsers, beside the core that they measure.
const parsersPackage = "github.com/sluicehttp/sluice/engine/internal/core"

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

// parsersOptions are the flags of the subcommand.
type parsersOptions struct {
	rounds   int
	duration time.Duration
	json     string
}

// compareParsers is the subcommand that measures the core's parser beside others.
func compareParsers(ctx context.Context, args []string) error {
	o, err := parseParsersOptions(args)
	if err != nil {
		return err
	}
	rounds, err := measureParsers(ctx, o)
	if err != nil {
		return err
	}
	writeDuels(os.Stdout, o, rounds)
	if o.json == "" {
		return nil
	}
	return writeJSON(o.json, struct {
		Machine  machine       `json:"machine"`
		Duration time.Duration `json:"duration_ns"`
		Rounds   [][]duel      `json:"rounds"`
	}{thisMachine(), o.duration, rounds})
}

func parseParsersOptions(args []string) (*parsersOptions, error) {
	o := &parsersOptions{}
	flags := newFlags("bench parse")
	flags.IntVar(&o.rounds, "rounds", 7, "have every duel fought `N` times")
	flags.DurationVar(&o.duration, "duration", 300*time.Millisecond, "let each duel last `TIME` in each round")
	flags.StringVar(&o.json, "json", "", "write raw data to `FILE`")
	if err := parse(flags, args); err != nil {
		return nil, err
	}
	if o.rounds < 1 || o.rounds > 1000 {
		return nil, fmt.Errorf("%d rounds; it can be 1 to 1000", o.rounds)
	}
	if o.duration < time.Millisecond || o.duration > time.Minute {
		return nil, fmt.Errorf("a duration of %v; it can be 1ms to 1m", o.duration)
	}
	return o, nil
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
func measureParsers(ctx context.Context, o *parsersOptions) ([][]duel, error) {
	scratch, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	program := filepath.Join(scratch, "parsers.test")
	if err := buildBenchmarks(ctx, program, parsersPackage); err != nil {
		return nil, err
	}
	dir, err := packageFolder(ctx, parsersPackage)
	if err != nil {
		return nil, err
	}
	var rounds [][]duel
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, o.rounds)
		one, err := measureRound(duelsCommand(ctx, program, dir, o.duration))
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, one)
	}
	return rounds, nil
}

// buildBenchmarks builds the tests of a package, which its benchmarks are among.
func buildBenchmarks(ctx context.Context, program, pkg string) error {
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, pkg)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the benchmarks: %w", err)
	}
	return nil
}

func packageFolder(ctx context.Context, pkg string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", pkg)
	list.Stderr = os.Stderr
	dir, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", pkg, err)
	}
	return strings.TrimSpace(string(dir)), nil
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
func writeDuels(w io.Writer, o *parsersOptions, rounds [][]duel) {
	m := thisMachine()
	fmt.Fprintf(w, "parsers, %d rounds of %v, %s %s/%s\n", o.rounds, o.duration, m.Go, m.OS, m.Arch)
	fmt.Fprint(w, "median of the rounds; in brackets the least and the most\n\n")
	t := newTable(w, "ours", "rival", "request", "ours ns", "rival ns", "times as fast", "", "should be")
	var noisy []string
	for i, d := range rounds[0] {
		all := func(of func(duel) float64) summary {
			return summarize(each(rounds, func(_ int, round []duel) float64 { return of(round[i]) }))
		}
		ratio := all(func(d duel) float64 { return d.Ratio })
		size, parsers, _ := strings.Cut(d.Name, "/")
		ours, rival, _ := strings.Cut(parsers, "/")
		t.row(ours, rival, size,
			fmt.Sprintf("%.0f", all(func(d duel) float64 { return d.Ours }).median),
			fmt.Sprintf("%.0f", all(func(d duel) float64 { return d.Rival }).median),
			fmt.Sprintf("%.2f", ratio.median), fmt.Sprintf("[%.2f-%.2f]", ratio.min, ratio.max), judge(d.Name, ratio.median))
		if ratio.spread() > noisySpread {
			noisy = append(noisy, fmt.Sprintf("%s %.0f %%", d.Name, ratio.spread()*100))
		}
	}
	t.end()
	if len(noisy) > 0 {
		fmt.Fprintf(w, "\nNoisy ratios, whose middle half spreads by: %s. Measure again, with more --rounds.\n",
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
