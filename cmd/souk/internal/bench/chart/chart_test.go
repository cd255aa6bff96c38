package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/bench"
	"souk.example/cmd/souk/internal/bench/chart"
)

func page(t *testing.T, r bench.Report) string {
	t.Helper()
	var b strings.Builder
	if err := chart.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func polylines(t *testing.T, html string) (points []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html[strings.Index(html, "<body>"):strings.Index(html, "</html>")]))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return points
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			for _, a := range e.Attr {
				if a.Name.Local == "points" {
					points = append(points, a.Value)
				}
			}
		}
	}
}

func TestLinesFollowTheSeconds(t *testing.T) {
	seconds := []bench.Second{{Completed: 0, P50: 1, P99: 4}, {Completed: 100, P50: 2, P99: 8}, {Completed: 50, P50: 1, P99: 2}}
	got := polylines(t, page(t, bench.Report{PerSecond: seconds}))
	want := []string{
		"60.0,220.0 475.0,20.0 890.0,120.0",
		"60.0,195.0 475.0,170.0 890.0,195.0",
		"60.0,120.0 475.0,20.0 890.0,170.0",
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines", len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %s, want %s", i, got[i], want[i])
		}
	}
}

func TestAPageStandsByItself(t *testing.T) {
	for name, r := range map[string]bench.Report{
		"no seconds":  {},
		"one second":  {PerSecond: []bench.Second{{Completed: 3, P50: 1, P99: 1}}},
		"odd numbers": {PerSecond: []bench.Second{{Completed: 1437, P50: 0.01, P99: 15000}}, Load: bench.LoadReport{Target: "<script>", Rate: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			html := page(t, r)
			for _, foreign := range []string{"<script", "src=", "href=", "NaN", "Inf", "ZgotmplZ"} {
				if strings.Contains(html, foreign) {
					t.Errorf("%q in %s", foreign, html)
				}
			}
		})
	}
}
