package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluicehttp/sluice/bench/measure"
)

// markdown writes the page. Plots are by the names of sections.
func markdown(w io.Writer, r *measure.Results, plots map[string][]string) {
	fmt.Fprintf(w, "# Benchmarks\n\nMade by `./build.sh bench --out docs`; [bench/README.md](../bench/README.md) says how it is measured "+
		"and how to read it.\n\n%s.\n\nFigures are the median of the rounds, in brackets the middle half of them. In the plots a box is "+
		"the middle half of the rounds, and a line the middle nine tenths.\n", machine(r))
	for _, warning := range warnings(r) {
		fmt.Fprintf(w, "\n> %s\n", warning)
	}
	all := sections(r)
	if i := len(all) - 2; i >= 0 && all[i].name == "bars" { // what readers look for first
		bars := all[i]
		all = append([]section{bars}, append(all[:i:i], all[i+1:]...)...)
	}
	for _, s := range all {
		fmt.Fprintf(w, "\n## %s\n\n", strings.ToUpper(s.title[:1])+s.title[1:])
		for _, plot := range plots[s.name] {
			fmt.Fprintf(w, "![%s](%s)\n\n", s.title, plot)
		}
		s.markdown(w)
	}
}

// markdown writes a section's table: names to the left, figures to the right.
func (s *section) markdown(w io.Writer) {
	line := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line(s.head)
	rule := make([]string, len(s.head))
	for i := range rule {
		rule[i] = "---:"
		if s.words(i) {
			rule[i] = "---"
		}
	}
	line(rule)
	for _, row := range s.rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(c.value+" "+c.spread), "|", `\|`))
		}
		line(cells)
	}
	for _, note := range s.notes {
		fmt.Fprintf(w, "\n%s\n", note)
	}
}

// words reports whether a column holds words rather than figures.
func (s *section) words(column int) bool {
	for _, row := range s.rows {
		if value := row[column].value; value != "-" && strings.Trim(value, "0123456789.,") != "" {
			return true
		}
	}
	return false
}
