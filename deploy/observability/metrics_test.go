// Package observability_test holds the dashboards and the alerts against the
// code: a panel or an alert on a metric that nothing registers stays silent for
// ever, and looks like good news.
package observability_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func TestEveryMetricIsRegistered(t *testing.T) {
	registered, rules := map[string]bool{"up": true}, rulesOf(t)
	for name := range registeredMetrics(t) {
		registered[name] = true
	}
	for _, r := range rules {
		if r.record {
			registered[r.name] = true
		}
	}
	for _, r := range rules {
		check(t, "rule "+r.name, r.expr, registered)
	}
	for path, exprs := range dashboards(t) {
		for _, expr := range exprs {
			check(t, path, expr, registered)
		}
	}
}

// dashboards are the expressions of each.
func dashboards(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no dashboards", err)
	}
	all := map[string][]string{}
	for _, path := range paths {
		all[path] = expressions(t, path)
	}
	return all
}

// allExpressions are the rules' and the dashboards'.
func allExpressions(t *testing.T) (all []string) {
	t.Helper()
	for _, r := range rulesOf(t) {
		all = append(all, r.expr)
	}
	for _, exprs := range dashboards(t) {
		all = append(all, exprs...)
	}
	return all
}

func check(t *testing.T, where, expr string, registered map[string]bool) {
	t.Helper()
	names := metricsIn(expr)
	if len(names) == 0 {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	for _, name := range names {
		if !registered[name] && !registered[histogramOf(name)] {
			t.Errorf("%s: nothing registers %s", where, name)
		}
	}
}

func histogramOf(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return base
		}
	}
	return name
}

var (
	notMetrics = regexp.MustCompile(`"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring) *\([^)]*\)`)
	identifier = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_:]*\b *\(?`)
	keyword    = regexp.MustCompile(`^(and|or|unless|by|without|bool|offset)$`)
	variable   = regexp.MustCompile(`^label_values\((.*), *\w+\)$`)
)

// metricsIn names the metrics of an expression: what is neither a function nor a
// keyword nor a label.
func metricsIn(expr string) (names []string) {
	expr = variable.ReplaceAllString(expr, "$1")
	for _, word := range identifier.FindAllString(notMetrics.ReplaceAllString(expr, " "), -1) {
		name := strings.TrimSpace(word)
		if !strings.HasSuffix(name, "(") && !keyword.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// expressions are all of a dashboard's, its variables' included.
func expressions(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	walk(doc, func(key, value string) {
		if key == "expr" || key == "definition" {
			all = append(all, value)
		}
	})
	return all
}

func walk(v any, visit func(key, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if text, ok := inner.(string); ok {
				visit(key, text)
			}
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

type rule struct {
	name, expr string
	record     bool
}

var ruleForm = regexp.MustCompile(`(?m)^      - (alert|record): (\S+)\n        expr: (?:\|-\n((?:          .*\n)+)|(.*)\n)`)

func rulesOf(t *testing.T) (rules []rule) {
	t.Helper()
	text, err := os.ReadFile("rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ruleForm.FindAllStringSubmatch(string(text), -1) {
		rules = append(rules, rule{name: m[2], expr: m[3] + m[4], record: m[1] == "record"})
	}
	if n := strings.Count(string(text), "expr:"); n != len(rules) {
		t.Fatalf("read %d rules of %d", len(rules), n)
	}
	return rules
}

func TestEveryAlertHasATestAndARunbook(t *testing.T) {
	tests, err := os.ReadFile("rules_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	runbooks, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rulesOf(t) {
		if r.record {
			continue
		}
		if !strings.Contains(string(tests), "  - name: "+r.name+"\n") {
			t.Errorf("%s fires in no test", r.name)
		}
		if !strings.Contains(string(runbooks), "\n### "+r.name+"\n") {
			t.Errorf("%s has no runbook in docs/operations.md", r.name)
		}
	}
}
