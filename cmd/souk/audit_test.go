package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/internal/audit"
)

func TestAuditIsOneJSONDocumentEvenWhenItCouldNotCheck(t *testing.T) {
	ownHome(t)
	got := souk(t, "audit", "--json")
	doc := decodeDocument(t, got.stdout)
	if got.code != 2 || doc.Clean || doc.Violations == nil || !strings.Contains(doc.Error, "could not check") {
		t.Errorf("exit code %d, %q", got.code, got.stdout)
	}
}

func decodeDocument(t *testing.T, text string) auditDocument {
	t.Helper()
	var doc auditDocument
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return doc
}

func TestAWatchedAuditIsOneDocumentPerLine(t *testing.T) {
	ownHome(t)
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		root := newRoot(&stdout, &stderr)
		root.SetArgs([]string{"audit", "--watch", "--json", "--every", "1s"})
		ctx, stop := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer stop()
		_ = root.ExecuteContext(ctx)
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines in three rounds:\n%s", len(lines), stdout.String())
		}
		for _, line := range lines {
			decodeDocument(t, line)
		}
	})
}

func TestNothingIsCleanThatWasNotCheckedToTheEnd(t *testing.T) {
	found := audit.Report{Clean: true, Violations: []audit.Violation{}, Checked: audit.Checked{Orders: 7}}
	doc := documentOf(found, errors.New("payment stands still"))
	if doc.Clean || doc.Error != "payment stands still" || doc.Checked.Orders != 7 {
		t.Errorf("%+v", doc)
	}
	if doc := documentOf(found, nil); !doc.Clean || doc.Error != "" {
		t.Errorf("%+v", doc)
	}
}
