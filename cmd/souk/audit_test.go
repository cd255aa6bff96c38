package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		ctx, stop := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer stop()
		_ = execute(ctx, []string{"audit", "--watch", "--json", "--every", "1s"}, &stdout, &stderr)
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

func TestAuditGaugesShowTheLastRound(t *testing.T) {
	found := audit.Report{Violations: []audit.Violation{{Invariant: "stock"}, {Invariant: "stock"}, {Invariant: "ledger"}}}
	clean := audit.Report{Clean: true, AtRest: true, Parked: 2}
	for name, c := range map[string]struct {
		report  audit.Report
		failure error
		want    string
	}{
		"violations":        {found, nil, `souk_audit_violations{invariant="ledger"} 1 souk_audit_violations{invariant="stock"} 2 clean 0 at_rest 0 parked 0`},
		"clean":             {clean, nil, `clean 1 at_rest 1 parked 2`},
		"could not check":   {audit.Report{Clean: true, AtRest: true}, errors.New("no broker"), `clean 0 at_rest 0 parked 0`},
		"violations before": {found, errors.New("no broker"), `souk_audit_violations{invariant="ledger"} 1 souk_audit_violations{invariant="stock"} 2 clean 0 at_rest 0 parked 0`},
	} {
		t.Run(name, func(t *testing.T) {
			g := newAuditGauges()
			g.set(audit.Report{Violations: []audit.Violation{{Invariant: "gone by now"}}}, nil)
			g.parked.Set(0)
			g.set(c.report, c.failure)
			if got := shown(t, g); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// shown are the gauges as Prometheus would read them, shortened.
func shown(t *testing.T, g *auditGauges) string {
	t.Helper()
	families, err := g.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	var violations []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if name := f.GetName(); name == "souk_audit_violations" {
				violations = append(violations, fmt.Sprintf("%s{invariant=%q} %v ", name, m.GetLabel()[0].GetValue(), m.GetGauge().GetValue()))
			} else {
				values[name] = fmt.Sprint(m.GetGauge().GetValue())
			}
		}
	}
	return fmt.Sprintf("%sclean %s at_rest %s parked %s", strings.Join(violations, ""),
		values["souk_audit_clean"], values["souk_audit_at_rest"], values["souk_audit_parked_messages"])
}
