package report

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sluicehttp/sluice/bench/measure"
)

// The colours are readable on white and on black: plots have no background.
var (
	ink    = color.NRGBA{0x76, 0x7f, 0x8a, 0xff} // words and axes
	faint  = color.NRGBA{0x76, 0x7f, 0x8a, 0x55} // the grid
	others = color.NRGBA{0x7d, 0x95, 0xb5, 0xff}
	ours   = color.NRGBA{0xe0, 0x7a, 0x1f, 0xff}
	spread = color.NRGBA{0x56, 0x60, 0x6b, 0xff} // boxes and lines, on bars and beyond them
)

const (
	plotWidth = 18 * vg.Centimeter
	rowHeight = 0.8 * vg.Centimeter
	barHeight = 0.5 * vg.Centimeter
	fontSize  = 10
)

// bar is a server's line in a plot.
type bar struct {
	name   string
	values []float64
}

// plots are the files of plots, by the names of sections.
type plots struct {
	dir   string
	files map[string][]string
}

// writePlots draws what can be drawn.
func writePlots(dir string, r *measure.Results) (map[string][]string, error) {
	drawn := plots{dir, map[string][]string{}}
	for i := range r.Workloads {
		if err := drawn.workload(&r.Workloads[i]); err != nil {
			return nil, err
		}
	}
	var bars []bar
	for _, one := range r.Idle {
		bars = append(bars, bar{one.Server, []float64{one.Each() / 1024}})
	}
	return drawn.files, drawn.bars("idle", "memory of an idle connection: less is better", "KiB", bars)
}

// workload draws what requests cost, and how long they took.
func (p *plots) workload(w *measure.Workload) error {
	unit := "requests per CPU second"
	if w.Large {
		unit = "MiB per CPU second"
	}
	var bars []bar
	var ranges []latencies
	for i := range w.Servers {
		m := &w.Servers[i]
		bars = append(bars, bar{m.Server, yields(w, m)})
		if len(m.Paced) > 0 {
			ranges = append(ranges, latenciesOf(m))
		}
	}
	if err := p.bars(w.Name, w.About+": more is better", unit, bars); err != nil || len(ranges) == 0 {
		return err
	}
	svg, err := drawLatencies(fmt.Sprintf("the same at %s requests/s: less is better", grouped(w.Rate)), ranges)
	if err != nil {
		return fmt.Errorf("the latencies of %s: %w", w.Name, err)
	}
	return p.put(w.Name, w.Name+"-latency.svg", svg)
}

func (p *plots) bars(section, title, unit string, bars []bar) error {
	if len(bars) == 0 {
		return nil
	}
	svg, err := drawBars(title, unit, bars)
	if err != nil {
		return fmt.Errorf("the plot of %s: %w", section, err)
	}
	return p.put(section, section+".svg", svg)
}

func (p *plots) put(section, file string, svg []byte) error {
	p.files[section] = append(p.files[section], filepath.Base(p.dir)+"/"+file)
	return os.WriteFile(filepath.Join(p.dir, file), svg, 0o644)
}

// drawBars draws a bar for the median of each server's values, and how they spread.
func drawBars(title, unit string, bars []bar) ([]byte, error) {
	p := newPlot(title, unit, len(bars), func(i int) string { return bars[i].name })
	p.X.Min, p.X.Max = 0, 0
	for _, b := range bars {
		p.X.Max = max(p.X.Max, measure.Summarize(b.values).High)
	}
	p.X.Max *= 1.12 // room for the number behind the bar
	p.X.Tick.Marker = thousands{}
	p.Add(barsPlotter(bars))
	return draws(p, len(bars))
}

// newPlot is a plot with a line for each of some names, the first on top.
func newPlot(title, unit string, count int, name func(int) string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // there is none
	p.Title.Text, p.X.Label.Text = title, unit
	style(&p.Title.TextStyle, fontSize+1)
	p.Title.Padding = 3 * vg.Millimeter
	names := make([]string, count)
	for i := range count {
		names[count-1-i] = name(i)
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(count)-0.4
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		style(&axis.Label.TextStyle, fontSize)
		style(&axis.Tick.Label, fontSize)
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = ink, ink
	}
	p.X.Tick.Label.YAlign = text.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = text.XRight, text.YCenter
	p.X.Label.TextStyle.XAlign, p.X.Label.TextStyle.YAlign = text.XCenter, text.YBottom
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	return p
}

// draws makes an SVG of a plot with so many lines.
func draws(p *plot.Plot, count int) ([]byte, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(plotWidth, vg.Length(count)*rowHeight+3*vg.Centimeter))
	const margin = 3 * vg.Millimeter
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	// Whoever looks may not have the font.
	return bytes.ReplaceAll(svg.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:'Liberation Sans',Arial,sans-serif")), nil
}

func style(s *text.Style, size vg.Length) {
	s.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
	s.Color = ink
}

// barsPlotter draws the bars, the first on top.
type barsPlotter []bar

// Plot draws them, and is what makes this a plot.Plotter.
func (bars barsPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	drawGrid(c, p)
	for i, b := range bars {
		s := measure.Summarize(b.values)
		middle := y(float64(len(bars) - 1 - i))
		rectangle(c, fill(b.name), x(0), middle-barHeight/2, x(s.Median), middle+barHeight/2)
		end := x(s.Median)
		if len(b.values) > 1 {
			c.StrokeLine2(draw.LineStyle{Color: spread, Width: 1.2}, x(s.Low), middle, x(s.High), middle)
			rectangle(c, spread, x(s.Lower), middle-barHeight/6, x(s.Upper), middle+barHeight/6)
			end = x(s.High)
		}
		label := p.X.Tick.Label
		label.XAlign, label.YAlign = text.XLeft, text.YCenter
		c.FillText(label, vg.Point{X: end + 1.5*vg.Millimeter, Y: middle}, grouped(s.Median))
	}
}

// drawGrid draws a line up from each labelled tick.
func drawGrid(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, tick := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if tick.Label != "" {
			c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.5}, x(tick.Value), c.Min.Y, x(tick.Value), c.Max.Y)
		}
	}
}

func fill(server string) color.Color {
	if strings.HasPrefix(server, "sluice") {
		return ours
	}
	return others
}

func rectangle(c draw.Canvas, fill color.Color, left, bottom, right, top vg.Length) {
	c.FillPolygon(fill, []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}})
}

// thousands labels ticks with groups of digits.
type thousands struct{}

// Ticks makes this a plot.Ticker.
func (thousands) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for _, tick := range (plot.DefaultTicks{}).Ticks(least, most) {
		if tick.Label != "" { // others are small ones between
			ticks = append(ticks, plot.Tick{Value: tick.Value, Label: grouped(tick.Value)})
		}
	}
	return ticks
}

// grouped writes a number as 12,345.
func grouped(v float64) string {
	digits := number(v)
	whole, rest, _ := strings.Cut(digits, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if v == 0 {
		return "0"
	}
	if rest == "" {
		return whole
	}
	return whole + "." + rest
}
