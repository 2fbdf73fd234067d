package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// noisySpread is the spread from which on the reader is warned.
const noisySpread = 0.15

// writeComparison prints the table of a comparison.
func writeComparison(w io.Writer, o *options, baseName string, results []result) {
	fmt.Fprintf(w, "%d connections, %d rounds of %v, %d processors, %s %s/%s\n",
		o.Connections, o.Rounds, o.Duration, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprint(w, "median of the rounds; in brackets the least and the most\n\n")
	t := newTable(w, "server", "requests/CPU s", "", "x "+baseName, "", "CPU µs/req", "of it user", "requests/s",
		"p50 µs", "p99 µs", "allocs/req")
	base := find(results, baseName)
	for i := range results {
		t.row(cells(&results[i], base)...)
	}
	t.end()
	fmt.Fprintln(w)
	writeLegend(w, results)
	writeWarnings(w, o, base, results)
}

// cells is a row of the table.
func cells(r, base *result) []string {
	perCPUSecond := summarize(yields(r.slots))
	ratio, ratioRange := "-", ""
	if base != nil {
		s := summarize(ratios(r.slots, base.slots))
		ratio, ratioRange = fmt.Sprintf("%.2f", s.median), fmt.Sprintf("[%.2f-%.2f]", s.min, s.max)
	}
	median := func(format string, f func(slot) float64) string {
		return fmt.Sprintf(format, summarize(each(r.slots, func(_ int, s slot) float64 { return f(s) })).median)
	}
	allocations := median("%.1f", slot.allocations)
	if r.slots[0].Used.NoHeap {
		allocations = "-"
	}
	return []string{
		r.name,
		fmt.Sprintf("%.0f", perCPUSecond.median), fmt.Sprintf("[%.0f-%.0f]", perCPUSecond.min, perCPUSecond.max),
		ratio, ratioRange,
		median("%.1f", func(s slot) float64 { return s.microseconds(s.Used.cpu()) }),
		median("%.1f", func(s slot) float64 { return s.microseconds(s.Used.User) }),
		median("%.0f", slot.perSecond),
		median("%.0f", func(s slot) float64 { return s.P50.Seconds() * 1e6 }),
		median("%.0f", func(s slot) float64 { return s.P99.Seconds() * 1e6 }),
		allocations,
	}
}

func writeLegend(w io.Writer, results []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\n", r.name, r.about)
	}
	_ = t.Flush() // a closed stdout is nobody's loss
}

func writeWarnings(w io.Writer, o *options, base *result, results []result) {
	figures := noisy(results, func(r *result) []float64 { return yields(r.slots) })
	var relative []string
	if base != nil {
		relative = noisy(results, func(r *result) []float64 { return ratios(r.slots, base.slots) })
	}
	if len(figures) > 0 {
		fmt.Fprintf(w, "\nNoisy figures, whose middle half spreads by: %s. Something else uses this machine.\n",
			strings.Join(figures, ", "))
	}
	if len(relative) > 0 {
		fmt.Fprintf(w, "\nNoisy ratios, whose middle half spreads by: %s. Measure again, with more --rounds.\n",
			strings.Join(relative, ", "))
	}
	if o.profiles != "" {
		fmt.Fprintf(w, "\nProfiles are in %s. Profiling has slowed every server.\n", o.profiles)
	}
}

// noisy lists the servers whose values spread too far, with the spread.
func noisy(results []result, values func(*result) []float64) []string {
	var list []string
	for i := range results {
		if spread := summarize(values(&results[i])).spread(); spread > noisySpread {
			list = append(list, fmt.Sprintf("%s %.0f %%", results[i].name, spread*100))
		}
	}
	return list
}

// table is aligned text: the first column to the left, the others to the right.
type table struct {
	w    io.Writer
	rows [][]string
}

func newTable(w io.Writer, head ...string) *table { return &table{w, [][]string{head}} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) end() {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		line := fmt.Sprintf("%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			line += fmt.Sprintf("  %*s", widths[i+1], cell)
		}
		fmt.Fprintln(t.w, strings.TrimRight(line, " "))
	}
}

// comparisonData is what --json keeps of a comparison.
func comparisonData(o *options, results []result) any {
	type server struct {
		Name        string `json:"name"`
		About       string `json:"about"`
		AnswerBytes int    `json:"answer_bytes"`
		Rounds      []slot `json:"rounds"`
	}
	var servers []server
	for _, r := range results {
		servers = append(servers, server{r.name, r.about, r.answerBytes, r.slots})
	}
	return struct {
		Machine     machine       `json:"machine"`
		Connections int           `json:"connections"`
		Duration    time.Duration `json:"duration_ns"`
		WarmUp      time.Duration `json:"warm_up_ns"`
		Profiled    bool          `json:"profiled"`
		Request     int           `json:"request_bytes"`
		Servers     []server      `json:"servers"`
	}{thisMachine(), o.Connections, o.Duration, o.WarmUp, o.profiles != "", len(request), servers}
}

// machine is what figures depend on.
type machine struct {
	Go         string    `json:"go"`
	OS         string    `json:"os"`
	Arch       string    `json:"arch"`
	Processors int       `json:"processors"`
	Time       time.Time `json:"time"`
}

func thisMachine() machine {
	return machine{runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC()}
}

func writeJSON(path string, data any) error {
	text, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
