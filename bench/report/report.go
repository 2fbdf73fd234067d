// Package report makes tables, plots and judgements of what was measured.
//
// Its files, top down: report (the whole), sections (what the tables hold), bars (what is expected), noise (whether the machine
// was quiet), text and markdown (how tables look), plot and latency (how figures look).
package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluicehttp/sluice/bench/measure"
)

// Text prints results for a terminal.
func Text(w io.Writer, r *measure.Results) {
	fmt.Fprintf(w, "%s\n", machine(r))
	fmt.Fprintln(w, "median of the rounds; in brackets the middle half")
	for _, s := range sections(r) {
		fmt.Fprintf(w, "\n%s: %s\n\n", s.name, s.title)
		s.text(w)
	}
	for _, warning := range warnings(r) {
		fmt.Fprintf(w, "\n%s\n", warning)
	}
}

// Write writes results as a page with plots into a folder: benchmarks.md, and the plots in benchmarks/.
func Write(dir string, r *measure.Results) error {
	plots := filepath.Join(dir, "benchmarks")
	if err := os.RemoveAll(plots); err != nil { // of an earlier run
		return err
	}
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	drawn, err := writePlots(plots, r)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		return err
	}
	markdown(file, r, drawn)
	return file.Close()
}

// machine says where, when and how it was measured.
func machine(r *measure.Results) string {
	m := r.Machine
	return fmt.Sprintf("%s, %d processors, %s, %s, %s, %s; rounds of %v after %v of warm-up",
		m.Time.Format("2006-01-02"), m.Processors, orUnknown(m.Processor), orUnknown(m.System), m.Kernel, m.Go, r.Duration, r.WarmUp)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
