package report

import (
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/bench/measure"
)

const (
	// Noisy is the doubt about a median from which on the reader is warned.
	Noisy = 0.1
	// disturbed is the part of the processors' time that others may take, or that may be withheld, in a server's turns.
	disturbed = 0.1
	// tooNoisy is the part of figures that may be disturbed until a run is worth nothing.
	tooNoisy = 0.2
)

// warnings say what to doubt.
func warnings(r *measure.Results) (all []string) {
	figures, bad := 0, 0
	var noisyFigures, noisyRatios []string
	for i := range r.Workloads {
		w := &r.Workloads[i]
		for j := range w.Servers {
			m := &w.Servers[j]
			figures++
			if m.Disturbed() > disturbed {
				bad++
			}
			noisyFigures = append(noisyFigures, noisy(w, m.Server, m.Yields())...)
			if len(w.Against) > 0 && w.Find(w.Against[0]) != nil {
				noisyRatios = append(noisyRatios, noisy(w, m.Server, measure.Ratios(m, w.Find(w.Against[0])))...)
			}
		}
	}
	if float64(bad) > tooNoisy*float64(figures) {
		all = append(all, fmt.Sprintf("This run was too noisy to be published: while %d of %d figures were taken, other programs or the "+
			"machine's host took more than %.0f %% of the processors' time.", bad, figures, disturbed*100))
	}
	if len(noisyFigures) > 0 {
		all = append(all, fmt.Sprintf("Noisy figures, whose median may be off by: %s. Compare ratios.", strings.Join(noisyFigures, ", ")))
	}
	if len(noisyRatios) > 0 {
		all = append(all, fmt.Sprintf("Noisy ratios, whose median may be off by: %s. Measure again, with more --rounds.",
			strings.Join(noisyRatios, ", ")))
	}
	if r.Profiled {
		all = append(all, "Profiling has slowed the servers in Go.")
	}
	return all
}

// noisy names a figure whose median is in doubt, and how far it may be off.
func noisy(w *measure.Workload, server string, values []float64) []string {
	if doubt := measure.Summarize(values).Doubt(); doubt > Noisy {
		return []string{fmt.Sprintf("%s %s %.0f %%", w.Name, server, doubt*100)}
	}
	return nil
}
