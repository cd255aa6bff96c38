package observability_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// audit is what `souk audit --watch` shows; nobody but the command can make it.
const audit = "audit"

var (
	named      = regexp.MustCompile(`(?:Name:\s*|\w\()"((?:souk|payment)_[a-z0-9_]*[a-z0-9])"`)
	kinds      = regexp.MustCompile(`(Counter|Gauge|Histogram)Opts\{\s*Name:\s*"([a-z0-9_]+)"`)
	labelsOf   = regexp.MustCompile(`Name:\s*"([a-z0-9_]+)",[^{}]*\}, \[\]string\{([^}]*)\}`)
	labelNames = regexp.MustCompile(`\w+`)
)

// addWritten adds what the registries cannot tell: the kinds of metrics without
// a series, and the audit's metrics.
func addWritten(t *testing.T) {
	t.Helper()
	written := sources(t, "cmd", "pkg", "services", "sandbox", "internal")
	for _, m := range named.FindAllStringSubmatch(written["cmd"], -1) {
		if strings.HasPrefix(m[1], "souk_audit_") { // it names others, which it reads
			note(m[1], audit, nil)
		}
	}
	for _, m := range labelsOf.FindAllStringSubmatch(written["cmd"], -1) {
		if all[m[1]] != nil {
			note(m[1], audit, labelNames.FindAllString(m[2], -1))
		}
	}
	for _, text := range written {
		for _, m := range kinds.FindAllStringSubmatch(text, -1) {
			if all[m[2]] != nil {
				all[m[2]].kind = strings.ToLower(m[1])
			}
		}
	}
	for name, m := range all {
		if m.kind == "" && strings.HasSuffix(name, "_total") {
			m.kind = "counter"
		} else if m.kind == "" {
			m.kind = "gauge"
		}
	}
}

// A metric that is made and not registered counts for nobody.
func TestEveryMetricThatIsMadeIsRegistered(t *testing.T) {
	registered := registeredMetrics(t)
	for dir, text := range sources(t, "cmd", "pkg", "services", "sandbox", "internal") {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if registered[m[1]] == nil {
				t.Errorf("%s makes %s, and nothing registers it", dir, m[1])
			}
		}
	}
}

// sources are the programs' texts, by folder.
func sources(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			texts[dir] += string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}
