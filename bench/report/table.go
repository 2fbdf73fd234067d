package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sluicehttp/sluice/bench/measure"
)

// Table prints results for a terminal.
func Table(w io.Writer, r *measure.Results) {
	for i := range r.Workloads {
		workload := &r.Workloads[i]
		fmt.Fprintf(w, "\n%s: %s\n\n", workload.Name, workload.About)
		t := newTable(w, "server", "requests/CPU s", "")
		for j := range workload.Servers {
			m := &workload.Servers[j]
			s := measure.Summarize(m.Yields())
			t.row(m.Server, fmt.Sprintf("%.0f", s.Median), fmt.Sprintf("[%.0f-%.0f]", s.Min, s.Max))
		}
		t.end()
	}
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
