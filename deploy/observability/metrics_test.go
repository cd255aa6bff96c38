// Package observability_test holds the dashboards and the alerts against the
// code: a panel or an alert on a metric that nothing registers stays silent for
// ever, and looks like good news.
package observability_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

func TestEveryMetricIsRegistered(t *testing.T) {
	registered, rules := registeredMetrics(t), rulesOf(t)
	for _, r := range rules {
		if r.record {
			registered[r.name] = true
		}
	}
	for _, r := range rules {
		check(t, "rule "+r.name, r.expr, registered)
	}
	dashboards, err := filepath.Glob("dashboards/*.json")
	if err != nil || len(dashboards) == 0 {
		t.Fatal("no dashboards", err)
	}
	for _, path := range dashboards {
		for _, expr := range expressions(t, path) {
			check(t, path, expr, registered)
		}
	}
}

func check(t *testing.T, where, expr string, registered map[string]bool) {
	t.Helper()
	names := metricsIn(expr)
	if len(names) == 0 {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	for _, name := range names {
		if !registered[name] && !registered[histogramOf(name)] && !collected.MatchString(name) {
			t.Errorf("%s: nothing registers %s", where, name)
		}
	}
}

// collected are Prometheus' own and those of client_golang's collectors.
var collected = regexp.MustCompile(`^(up|(go|process)_[a-z_]+)$`)

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

var metricForm = regexp.MustCompile(`^(souk|payment)_[a-z0-9_]+$`)

// registeredMetrics are the names that stand in the code, and those it puts
// together as a prefix, a word of the same file, and a suffix.
func registeredMetrics(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{"pkg", "services", "sandbox", "internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return addMetrics(path, names)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func addMetrics(path string, names map[string]bool) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var words []string
	var around [][2]string
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := literal(n); ok {
			words = append(words, text)
		}
		if prefix, suffix, ok := composed(n); ok {
			around = append(around, [2]string{prefix, suffix})
		}
		return true
	})
	for _, word := range words {
		if metricForm.MatchString(word) {
			names[word] = true
		}
		for _, a := range around {
			names[a[0]+word+a[1]] = true
		}
	}
	return nil
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// composed recognises "souk_outbox_" + name + "_total".
func composed(n ast.Node) (prefix, suffix string, ok bool) {
	outer, isSum := n.(*ast.BinaryExpr)
	if !isSum || outer.Op != token.ADD {
		return "", "", false
	}
	inner, isSum := outer.X.(*ast.BinaryExpr)
	if !isSum {
		return "", "", false
	}
	prefix, ok1 := literal(inner.X)
	suffix, ok2 := literal(outer.Y)
	return prefix, suffix, ok1 && ok2 && strings.HasPrefix(prefix, "souk_")
}
