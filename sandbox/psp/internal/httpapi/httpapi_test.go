package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/sandbox/psp/internal/httpapi"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/store"
	"souk.example/sandbox/psp/internal/webhook"
	"souk.example/sandbox/psp/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "an-api-key"

// newProvider serves the whole API on a real listener and record.
func newProvider(t *testing.T) string {
	t.Helper()
	s, ids, panel := store.New(databasetest.Open(t, migrations.Set()), "shop"), idgen.Static(1), new(psp.Panel)
	courier := webhook.NewCourier(s, webhook.Config{}, time.Now, slog.New(slog.DiscardHandler))
	cashier := psp.NewCashier(s, ids, courier, panel, time.Hour, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = cashier.Run(ctx) })
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	httpapi.New(cashier, psp.NewRefunder(s, ids, courier, time.Now), s, panel).Register(r, key)
	server := httptest.NewServer(r)
	t.Cleanup(func() { server.Close(); cancel(); wg.Wait() })
	return server.URL + "/v1"
}

type reply struct {
	status int
	body   map[string]any
	err    error
}

func call(t *testing.T, method, url, idempotency, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if idempotency != "" {
		req.Header.Set("Idempotency-Key", idempotency)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode}
	if err := json.Unmarshal(text, &r.body); err != nil {
		t.Fatalf("%s %s: %v in %q", method, url, err, text)
	}
	return r
}

func charging(token, reference string, amount int) string {
	return fmt.Sprintf(`{"amount":%d,"currency":"CNY","token":%q,"reference":%q}`, amount, token, reference)
}

func TestAChargeIsMadeOncePerKey(t *testing.T) {
	url := newProvider(t)
	first := call(t, "POST", url+"/charges", "1", charging("tok_ok", "1", 40))
	if first.status != http.StatusCreated || first.body["status"] != "succeeded" || first.body["reference"] != "1" || first.body["amount"] != 40.0 {
		t.Fatalf("%+v", first)
	}
	again := call(t, "POST", url+"/charges", "1", charging("tok_ok", "1", 40))
	if again.status != http.StatusOK || again.body["id"] != first.body["id"] {
		t.Errorf("the repeat: %+v", again)
	}
	if other := call(t, "POST", url+"/charges", "1", charging("tok_ok", "1", 41)); other.status != http.StatusConflict || other.body["code"] != "idempotency_key_reused" {
		t.Errorf("another body: %+v", other)
	}
	if got := call(t, "GET", url+"/charges/"+first.body["id"].(string), "", ""); got.status != http.StatusOK || got.body["id"] != first.body["id"] {
		t.Errorf("by id: %+v", got)
	}
	if n := len(items(call(t, "GET", url+"/charges", "", ""))); n != 1 {
		t.Errorf("%d charges", n)
	}
}

func items(r reply) []any {
	all, _ := r.body["items"].([]any)
	return all
}

func TestALostReplyCutsTheConnection(t *testing.T) {
	url := newProvider(t)
	if r := call(t, "POST", url+"/charges", "1", charging("tok_reply_lost", "1", 40)); r.err == nil {
		t.Errorf("it was answered: %+v", r)
	}
	if r := call(t, "POST", url+"/charges", "1", charging("tok_reply_lost", "1", 40)); r.status != http.StatusOK || r.body["status"] != "succeeded" {
		t.Errorf("the repeat: %+v", r)
	}
}

func TestListsGoOnFromWhereTheyEnded(t *testing.T) {
	url := newProvider(t)
	for i := range 5 {
		call(t, "POST", url+"/charges", fmt.Sprint(i), charging("tok_ok", fmt.Sprint(i), 40))
	}
	var seen []any
	after, pages := "", 0
	for next := true; next; pages++ {
		r := call(t, "GET", url+"/charges?limit=2&after="+after, "", "")
		for _, item := range items(r) {
			seen = append(seen, item.(map[string]any)["reference"])
		}
		after, next = r.body["next_after"].(string)
	}
	if fmt.Sprint(seen) != "[0 1 2 3 4]" || pages != 3 {
		t.Errorf("saw %v on %d pages", seen, pages)
	}
	if r := items(call(t, "GET", url+"/charges?reference=3", "", "")); len(r) != 1 {
		t.Errorf("by reference: %v", r)
	}
}

func TestARefundIsMadeOncePerKey(t *testing.T) {
	url := newProvider(t)
	charge := call(t, "POST", url+"/charges", "1", charging("tok_ok", "1", 40)).body["id"].(string)
	body := func(charge string, amount int) string {
		return fmt.Sprintf(`{"charge":%q,"amount":%d,"reference":"1:late"}`, charge, amount)
	}
	for _, step := range []struct {
		key, body string
		status    int
		code      any
	}{
		{"1:late", body(charge, 30), 201, nil},
		{"1:late", body(charge, 30), 200, nil},
		{"1:late", body(charge, 31), 409, "idempotency_key_reused"},
		{"1:more", body(charge, 11), 422, "amount_exceeds_charge"},
		{"1:none", body("ch_none", 1), 404, "charge_not_found"},
		{"1:zero", body(charge, 0), 422, "invalid_request"},
	} {
		if r := call(t, "POST", url+"/refunds", step.key, step.body); r.status != step.status || r.body["code"] != step.code {
			t.Errorf("%s %s: %+v, want %d %v", step.key, step.body, r, step.status, step.code)
		}
	}
	if n := len(items(call(t, "GET", url+"/refunds", "", ""))); n != 1 {
		t.Errorf("%d refunds", n)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	url := newProvider(t)
	for name, c := range map[string]struct {
		method, path, key, body string
		status                  int
		code                    string
	}{
		"no key":           {"POST", "/charges", "", charging("tok_ok", "1", 1), 400, "idempotency_key_required"},
		"not JSON":         {"POST", "/charges", "1", "{", 400, "malformed_json"},
		"an unknown field": {"POST", "/charges", "1", `{"card":"4111"}`, 422, "unknown_field"},
		"no amount":        {"POST", "/charges", "1", charging("tok_ok", "1", 0), 422, "invalid_request"},
		"no such charge":   {"GET", "/charges/ch_none", "", "", 404, "charge_not_found"},
		"a limit of 0":     {"GET", "/charges?limit=0", "", "", 422, "invalid_limit"},
		"a rate of 2":      {"PUT", "/sandbox", "", `{"decline_rate":2}`, 422, "invalid_knobs"},
	} {
		if r := call(t, c.method, url+c.path, c.key, c.body); r.status != c.status || c.code != "malformed_json" && c.code != "unknown_field" && r.body["code"] != c.code {
			t.Errorf("%s: %+v, want %d %s", name, r, c.status, c.code)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/charges", nil)
	req.Header.Set("Authorization", "Bearer guess")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", resp.StatusCode)
	}
}

func TestKnobsAreTurnedWhileItRuns(t *testing.T) {
	url := newProvider(t)
	knobs := `{"decline_rate":1,"error_rate":0,"latency_ms":{"min":1,"max":2},"seed":3}`
	if r := call(t, "PUT", url+"/sandbox", "", knobs); r.status != http.StatusOK || r.body["decline_rate"] != 1.0 {
		t.Fatalf("%+v", r)
	}
	if r := call(t, "POST", url+"/charges", "1", charging("tok_ok", "1", 1)); r.body["status"] != "failed" || r.body["failure_code"] != "card_declined" {
		t.Errorf("%+v", r)
	}
	if r := call(t, "PUT", url+"/sandbox", "", `{"error_rate":1}`); r.status != http.StatusOK {
		t.Fatalf("%+v", r)
	}
	if r := call(t, "POST", url+"/charges", "2", charging("tok_ok", "2", 1)); r.status != http.StatusServiceUnavailable {
		t.Errorf("%+v", r)
	}
}
