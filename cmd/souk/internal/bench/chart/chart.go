// Package chart draws a run of `souk bench orders`: one HTML page with two
// pictures, which needs nothing else to be looked at.
package chart

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"souk.example/cmd/souk/internal/bench"
)

//go:embed page.html
var page string

// Size of a picture, and what it leaves free for the numbers beside it.
const (
	width, height = 900, 240
	left, right   = 60, 10
	top, bottom   = 20, 20
	gridLines     = 4
)

type line struct {
	name, color string
	values      []float64
}

// Write draws the seconds of a run that counts.
func Write(w io.Writer, r bench.Report) error {
	completed := line{name: "completed/s", color: "#0a7"}
	p50, p99 := line{name: "p50", color: "#06c"}, line{name: "p99", color: "#c30"}
	for _, s := range r.PerSecond {
		completed.values = append(completed.values, float64(s.Completed))
		p50.values, p99.values = append(p50.values, s.P50), append(p99.values, s.P99)
	}
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"Title":   "souk bench orders",
		"Summary": summary(r),
		"Panels":  []panel{draw("Orders completed per second", completed), draw("Accepted after, ms", p50, p99)},
	})
}

func summary(r bench.Report) string {
	load := "closed loop"
	if r.Load.Rate > 0 {
		load = fmt.Sprintf("%g arrivals per second", r.Load.Rate)
	}
	text := fmt.Sprintf("%s engines, to the %s, %s products, %s, %d clients, %g s after %g s of warm-up",
		r.Engines, r.Load.Target, r.Load.Profile, load, r.Load.Clients, r.Load.DurationS, r.Load.WarmupS)
	if r.CompletedPerS != nil && r.CPUUSPerOrder != nil {
		text += fmt.Sprintf(": %.1f orders completed per second, %.0f µs of CPU each", *r.CompletedPerS, r.CPUUSPerOrder.Total)
	}
	return text + "."
}

// panel is one picture, in coordinates of its own.
type panel struct {
	Title         string
	Width, Height int
	Grid          []gridLine
	Lines         []polyline
	Legend        []legend
}

type gridLine struct {
	X1, X2, Y int
	Label     string
}

type polyline struct{ Color, Points string }

type legend struct {
	X, Y        int
	Name, Color string
}

func draw(title string, lines ...line) panel {
	p := panel{Title: title, Width: width, Height: height}
	scale := ceiling(lines)
	for i := range gridLines + 1 {
		value := scale * float64(i) / gridLines
		p.Grid = append(p.Grid, gridLine{X1: left, X2: width - right, Y: int(yOf(value, scale)), Label: fmt.Sprintf("%g", value)})
	}
	for i, l := range lines {
		p.Lines = append(p.Lines, polyline{l.color, points(l.values, scale)})
		p.Legend = append(p.Legend, legend{X: left + 10 + 100*i, Y: top - 6, Name: l.name, Color: l.color})
	}
	return p
}

// ceiling is the next of 1, 2, 4 and 8 times a power of ten, so that the grid
// has short numbers.
func ceiling(lines []line) float64 {
	highest := 0.0
	for _, l := range lines {
		for _, v := range l.values {
			highest = max(highest, v)
		}
	}
	if highest == 0 {
		return 1
	}
	unit := math.Pow10(int(math.Floor(math.Log10(highest))))
	for _, times := range []float64{1, 2, 4, 8} {
		if highest <= times*unit {
			return times * unit
		}
	}
	return 10 * unit
}

func points(values []float64, scale float64) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%.1f,%.1f", xOf(i, len(values)), yOf(v, scale))
	}
	return b.String()
}

func xOf(i, n int) float64 {
	if n < 2 {
		return left
	}
	return left + float64(i)*(width-left-right)/float64(n-1)
}

func yOf(value, scale float64) float64 { return height - bottom - value/scale*(height-top-bottom) }
