package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// failpoints are the places at which pkg/failpoint kills a process of the flow:
// before and after each commit, publish and mark, here and at the provider.
var failpoints = []string{
	"intake-before-commit", "groupcommit-before-answer",
	"database-before-commit", "database-after-commit",
	"outbox-before-publish", "outbox-after-publish", "outbox-after-mark",
	"inbox-before-commit", "inbox-after-commit", "inbox-after-mark",
	"charge-before-claim-commit", "charge-after-claim-commit", "charge-after-reply",
	"charge-before-result-commit", "charge-after-result-commit",
	"refund-before-claim-commit", "refund-after-claim-commit", "refund-after-reply",
	"refund-before-result-commit", "refund-after-result-commit",
	"psp-charge-before-commit", "psp-charge-after-commit", "psp-refund-before-commit", "psp-refund-after-commit",
	"psp-webhook-before-commit", "psp-webhook-after-commit",
}

// Whichever process comes by a place first dies there, under load: what was
// acknowledged ends all the same. A short run arms all places at once, a full
// one audits after each.
func TestKilledAtEachFailpoint(t *testing.T) {
	if !native() || os.Getenv("SOUK_CHAOS") == "" {
		t.Skip("it takes minutes, and native engines: make chaos")
	}
	armed := t.TempDir()
	c := newChaos(t, mortalSouk(t, armed), 1)
	atOnce := 1
	if c.short {
		atOnce = len(failpoints)
	}
	for places := range slices.Chunk(failpoints, atOnce) {
		t.Run(strings.Join(places[:1], " "), func(t *testing.T) {
			c.t = t
			t.Log(c.row(fault{name: "killed at a failpoint", inflict: func(c *chaos) { c.dieAt(armed, places) }}))
		})
	}
}

// mortalSouk is a souk of its own whose processes die at the places that are
// armed in a directory.
func mortalSouk(t *testing.T, armed string) *souk {
	t.Helper()
	dir := t.TempDir()
	if err := build(filepath.Join(dir, "souk"), "failpoints"); err != nil {
		t.Fatal(err)
	}
	s, err := newSouk(dir, filepath.Join(dir, "home"), "SOUK_FAILPOINTS="+armed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	return s
}

// dieAt arms places, and starts who has died until at each of them somebody has.
func (c *chaos) dieAt(dir string, places []string) {
	for _, place := range places {
		if err := os.WriteFile(filepath.Join(dir, place), nil, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	eventually(c.t, 3*time.Minute, fmt.Sprint("somebody to die at each of ", places), func() bool {
		armed, err := os.ReadDir(dir)
		if err != nil {
			c.t.Fatal(err)
		}
		return c.souk.up() == nil && len(armed) == 0 && c.whole() // up fails for who dies as it starts
	})
}

// whole reports whether every replica runs.
func (c *chaos) whole() bool {
	return !slices.ContainsFunc(c.souk.services(c.t), func(s serviceStatus) bool { return !s.Ready })
}
