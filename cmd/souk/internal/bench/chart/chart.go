// Package chart draws a run of `souk bench orders`: one HTML page with two
// pictures, which needs nothing else to be looked at.
package chart

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"os"
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
	return fill(w, summary(r), draw("Orders completed per second", completed), draw("Accepted after, ms", p50, p99))
}

// fill writes the page. It does without html/template, which would keep every
// exported method of every type in the binary, see decision 0026.
func fill(w io.Writer, summary string, panels ...panel) error {
	var pictures strings.Builder
	for _, p := range panels {
		drawn, err := xml.Marshal(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(&pictures, "<h2>%s</h2>\n%s\n", html.EscapeString(p.Title), drawn)
	}
	at := map[string]string{"Summary": html.EscapeString(summary), "Panels": pictures.String()}
	_, err := io.WriteString(w, os.Expand(page, func(key string) string { return at[key] }))
	return err
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
	XMLName xml.Name `xml:"svg"`
	Role    string   `xml:"role,attr"`
	Title   string   `xml:"aria-label,attr"`
	Width   int      `xml:"width,attr"`
	Height  int      `xml:"height,attr"`
	ViewBox string   `xml:"viewBox,attr"`
	Grid    []gridLine
	Texts   []text
	Lines   []polyline
}

type gridLine struct {
	XMLName xml.Name `xml:"line"`
	Class   string   `xml:"class,attr"`
	X1      int      `xml:"x1,attr"`
	Y1      int      `xml:"y1,attr"`
	X2      int      `xml:"x2,attr"`
	Y2      int      `xml:"y2,attr"`
}

type text struct {
	XMLName xml.Name `xml:"text"`
	X       int      `xml:"x,attr"`
	Y       int      `xml:"y,attr"`
	Style   string   `xml:"style,attr"`
	Says    string   `xml:",chardata"`
}

type polyline struct {
	XMLName xml.Name `xml:"polyline"`
	Stroke  string   `xml:"stroke,attr"`
	Points  string   `xml:"points,attr"`
}

func draw(title string, lines ...line) panel {
	p := panel{Role: "img", Title: title, Width: width, Height: height, ViewBox: fmt.Sprintf("0 0 %d %d", width, height)}
	scale := ceiling(lines)
	for i := range gridLines + 1 {
		value := scale * float64(i) / gridLines
		y := int(yOf(value, scale))
		p.Grid = append(p.Grid, gridLine{Class: "grid", X1: left, Y1: y, X2: width - right, Y2: y})
		p.Texts = append(p.Texts, text{X: left - 6, Y: y + 4, Style: "text-anchor: end", Says: fmt.Sprintf("%g", value)})
	}
	for i, l := range lines {
		p.Lines = append(p.Lines, polyline{Stroke: l.color, Points: points(l.values, scale)})
		p.Texts = append(p.Texts, text{X: left + 10 + 100*i, Y: top - 6, Style: "fill: " + l.color, Says: l.name})
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
