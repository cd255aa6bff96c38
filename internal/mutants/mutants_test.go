// Package mutants plants the classic mistakes of an order flow in the
// product's code, one at a time, and demands that a named test fails for each.
// The mistake is compiled in by the go command's -overlay, so the product
// holds no hook for it.
package mutants

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutant is one mistake, made by edits of the product's files; the test run in
// pkg must notice it.
type mutant struct {
	name     string
	edits    []edit
	pkg, run string
}

// edit replaces old, which must stand in file exactly once, by new.
type edit struct{ file, old, new string }

func TestEveryMutantIsCaught(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			out, err := goTest(t, m.pkg, m.run, overlay(t, m))
			switch {
			case err == nil:
				t.Errorf("%s in %s passed", m.run, m.pkg)
			case !bytes.Contains(out, []byte("--- FAIL: "+m.run)):
				t.Errorf("not a failure of %s in %s:\n%s", m.run, m.pkg, tail(out))
			default:
				t.Logf("caught by %s in %s", m.run, m.pkg)
			}
		})
	}
}

// The tests that catch the mutants pass without them: what fails above fails
// for the mutant's sake.
func TestTheCatchersPassWithoutMutants(t *testing.T) {
	catchers := map[string][]string{} // by package
	for _, m := range mutants() {
		if !slices.Contains(catchers[m.pkg], m.run) {
			catchers[m.pkg] = append(catchers[m.pkg], m.run)
		}
	}
	for pkg, tests := range catchers {
		out, err := goTest(t, pkg, strings.Join(tests, "$|^"), "")
		if err != nil {
			t.Errorf("%s: %v\n%s", pkg, err, tail(out))
		}
		for _, test := range tests {
			if !bytes.Contains(out, []byte("--- PASS: "+test)) {
				t.Errorf("%s in %s does not pass:\n%s", test, pkg, tail(out))
			}
		}
	}
}

const root = "../.."

// overlay writes the mutated files and the map that the go command reads.
func overlay(t *testing.T, m mutant) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for _, e := range m.edits {
		original, err := filepath.Abs(filepath.Join(root, e.file))
		must(t, err)
		if replace[original] == "" {
			replace[original] = original
		}
		mutated := filepath.Join(dir, strings.ReplaceAll(e.file, "/", "_"))
		must(t, os.WriteFile(mutated, []byte(apply(t, replace[original], e)), 0o600))
		replace[original] = mutated
	}
	encoded, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	must(t, err)
	path := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(path, encoded, 0o600))
	return path
}

func apply(t *testing.T, path string, e edit) string {
	t.Helper()
	source, err := os.ReadFile(path)
	must(t, err)
	if n := strings.Count(string(source), e.old); n != 1 {
		t.Fatalf("this stands %d times in %s, want once:\n%s", n, e.file, e.old)
	}
	return strings.Replace(string(source), e.old, e.new, 1)
}

func goTest(t *testing.T, pkg, run, overlay string) ([]byte, error) {
	args := []string{"test", "-count=1", "-v", "-vet=off", "-timeout=2m", "-run", "^" + run + "$"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, pkg)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

func tail(out []byte) []byte { return out[max(0, len(out)-2000):] }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
