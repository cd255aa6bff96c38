package e2e

import (
	"net/http"
	"strings"
	"testing"

	"souk.example/contracts"
	"souk.example/pkg/eventbus"
)

type sagaList struct {
	Sagas []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Step   string `json:"step"`
		Error  string `json:"error"`
	} `json:"sagas"`
}

// A return whose refund nobody answers is stuck, which an operator sees, and
// goes on when the answer comes at last.
func TestAReturnThatIsStuck(t *testing.T) {
	s := ownSouk(t, "SOUK_SAGA_TIMEOUT=500ms", "SOUK_SAGA_BACKOFF_MAX=500ms", "SOUK_SAGA_ATTEMPTS=2")
	c := richCustomers(t, s, 1)[0]
	o := c.settled(t, c.buy(t, "SKU-0015", 1).ID, soon)
	s.publish(t, contracts.TopicOrder, eventbus.Event{ID: o.ID + "-99", Type: "order.refund_requested.v2", Subject: o.ID}) // parks its key
	var aside setAside
	eventually(t, patience, "payment to set the order's events aside", func() bool {
		aside = runJSON[setAside](t, s, "dlq", "ls", "--group", "payment", "--key", o.ID)
		return len(aside.DeadLetters) == 1
	})
	c.giveBack(t, o.ID).expect(t, http.StatusAccepted)
	stuck := func() bool {
		list := runJSON[sagaList](t, s, "saga", "ls", "--status", "stuck")
		return len(list.Sagas) == 1 && list.Sagas[0].ID == o.ID && list.Sagas[0].Step == "refund"
	}
	eventually(t, patience, "the return to be stuck", stuck)
	if report, r := s.audit(t); r.code != 0 || report.Stuck != 1 || report.AtRest {
		t.Errorf("souk audit: exit %d, %+v", r.code, report)
	}
	if r := s.run("saga", "retry", o.ID); r.code != 0 {
		t.Fatalf("souk saga retry: exit %d\n%s", r.code, r.stderr)
	}
	eventually(t, patience, "the return to be stuck again", stuck)
	if got := c.order(t, o.ID); got.Status != "RETURNING" || got.Payment.Status != "captured" {
		t.Errorf("it is %+v", got)
	}
	if r := s.run("dlq", "discard", aside.DeadLetters[0].ID, "--compensation", "none: no such event"); r.code != 0 {
		t.Fatalf("souk dlq discard: exit %d\n%s", r.code, r.stderr)
	}
	c.returned(t, o.ID)
	s.restsClean(t)
	shown, traced := s.run("saga", "show", o.ID), s.run("order", "trace", o.ID)
	for _, want := range []string{`"COMPLETED"`, `"restock"`, "it does not fit"} {
		if shown.code != 0 || !strings.Contains(shown.stdout, want) {
			t.Errorf("souk saga show does not show %s: exit %d\n%s", want, shown.code, shown.stdout)
		}
	}
	for _, want := range []string{"order.return_requested", "order.refund_requested", "inventory.restocked", "points.reversed", "order.returned", "saga_step"} {
		if traced.code != 0 || !strings.Contains(traced.stdout, want) {
			t.Errorf("souk order trace does not show %s: exit %d\n%s", want, traced.code, traced.stdout)
		}
	}
	if r := s.run("saga", "retry", o.ID); r.code != 1 || !strings.Contains(r.stderr, "not stuck") {
		t.Errorf("retry of what is done: exit %d, %s", r.code, r.stderr)
	}
}

func TestTheSagaCommandsSayWhatIsWrong(t *testing.T) {
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"saga ls --status LOST":             {2, "no status"},
		"saga ls --limit 0":                 {2, "--limit 0"},
		"saga lst":                          {2, "did you mean"},
		"saga show 17":                      {1, "there is no saga 17"},
		"saga show":                         {2, "accepts 1 arg"},
		"saga retry 17":                     {1, "there is no saga 17"},
		"saga skip 17":                      {2, "required"},
		"saga skip 17 --reason done --json": {2, "unknown flag"},
		"saga skip 17 --reason done":        {1, "there is no saga 17"},
	} {
		r := shared.run(strings.Fields(line)...)
		if r.code != want.code || !strings.Contains(r.stdout+r.stderr, want.text) {
			t.Errorf("souk %s: exit %d, %s%s, want %d, %q", line, r.code, r.stdout, r.stderr, want.code, want.text)
		}
	}
}
