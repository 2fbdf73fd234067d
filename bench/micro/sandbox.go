package micro

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sluicehttp/sluice/bench/measure"
	"github.com/sluicehttp/sluice/bench/report"
)

// sandboxPart is a benchmark beside the code that it measures, with what is expected of its figures.
type sandboxPart struct {
	title   string
	pkg     string
	bench   string
	columns []sandboxColumn
	// processors is how many the benchmark may use; 0: as many as there are.
	processors int
	// long says that one pass takes seconds by itself.
	long bool
}

// sandboxColumn is a figure of a benchmark.
type sandboxColumn struct {
	unit  string // as the benchmark names it
	title string
	// most are the bars, by the names of sub-benchmarks; what is called "" is the median's of all.
	most map[string]float64
}

const enginePackages = "engine/internal/"

var sandboxParts = []sandboxPart{
	{
		title: "isolation: what a clean instance costs each request, beside one that is used again as it is",
		pkg:   enginePackages + "sandbox", bench: "BenchmarkIsolation", processors: 1,
		columns: []sandboxColumn{
			{unit: "clean-ns", title: "clean ns"}, {unit: "reused-ns", title: "reused ns"},
			{unit: "more-us", title: "more µs", most: map[string]float64{"128KiB": 2, "1MiB": 6, "1MiB-full": 6}},
		},
	},
	{
		title: "metering: how many times as long rewritten modules take",
		pkg:   enginePackages + "rewrite", bench: "BenchmarkMetering", processors: 1,
		columns: []sandboxColumn{
			{unit: "original-ns", title: "original ns"}, {unit: "metered-ns", title: "metered ns"},
			{unit: "x", title: "times as long", most: map[string]float64{"*": 1.4, "": 1.25}},
		},
	},
	{
		title: "marks: how many times as long rewritten modules take because they mark what they write",
		pkg:   enginePackages + "rewrite", bench: "BenchmarkMarks", processors: 1,
		columns: []sandboxColumn{
			{unit: "unmarked-ns", title: "unmarked ns"}, {unit: "marked-ns", title: "marked ns"},
			{unit: "x", title: "times as long", most: map[string]float64{"*": 1.2, "": 1.08}},
		},
	},
	{
		title: "neighbours: a small handler and the garbage collector beside so many that compute for ever",
		pkg:   enginePackages + "sandbox", bench: "BenchmarkNeighbours", long: true,
		columns: []sandboxColumn{
			{unit: "p99-ms", title: "p99 ms", most: map[string]float64{"2": 25, "64": 100}},
			{unit: "gc-median-ms", title: "GC median ms", most: map[string]float64{"2": 2, "64": 5}},
			{unit: "gc-p95-ms", title: "GC p95 ms", most: map[string]float64{"2": 10}},
			{unit: "overrun-ms", title: "beyond limit ms", most: map[string]float64{"2": 20, "64": 20}},
		},
	},
}

// Sandbox measures what isolation and metering cost, in those benchmarks whose title begins with a word, so many times for a
// while each, and prints tables. The raw data goes into a file, if one is named.
func Sandbox(ctx context.Context, site *Site, only string, rounds int, duration time.Duration, json string) error {
	fmt.Printf("%d rounds of %v, %s, %d processors\nmedian of the rounds; in brackets the least and the most\n",
		rounds, duration, runtime.Version(), runtime.NumCPU())
	raw := map[string][]figures{}
	for _, part := range sandboxParts {
		if !strings.HasPrefix(part.title, only) {
			continue
		}
		all, err := part.measure(ctx, site, rounds, duration)
		if err != nil {
			return err
		}
		part.write(os.Stdout, all)
		raw[part.bench] = all
	}
	if len(raw) == 0 {
		return fmt.Errorf("no benchmark's title begins with %q", only)
	}
	if json == "" {
		return nil
	}
	machine, err := measure.ThisMachine()
	if err != nil {
		return err
	}
	return measure.WriteJSON(json, map[string]any{"machine": machine, "duration_ns": duration, "rounds": raw})
}

// figures are those of one round: by the name of a sub-benchmark and the unit.
type figures struct {
	Names  []string                      `json:"names"`
	Values map[string]map[string]float64 `json:"values"`
}

func (p *sandboxPart) measure(ctx context.Context, site *Site, count int, duration time.Duration) ([]figures, error) {
	program, dir, err := site.benchmarks(ctx, p.pkg)
	if err != nil {
		return nil, err
	}
	var rounds []figures
	for round := range count {
		fmt.Fprintf(os.Stderr, "%s, round %d of %d\n", p.bench, round+1, count)
		cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench=^"+p.bench+"$", "-test.benchtime="+p.time(duration))
		if p.processors > 0 {
			cmd.Args = append(cmd.Args, "-test.cpu="+strconv.Itoa(p.processors))
		}
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SLUICE_REQUIRE_TOOLCHAINS=1")
		output, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", p.bench, err, output)
		}
		one := p.read(string(output))
		if len(one.Names) == 0 {
			return nil, fmt.Errorf("%s gave no figures:\n%s", p.bench, output)
		}
		rounds = append(rounds, one)
	}
	return rounds, nil
}

func (p *sandboxPart) time(duration time.Duration) string {
	if p.long {
		return "1x"
	}
	return duration.String()
}

// read reads lines such as "BenchmarkIsolation/128KiB-2   500   6077 clean-ns   5.219 more-us   866.7 reused-ns".
func (p *sandboxPart) read(output string) figures {
	found := figures{Values: map[string]map[string]float64{}}
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], p.bench+"/") {
			continue
		}
		name := strings.TrimPrefix(words[0], p.bench+"/")
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			if _, err := strconv.Atoi(name[at+1:]); err == nil {
				name = name[:at] // the number of processors
			}
		}
		found.Names = append(found.Names, name)
		found.Values[name] = map[string]float64{}
		for i := 2; i+1 < len(words); i += 2 {
			if value, err := strconv.ParseFloat(words[i], 64); err == nil {
				found.Values[name][words[i+1]] = value
			}
		}
	}
	return found
}

// write prints the table of a part.
func (p *sandboxPart) write(w io.Writer, rounds []figures) {
	fmt.Fprintf(w, "\n%s\n\n", p.title)
	head := []string{""}
	for _, column := range p.columns {
		head = append(head, column.title, "", "at most")
	}
	t := report.NewTable(w, head...)
	medians := map[string][]float64{}
	for _, name := range rounds[0].Names {
		cells := []string{name}
		for _, column := range p.columns {
			values := measure.Each(rounds, func(f figures) float64 { return f.Values[name][column.unit] })
			s := measure.Summarize(values)
			medians[column.unit] = append(medians[column.unit], s.Median)
			cells = append(cells, number(s.Median), fmt.Sprintf("[%s-%s]", number(s.Min), number(s.Max)), column.judge(name, s.Median))
		}
		t.Row(cells...)
	}
	t.End()
	for _, column := range p.columns {
		if _, wanted := column.most[""]; wanted {
			middle := measure.Summarize(medians[column.unit]).Median
			fmt.Fprintf(w, "%s in the median: %s (%s)\n", column.title, number(middle), column.judge("", middle))
		}
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// judge says what was expected of a figure, and whether it came.
func (c *sandboxColumn) judge(name string, value float64) string {
	most, ok := c.most[name]
	if !ok && name != "" {
		most, ok = c.most["*"]
	}
	switch {
	case !ok:
		return "-"
	case value > most:
		return number(most) + ": missed"
	default:
		return number(most) + ": held"
	}
}
