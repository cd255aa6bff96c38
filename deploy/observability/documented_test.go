package observability_test

import (
	"cmp"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is what docs/metrics.md says about a metric.
type row struct{ kind, labels, services, use string }

var (
	section = regexp.MustCompile(`(?m)^Registered by: ([a-z, ]+)\.`)
	rowForm = regexp.MustCompile(`(?m)^\| (\w+) \| (\w+), [^|]+ \| ([\w, ]*) \| [^|]+ \| ([^|]+) \|$`)
)

func documented(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		by := section.FindStringSubmatch(part)
		found := rowForm.FindAllStringSubmatch(part, -1)
		if by == nil || len(found) != strings.Count(part, "\n| ") {
			t.Fatalf("cannot read %s", part)
		}
		for _, m := range found[1:] { // the first are the headings
			if _, twice := rows[m[1]]; twice {
				t.Errorf("%s stands in docs/metrics.md twice", m[1])
			}
			rows[m[1]] = row{kind: m[2], labels: m[3], services: by[1], use: m[4]}
		}
	}
	return rows
}

// runtime metrics are client_golang's to document.
var runtime = regexp.MustCompile(`^(process_|go_([^s]|s[^q]))`)

func TestEveryMetricIsDocumented(t *testing.T) {
	rows, registered := documented(t), registeredMetrics(t)
	for name, m := range registered {
		if runtime.MatchString(name) {
			continue
		}
		is := row{kind: m.kind, labels: listed(m.labels), services: listed(m.services), use: rows[name].use}
		if got, there := rows[name]; !there {
			t.Errorf("docs/metrics.md lacks %s, a %s by %s with the labels %q", name, is.kind, is.services, is.labels)
		} else if got != is {
			t.Errorf("%s:\ndocs/metrics.md says %+v\nthe services say     %+v", name, got, is)
		}
	}
	for name := range rows {
		if registered[name] == nil {
			t.Errorf("docs/metrics.md has %s, and nothing registers it", name)
		}
	}
}

// A metric that nobody looks at is kept for nothing.
func TestEveryMetricIsOfUse(t *testing.T) {
	used := map[string]bool{}
	for _, expr := range allExpressions(t) {
		for _, name := range metricsIn(expr) {
			used[name], used[histogramOf(name)] = true, true
		}
	}
	for name, r := range documented(t) {
		if forDiagnosis := strings.HasPrefix(r.use, "for diagnosis: "); forDiagnosis == used[name] {
			t.Errorf("%s: docs/metrics.md says %q; in a dashboard or an alert: %t", name, r.use, used[name])
		}
	}
}

var (
	grouping = regexp.MustCompile(`\bby *\(([^)]*)\)`)
	matchers = regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=) *"`)
	// byScrape are labels that no service sets, and those of histograms and summaries.
	byScrape = []string{"service", "instance", "le", "quantile"}
)

// A query for a label that its metrics lack finds nothing, or one sum of all.
func TestEveryLabelIsOneOfItsMetric(t *testing.T) {
	registered := registeredMetrics(t)
	for _, expr := range allExpressions(t) {
		var asked []string
		for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
			asked = append(asked, labelNames.FindAllString(m[1], -1)...)
		}
		for _, m := range matchers.FindAllStringSubmatch(expr, -1) {
			asked = append(asked, m[1])
		}
		for _, label := range asked {
			has := func(name string) bool {
				m := cmp.Or(registered[name], registered[histogramOf(name)], &metric{})
				return m.labels[label]
			}
			if !slices.Contains(byScrape, label) && !slices.ContainsFunc(metricsIn(expr), has) {
				t.Errorf("no metric has the label %s in %s", label, expr)
			}
		}
	}
}

// A row that names an alert names one that asks for its metric.
func TestEveryAlertStandsByItsMetrics(t *testing.T) {
	rules := rulesOf(t)
	for name, r := range documented(t) {
		for _, rule := range rules {
			asks := slices.ContainsFunc(metricsIn(rule.expr), func(m string) bool { return m == name || histogramOf(m) == name })
			if says := alertNamed(r.use, rule.name); says != asks && !rule.record && !viaRatio(rule.expr) {
				t.Errorf("%s and %s: docs/metrics.md says %t, the rule %t", name, rule.name, says, asks)
			}
		}
	}
}

func alertNamed(use, alert string) bool {
	return regexp.MustCompile(`\b` + alert + `\b`).MatchString(use)
}

// viaRatio recognises an alert on recorded ratios, which has a family's name.
func viaRatio(expr string) bool { return strings.Contains(expr, "service:") }

func listed(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), ", ") }
