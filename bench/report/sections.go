package report

import (
	"fmt"
	"time"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/measure"
)

// section is a table.
type section struct {
	name, title string
	head        []string
	rows        [][]cell
	notes       []string
}

// cell is a value, and how far it spreads: empty where that is not told.
type cell struct{ value, spread string }

func plain(format string, args ...any) cell { return cell{value: fmt.Sprintf(format, args...)} }

// median shows values by their median, with the middle half of them.
func median(values []float64) cell {
	if len(values) == 0 {
		return cell{value: "-"}
	}
	s := measure.Summarize(values)
	return cell{number(s.Median), fmt.Sprintf("[%s-%s]", number(s.Lower), number(s.Upper))}
}

// short is a median without its spread.
func short(values []float64) cell { return cell{value: median(values).value} }

// number shows three digits, or all of a whole number.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// sections are all tables.
func sections(r *measure.Results) (all []section) {
	for i := range r.Workloads {
		all = append(all, workload(&r.Workloads[i]))
	}
	if len(r.Starts) > 0 {
		all = append(all, starts(r))
	}
	if len(r.Idle) > 0 {
		all = append(all, idle(r))
	}
	if len(r.Neighbours) > 0 {
		all = append(all, neighbours(r))
	}
	if s := judged(r); len(s.rows) > 0 {
		all = append(all, s)
	}
	return append(all, servers(r))
}

// workload is the table of one.
func workload(w *measure.Workload) section {
	s := section{name: w.Name, title: w.About}
	s.head = []string{"server", "requests/CPU s"}
	if w.Large {
		s.head[1] = "MiB/CPU s"
	}
	var against []*measure.Measured
	for _, name := range w.Against {
		if m := w.Find(name); m != nil {
			against = append(against, m)
			s.head = append(s.head, "x "+name)
		}
	}
	if w.Large {
		s.head = append(s.head, "CPU s/GiB", "MiB/s", "peak MiB")
	} else {
		s.head = append(s.head, "CPU s/100,000", "requests/s", "peak MiB")
	}
	if w.Rate > 0 {
		s.head = append(s.head, "p50 µs", "p99 µs", "p99.9 µs")
		s.notes = append(s.notes, fmt.Sprintf("Latencies at %s requests/s, counted from when each was due.", number(w.Rate)))
	}
	for i := range w.Servers {
		s.rows = append(s.rows, workloadRow(w, &w.Servers[i], against))
	}
	for _, lack := range w.Lacks {
		s.notes = append(s.notes, fmt.Sprintf("%s is not here: %s.", lack.Server, lack.Reason))
	}
	return s
}

func workloadRow(w *measure.Workload, m *measure.Measured, against []*measure.Measured) []cell {
	row := []cell{plain("%s", m.Server), median(yields(w, m))}
	for _, other := range against {
		row = append(row, median(measure.Ratios(m, other)))
	}
	peaks := measure.Each(m.Rounds, func(t measure.Turn) float64 { return float64(t.Peak) / (1 << 20) })
	perSecond := measure.Each(m.Rounds, measure.Turn.PerSecond)
	if w.Large {
		mib := float64(w.Bytes) / (1 << 20)
		row = append(row, short(inverse(yields(w, m), 1024)), short(times(perSecond, mib)), short(peaks))
	} else {
		row = append(row, short(inverse(m.Yields(), 1e5)), short(perSecond), short(peaks))
	}
	if w.Rate == 0 {
		return row
	}
	row = append(row, latency(m.Paced, p50), latency(m.Paced, p99))
	const enough = 1000 // for one in a thousand to be any
	if len(m.Paced) > 0 && m.Paced[0].Requests < enough {
		return append(row, cell{value: "-"})
	}
	return append(row, latency(m.Paced, p999))
}

// yields is the main figure in each round: requests per CPU second, or of large bodies MiB.
func yields(w *measure.Workload, m *measure.Measured) []float64 {
	if w.Large {
		return times(m.Yields(), float64(w.Bytes)/(1<<20))
	}
	return m.Yields()
}

func p50(p load.Paced) time.Duration  { return p.P50 }
func p99(p load.Paced) time.Duration  { return p.P99 }
func p999(p load.Paced) time.Duration { return p.P999 }

// latency is in microseconds.
func latency(rounds []load.Paced, of func(load.Paced) time.Duration) cell {
	return short(measure.Each(rounds, func(p load.Paced) float64 { return of(p).Seconds() * 1e6 }))
}

func times(values []float64, factor float64) []float64 {
	return measure.Each(values, func(v float64) float64 { return v * factor })
}

// inverse is what so many cost.
func inverse(values []float64, count float64) []float64 {
	return measure.Each(values, func(v float64) float64 { return count / v })
}

func starts(r *measure.Results) section {
	s := section{name: "start", title: "the time to the first right answer", head: []string{"server", "what begins", "ms"}}
	for _, one := range r.Starts {
		ms := measure.Each(one.Times, func(t time.Duration) float64 { return t.Seconds() * 1000 })
		s.rows = append(s.rows, []cell{plain("%s", one.Server), plain("%s", one.What), median(ms)})
	}
	return s
}

func idle(r *measure.Results) section {
	s := section{name: "idle", title: "the memory of connections that ask nothing",
		head: []string{"server", "connections", "KiB each", "MiB before", "MiB with them", "kept"}}
	for _, one := range r.Idle {
		s.rows = append(s.rows, []cell{plain("%s", one.Server), plain("%d", one.Connections), plain("%.1f", one.Each()/1024),
			plain("%.0f", float64(one.Before)/(1<<20)), plain("%.0f", float64(one.After)/(1<<20)), plain("%d", one.Kept)})
		if one.Refused != "" {
			s.notes = append(s.notes, fmt.Sprintf("%s has fewer, because %s.", one.Server, one.Refused))
		}
	}
	return s
}

func neighbours(r *measure.Results) section {
	s := section{name: "neighbour", title: "the latency of a tenant while another computes for ever",
		head: []string{"server", "spinning", "p50 µs", "p99 µs", "p99.9 µs"}}
	for _, one := range r.Neighbours {
		s.rows = append(s.rows, []cell{plain("%s", one.Server), plain("%d", one.Spinning),
			latency(one.Rounds, p50), latency(one.Rounds, p99), latency(one.Rounds, p999)})
	}
	if len(r.Neighbours[0].Rounds) > 0 {
		s.notes = append(s.notes, fmt.Sprintf("At %.0f requests/s, counted from when each was due. So many connections ask the neighbour "+
			"again whenever the limit on computing has ended it.", r.Neighbours[0].Rounds[0].Rate))
	}
	return s
}

// servers says who was measured, and who could not be had.
func servers(r *measure.Results) section {
	s := section{name: "servers", title: "what was measured", head: []string{"server", "version", "is"}}
	for _, one := range r.Servers {
		version := one.Version
		if one.Missing != "" {
			version = "not to be had: " + one.Missing
		}
		s.rows = append(s.rows, []cell{plain("%s", one.Name), plain("%s", version), plain("%s", one.About)})
	}
	return s
}
