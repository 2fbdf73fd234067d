package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/bench/measure"
)

// Bar is what is expected of a figure.
type Bar struct {
	// What is the figure, for the reader.
	What string
	// Workloads are those that it is taken from.
	Workloads []string
	// Of are its values in all rounds; none if it was not measured.
	Of func(*measure.Results) []float64
	// AtLeast or AtMost is the bar; the other is 0.
	AtLeast, AtMost float64
	// Guard is what an automatic check holds the figure to, on a machine that is not quiet; 0: nothing.
	Guard float64
}

// Bars are all that is expected.
var Bars = []Bar{
	ratio("hello-64", "net/http", 1.6, 1.2),
	ratio("hello-64", "fasthttp", 1.0, 0.5),
	ratio("hello-64", "raw", 0.85, 0.4),
	ratio("hello-64", "nginx", 0.75, 0.4),
	ratio("hello-64", "workerd", 4, 0),
	ratio("hello-64", "wasmtime", 3, 0),
	ratio("echo-100m", "net/http", 0.8, 0.45),
	growth("hello-64", "sluice", "hello-512", "sluice", 1.15, 1.6),
	growth("tenants-1", "sluice-tenants-1", "tenants-1000", "sluice-tenants-1000", 1.3, 2.2),
}

// ratio expects Sluice to do as many times the requests of another server per CPU second.
func ratio(workload, other string, atLeast, guard float64) Bar {
	return Bar{
		What:      fmt.Sprintf("%s: requests per CPU second, times those of %s", workload, other),
		Workloads: []string{workload},
		Of: func(r *measure.Results) []float64 {
			w := r.FindWorkload(workload)
			if w == nil || w.Find("sluice") == nil || w.Find(other) == nil {
				return nil
			}
			return measure.Ratios(w.Find("sluice"), w.Find(other))
		},
		AtLeast: atLeast, Guard: guard,
	}
}

// growth expects a request to cost no more than so many times what it costs in another workload of the same rounds.
func growth(from, fromServer, to, toServer string, atMost, guard float64) Bar {
	return Bar{
		What:      fmt.Sprintf("CPU time per request in %s, times that in %s", to, from),
		Workloads: []string{from, to},
		Of: func(r *measure.Results) []float64 {
			a, b := r.FindWorkload(from), r.FindWorkload(to)
			if a == nil || b == nil || a.Find(fromServer) == nil || b.Find(toServer) == nil {
				return nil
			}
			return measure.Ratios(a.Find(fromServer), b.Find(toServer))
		},
		AtMost: atMost, Guard: guard,
	}
}

// text is the bar, or its guard, as a reader wants it.
func (b *Bar) text(value float64) string {
	if b.AtMost > 0 {
		return "<= " + number(value)
	}
	return ">= " + number(value)
}

// holds reports whether a value is on the right side of a bar.
func (b *Bar) holds(value, bar float64) bool {
	if b.AtMost > 0 {
		return value <= bar
	}
	return value >= bar
}

func (b *Bar) bar() float64 { return b.AtLeast + b.AtMost }

// judged is the table of bars, with those that were not measured.
func judged(r *measure.Results) section {
	s := section{name: "bars", title: "what Sluice should hold", head: []string{"figure", "bar", "is", "verdict"}}
	measured, missed := false, false
	for i := range Bars {
		b := &Bars[i]
		values := b.Of(r)
		verdict := "not measured"
		if len(values) > 0 {
			measured = true
			verdict = "held"
			if !b.holds(measure.Summarize(values).Median, b.bar()) {
				verdict, missed = "missed", true
			}
		}
		s.rows = append(s.rows, []cell{plain("%s", b.What), plain("%s", b.text(b.bar())), median(values), plain("%s", verdict)})
	}
	if missed {
		s.notes = append(s.notes, "Why a bar is missed, and what may come next, is in bench/README.md, \"Where the time goes\".")
	}
	if !measured {
		s.rows = nil
	}
	return s
}

// Guarded is what an automatic check finds.
type Guarded struct {
	// Failed are the figures on the wrong side of what they are guarded at, Workloads those that they are taken from.
	Failed    []string
	Workloads []string
}

// Guard looks at every figure that is guarded and was measured. It is an error when there is none.
func Guard(r *measure.Results) (g Guarded, err error) {
	count := 0
	for i := range Bars {
		b := &Bars[i]
		values := b.Of(r)
		if b.Guard == 0 || len(values) == 0 {
			continue
		}
		count++
		if s := measure.Summarize(values); !b.holds(s.Median, b.Guard) {
			g.Workloads = append(g.Workloads, b.Workloads...)
			g.Failed = append(g.Failed, fmt.Sprintf("%s: %s [%s-%s], has to be %s", b.What, number(s.Median), number(s.Lower),
				number(s.Upper), b.text(b.Guard)))
		}
	}
	if count == 0 {
		return g, errors.New("nothing that is guarded was measured; it needs sluice, and what that is compared with")
	}
	return g, nil
}

// Err is nil when nothing failed.
func (g Guarded) Err() error {
	if len(g.Failed) == 0 {
		return nil
	}
	return fmt.Errorf("too slow:\n  %s", strings.Join(g.Failed, "\n  "))
}
