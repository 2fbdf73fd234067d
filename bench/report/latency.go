package report

import (
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/sluicehttp/sluice/bench/load"
	"github.com/sluicehttp/sluice/bench/measure"
)

// latencies is a server's line in a plot of latencies, which are in microseconds.
type latencies struct {
	name           string
	p50, p99, p999 float64
}

func latenciesOf(m *measure.Measured) latencies {
	of := func(f func(load.Paced) time.Duration) float64 {
		return measure.Summarize(measure.Each(m.Paced, func(p load.Paced) float64 { return max(f(p).Seconds()*1e6, 1) })).Median
	}
	return latencies{m.Server, of(p50), of(p99), of(p999)}
}

// drawLatencies draws for each server a line from the median latency, a dot, by the 99th percentile, a ring, to the 99.9th, an
// end.
func drawLatencies(title string, ranges []latencies) ([]byte, error) {
	p := newPlot(title, "latency in µs: dot 50 %, ring and number 99 %, end 99.9 % of requests", len(ranges), func(i int) string { return ranges[i].name })
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = decades{}
	p.X.Min, p.X.Max = math.Inf(1), 0
	for _, r := range ranges {
		p.X.Min, p.X.Max = min(p.X.Min, r.p50), max(p.X.Max, r.p999)
	}
	p.X.Min = math.Pow(10, math.Floor(math.Log10(p.X.Min)))
	p.X.Max = math.Pow(10, math.Ceil(math.Log10(p.X.Max)+0.01))
	p.Add(latencyPlotter(ranges))
	return draws(p, len(ranges))
}

// latencyPlotter draws the lines, the first on top.
type latencyPlotter []latencies

// Plot draws them, and is what makes this a plot.Plotter.
func (ranges latencyPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	drawGrid(c, p)
	const radius = 1.3 * vg.Millimeter
	for i, r := range ranges {
		middle := y(float64(len(ranges) - 1 - i))
		shade := fill(r.name)
		c.StrokeLine2(draw.LineStyle{Color: shade, Width: 2}, x(r.p50), middle, x(r.p999), middle)
		c.StrokeLine2(draw.LineStyle{Color: shade, Width: 2}, x(r.p999), middle-radius, x(r.p999), middle+radius)
		c.DrawGlyph(draw.GlyphStyle{Color: shade, Radius: radius, Shape: draw.CircleGlyph{}}, vg.Point{X: x(r.p50), Y: middle})
		c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: radius, Shape: draw.CircleGlyph{}}, vg.Point{X: x(r.p99), Y: middle})
		c.DrawGlyph(draw.GlyphStyle{Color: shade, Radius: radius, Shape: draw.RingGlyph{}}, vg.Point{X: x(r.p99), Y: middle})
		label := p.X.Tick.Label
		label.XAlign, label.YAlign = text.XLeft, text.YCenter
		c.FillText(label, vg.Point{X: x(r.p999) + 2*vg.Millimeter, Y: middle}, grouped(r.p99))
	}
}

// decades puts ticks at powers of ten.
type decades struct{}

// Ticks makes this a plot.Ticker.
func (decades) Ticks(least, most float64) (ticks []plot.Tick) {
	for at := least; at <= most*1.01; at *= 10 {
		whole, _, _ := strings.Cut(grouped(at), ".")
		ticks = append(ticks, plot.Tick{Value: at, Label: whole})
	}
	return ticks
}
