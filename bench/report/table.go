package report

import (
	"fmt"
	"io"

	"github.com/sluicehttp/sluice/bench/measure"
)

// Table prints results for a terminal.
func Table(w io.Writer, r *measure.Results) {
	for i := range r.Workloads {
		workload := &r.Workloads[i]
		fmt.Fprintf(w, "\n%s: %s\n\n", workload.Name, workload.About)
		t := NewTable(w, "server", "requests/CPU s", "")
		for j := range workload.Servers {
			m := &workload.Servers[j]
			s := measure.Summarize(m.Yields())
			t.Row(m.Server, fmt.Sprintf("%.0f", s.Median), fmt.Sprintf("[%.0f-%.0f]", s.Min, s.Max))
		}
		t.End()
	}
}
