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
			out, err := goTest(t, m, overlay(t, m))
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
	for _, m := range mutants() {
		if out, err := goTest(t, m, ""); err != nil || !bytes.Contains(out, []byte("--- PASS: "+m.run)) {
			t.Errorf("%s in %s: %v\n%s", m.run, m.pkg, err, tail(out))
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

func goTest(t *testing.T, m mutant, overlay string) ([]byte, error) {
	args := []string{"test", "-count=1", "-v", "-timeout=2m", "-run", "^" + m.run + "$"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, m.pkg)...)
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
