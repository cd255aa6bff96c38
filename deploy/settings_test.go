// Package deploy_test holds what is shipped against the code.
package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Settings that no field names are ignored, so a misspelt one would only show in
// what a service does.
func TestEverySettingIsOneOfTheCode(t *testing.T) {
	known := settingsOfTheCode(t)
	for _, path := range []string{"k8s/all.yaml", "k8s/base/souk.env", "k8s/overlays/dev/souk.env", "k8s/overlays/prod/souk.env", "k8s/migrate/job.yaml", "k8s/components/monitoring/audit-watch.yaml", "compose/compose.yaml"} {
		settings := set.FindAllStringSubmatch(read(t, path), -1)
		if len(settings) == 0 {
			t.Errorf("%s sets nothing", path)
		}
		for _, m := range settings {
			if !known[m[1]] {
				t.Errorf("%s sets %s, which no program reads", path, m[1])
			}
		}
	}
}

var (
	// set matches KEY=value, KEY: value and name: KEY, not what Compose fills in.
	set   = regexp.MustCompile(`(?m)^[ \-{]*(?:name: )?(SOUK_[A-Z_]+)(?:[=:,]|$)`)
	named = regexp.MustCompile(`SOUK_[A-Z_]+`)
)

// settingsOfTheCode are the names that stand in struct tags and string literals.
func settingsOfTheCode(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{"SOUK_DATABASE_PASSWORD": true} // compose/databases.sh
	for _, dir := range []string{"pkg", "services", "sandbox", "internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, name := range named.FindAllString(read(t, path), -1) {
				known[name] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return known
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
