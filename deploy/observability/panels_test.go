package observability_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// panel is one of a dashboard; a row that is folded holds others.
type panel struct {
	Title   string
	Targets []target
	Panels  []panel
}

type target struct {
	Expr, LegendFormat string
	Exemplar           bool
}

// panels are those of all dashboards.
func panels(t *testing.T) (all []panel) {
	t.Helper()
	paths, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no dashboards", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard panel
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, p := range dashboard.Panels {
			all = append(append(all, p), p.Panels...)
		}
	}
	return all
}

var withExemplars = regexp.MustCompile(`(?m)^\| (\w+) \|.*; with exemplars \|`)

// Grafana asks for exemplars only where it is told to. One target of a panel is
// enough: its quantiles have the same ones.
func TestPanelsAskForExemplars(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, m := range withExemplars.FindAllStringSubmatch(string(text), -1) {
		shown[m[1]+"_bucket"] = false
	}
	for _, p := range panels(t) {
		want, got := 0, 0
		for _, asked := range p.Targets {
			for _, name := range metricsIn(asked.Expr) {
				if _, has := shown[name]; has {
					shown[name], want = true, 1
				}
			}
			if asked.Exemplar {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d targets ask for exemplars, want %d", p.Title, got, want)
		}
	}
	for name, is := range shown {
		if !is {
			t.Errorf("no panel shows the exemplars of %s", name)
		}
	}
}

var (
	inLegend  = regexp.MustCompile(`\{\{(\w+)\}\}`)
	aggregate = regexp.MustCompile(`\b(?:sum|min|max|avg|count)\b *(?:by *\(([^)]*)\))?`)
)

// Lines of one name cannot be told apart, and a label that the query drops is
// shown as nothing.
func TestEveryLegendNamesWhatItsLinesDifferBy(t *testing.T) {
	for _, p := range panels(t) {
		for _, asked := range p.Targets {
			var says []string
			for _, m := range inLegend.FindAllStringSubmatch(asked.LegendFormat, -1) {
				says = append(says, m[1])
			}
			must, may := distinguished(t, asked.Expr)
			if lacks := less(must, says); len(lacks) > 0 {
				t.Errorf("%s: the legend %q lacks %q of %s", p.Title, asked.LegendFormat, lacks, asked.Expr)
			}
			if foreign := less(says, may); len(foreign) > 0 {
				t.Errorf("%s: the legend %q has %q, which %s drops", p.Title, asked.LegendFormat, foreign, asked.Expr)
			}
		}
	}
}

// less is what of a is not in b.
func less(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// distinguished are the labels that the lines of a query differ by, and those
// that they have. Of series as they are scraped the instance says the service.
func distinguished(t *testing.T, expr string) (must, may []string) {
	t.Helper()
	if outermost := aggregate.FindStringSubmatch(expr); outermost != nil {
		must = less(labelNames.FindAllString(outermost[1], -1), []string{"le"})
		return must, must
	}
	must = []string{"instance"}
	for _, name := range metricsIn(expr) {
		if m := registeredMetrics(t)[name]; m != nil {
			must = slices.AppendSeq(must, maps.Keys(m.labels))
		}
	}
	return must, append(must, "service")
}
