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

// mutant is one mistake: in file, old (which must stand there exactly once)
// becomes new, and the test run in pkg must notice.
type mutant struct {
	name     string
	file     string
	old, new string
	pkg, run string
}

func TestEveryMutantIsCaught(t *testing.T) {
	if os.Getenv("SOUK_MUTANTS") == "off" {
		t.Skip("SOUK_MUTANTS=off: run them without the race detector, in make test")
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			out, err := goTest(t, m, overlay(t, m))
			switch {
			case err == nil:
				t.Errorf("%s in %s: %s in %s passed", m.name, m.file, m.run, m.pkg)
			case !bytes.Contains(out, []byte("--- FAIL: "+m.run)):
				t.Errorf("%s in %s: not a failure of %s:\n%s", m.name, m.file, m.run, tail(out))
			default:
				t.Logf("caught by %s in %s", m.run, m.pkg)
			}
		})
	}
}

// The tests that catch the mutants pass without them: what fails above fails
// for the mutant's sake.
func TestTheCatchersPassWithoutMutants(t *testing.T) {
	if os.Getenv("SOUK_MUTANTS") == "off" {
		t.Skip("SOUK_MUTANTS=off: run them without the race detector, in make test")
	}
	for _, m := range mutants() {
		if out, err := goTest(t, m, ""); err != nil || !bytes.Contains(out, []byte("--- PASS: "+m.run)) {
			t.Errorf("%s in %s: %v\n%s", m.run, m.pkg, err, tail(out))
		}
	}
}

const root = "../.."

// overlay writes the mutated file and the map that the go command reads.
func overlay(t *testing.T, m mutant) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join(root, m.file))
	must(t, err)
	source, err := os.ReadFile(original)
	must(t, err)
	if n := strings.Count(string(source), m.old); n != 1 {
		t.Fatalf("%s stands %d times in %s, want once:\n%s", m.name, n, m.file, m.old)
	}
	dir := t.TempDir()
	mutated := filepath.Join(dir, "mutated.go")
	must(t, os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	must(t, err)
	path := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(path, replace, 0o600))
	return path
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
