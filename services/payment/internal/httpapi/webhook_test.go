package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment/internal/alarm"
	"souk.example/services/payment/internal/httpapi"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

// hook is the webhook endpoint over a database, with everything it logs.
type hook struct {
	http.Handler
	db     *database.DB
	log    *synced
	events *events
}

// synced is a buffer that several goroutines write to.
type synced struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *synced) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// events is an outbox that counts.
type events struct {
	mu  sync.Mutex
	ids []string
}

func (e *events) Append(_ context.Context, tx *database.Tx, _ string, all ...eventbus.Event) error {
	tx.OnCommit(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, one := range all {
			e.ids = append(e.ids, one.ID)
		}
	})
	return nil
}

const (
	oldSecret = "old-webhook-secret"
	cardToken = "tok_of_a_card"
)

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{db: databasetest.Open(t, migrations.Set()), log: &synced{}, events: &events{}}
	tel, err := telemetry.New(t.Context(), telemetry.Config{LogLevel: "debug", LogFormat: "json", LogWriter: h.log})
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := alarm.New(tel.Registry, tel.Logger)
	if err != nil {
		t.Fatal(err)
	}
	recorder := payment.NewRecorder(store.NewJournal(h.db, h.events, payment.NewBell()), alarms, time.Now, groupcommit.Config{}, database.IsTransient)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = recorder.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	router := httpserver.NewRouter(httpserver.Config{}, tel)
	httpapi.New(nil, nil, recorder, httpapi.Webhooks{
		Verifier: provider.NewVerifier([]config.Secret{providertest.Secret, oldSecret}, time.Now), Merchant: providertest.Merchant,
	}).Register(router, nil)
	h.Handler = router
	return h
}

// pay puts a payment by card of 40 in this status into the database.
func (h *hook) pay(t *testing.T, order int64, status string) {
	t.Helper()
	captured, ref := 0, ""
	switch status {
	case "CAPTURED":
		captured, ref = 40, "ch_1"
	case "FAILED":
		ref = "ch_1"
	case "UNKNOWN":
		h.exec(t, "INSERT INTO provider_call VALUES (?, 'charge', ?, 40, 'CNY', ?, 1, '', 0)", fmt.Sprint(order), order, cardToken)
	}
	h.exec(t, `INSERT INTO payment (order_id, user_id, status, method, amount, currency, captured, refunded, provider_ref, reason, created_at, updated_at)
		VALUES (?, 7, ?, 'card', 40, 'CNY', ?, 0, ?, '', 1, 1)`, order, status, captured, ref)
}

func (h *hook) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := h.db.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// state is everything that a webhook could change.
func (h *hook) state(t *testing.T) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		"SELECT CONCAT_WS('|', order_id, status, captured, refunded, provider_ref, reason, updated_at) FROM payment ORDER BY order_id",
		"SELECT CONCAT_WS('|', refund_id, status, provider_ref, updated_at) FROM refund ORDER BY refund_id",
		"SELECT CONCAT_WS('|', cause, debit_account, credit_account, amount, currency) FROM ledger_entry ORDER BY cause",
		"SELECT CONCAT_WS('|', call_key, owner, due_at) FROM provider_call ORDER BY call_key",
	} {
		rows, err := h.db.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			all = append(all, line)
		}
		rows.Close()
	}
	h.events.mu.Lock()
	defer h.events.mu.Unlock()
	return strings.Join(append(all, h.events.ids...), "\n")
}

func (h *hook) post(t *testing.T, body []byte, header string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/webhooks/psp", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(provider.SignatureHeader, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

func charge(order, status string) providertest.Charge {
	return providertest.Charge{ID: "ch_1", Reference: order, Amount: 40, Currency: "CNY", Status: status, FailureCode: map[string]string{"failed": "card_declined"}[status], CreatedAt: time.Now()}
}

func notice(t *testing.T, kind string, c providertest.Charge) []byte {
	return providertest.Notice(t, kind, providertest.Merchant, c)
}

// A webhook is recorded as far as it leads on.
func TestWebhookIsRecorded(t *testing.T) {
	for name, c := range map[string]struct {
		was, says, want string
		event           string
	}{
		"success of unknown":   {"UNKNOWN", "succeeded", "CAPTURED", "1-40"},
		"failure of unknown":   {"UNKNOWN", "failed", "FAILED", "1-41"},
		"success after all":    {"FAILED", "succeeded", "CAPTURED", "1-40"},
		"success of void":      {"VOIDED", "succeeded", "CAPTURED", "1-40"},
		"success again":        {"CAPTURED", "succeeded", "CAPTURED", ""},
		"an older copy":        {"CAPTURED", "processing", "CAPTURED", ""},
		"failure of captured":  {"CAPTURED", "failed", "CAPTURED", ""},
		"failure again":        {"FAILED", "failed", "FAILED", ""},
		"nothing new":          {"UNKNOWN", "processing", "UNKNOWN", ""},
		"an older copy of no":  {"FAILED", "processing", "FAILED", ""},
		"failure of void":      {"VOIDED", "failed", "VOIDED", ""},
		"success while called": {"CALLING", "succeeded", "CAPTURED", "1-40"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			h.pay(t, 1, c.was)
			body := notice(t, "charge.succeeded", charge("1", c.says)) // the type may be of a later copy
			for range 3 {
				if w := h.post(t, body, providertest.Sign(time.Now(), body, oldSecret)); w.Code != http.StatusNoContent {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
			}
			var status string
			if err := h.db.QueryRow(t.Context(), "SELECT status FROM payment").Scan(&status); err != nil || status != c.want {
				t.Errorf("it is %s, %v, want %s", status, err, c.want)
			}
			if got := strings.Join(h.events.ids, " "); got != c.event {
				t.Errorf("order was told %q, want %q", got, c.event)
			}
			h.keepsSecrets(t)
		})
	}
}

func TestWebhookOfARefund(t *testing.T) {
	h := newHook(t)
	h.pay(t, 1, "CAPTURED")
	h.exec(t, "UPDATE payment SET refunded = 40")
	h.exec(t, "INSERT INTO refund VALUES ('1:late', 1, 'UNKNOWN', 40, 'CNY', '', 1, 1)")
	h.exec(t, "INSERT INTO provider_call VALUES ('1:late', 'refund', 1, 40, 'CNY', 'ch_1', 1, '', 0)")
	body := notice(t, "refund.succeeded", providertest.Charge{ID: "re_1", Of: "ch_1", Reference: "1:late", Amount: 40, Currency: "CNY", Status: "succeeded"})
	for range 2 {
		if w := h.post(t, body, providertest.Sign(time.Now(), body, providertest.Secret)); w.Code != http.StatusNoContent {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	if state := h.state(t); !strings.Contains(state, "1:late|REFUNDED|re_1") || !strings.HasSuffix(state, "\n1:late-42") || !strings.Contains(state, "refund:1:late|sales|psp|40|CNY") {
		t.Errorf("the state is\n%s", state)
	}
}

// What is not the provider's, not about us or not what was asked changes
// nothing, and is refused.
func TestWebhookIsRefused(t *testing.T) {
	good := notice(t, "charge.succeeded", charge("1", "succeeded"))
	now := time.Now()
	other := charge("1", "succeeded")
	other.Amount = 41
	foreign := charge("1", "succeeded")
	foreign.Currency = "EUR"
	second := charge("3", "succeeded")
	second.ID = "ch_2"
	refund := providertest.Charge{ID: "re_1", Of: "ch_1", Reference: "3:late", Amount: 40, Currency: "CNY", Status: "succeeded"}
	for name, c := range map[string]struct {
		body   []byte
		header string // "" for a good one
		status int
		code   string
	}{
		"forged":               {good, providertest.Sign(now, good, "guess"), 401, "bad_signature"},
		"too old":              {good, providertest.Sign(now.Add(-301*time.Second), good, providertest.Secret), 401, "bad_signature"},
		"re-serialised":        {append([]byte(" "), good...), providertest.Sign(now, good, providertest.Secret), 401, "bad_signature"},
		"not signed":           {good, "none", 401, "bad_signature"},
		"another merchant":     {providertest.Notice(t, "charge.succeeded", "somebody", charge("1", "succeeded")), "", 422, "unknown_merchant"},
		"another order":        {notice(t, "charge.succeeded", charge("99", "succeeded")), "", 404, "payment_not_found"},
		"no order":             {notice(t, "charge.succeeded", charge("x1", "succeeded")), "", 404, "payment_not_found"},
		"another amount":       {notice(t, "charge.succeeded", other), "", 422, "charge_mismatch"},
		"another currency":     {notice(t, "charge.succeeded", foreign), "", 422, "charge_mismatch"},
		"by wallet":            {notice(t, "charge.succeeded", charge("2", "succeeded")), "", 422, "charge_mismatch"},
		"a second charge":      {notice(t, "charge.succeeded", second), "", 422, "charge_mismatch"},
		"of a void order":      {notice(t, "charge.succeeded", charge("4", "succeeded")), "", 422, "charge_mismatch"},
		"another refund":       {notice(t, "refund.succeeded", refund), "", 404, "payment_not_found"},
		"not JSON":             {[]byte("{"), "", 400, "malformed_webhook"},
		"no charge":            {[]byte(`{"type":"charge.succeeded","merchant":"souk-test"}`), "", 400, "malformed_webhook"},
		"an unknown status":    {notice(t, "charge.succeeded", charge("1", "odd")), "", 400, "malformed_webhook"},
		"too large":            {[]byte(`"` + strings.Repeat("x", 64<<10) + `"`), "", 413, "body_too_large"},
		"unknown type":         {notice(t, "charge.disputed", charge("1", "succeeded")), "", 204, ""},
		"unknown without more": {[]byte(`{"type":"payout.paid","merchant":"souk-test"}`), "", 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			h.pay(t, 1, "UNKNOWN")
			h.pay(t, 2, "FAILED")
			h.exec(t, "UPDATE payment SET method = 'wallet' WHERE order_id = 2")
			h.pay(t, 3, "CAPTURED")
			h.pay(t, 4, "VOIDED")
			h.exec(t, "UPDATE payment SET amount = 0, currency = '', method = '' WHERE order_id = 4")
			before := h.state(t)
			if c.header == "" {
				c.header = providertest.Sign(time.Now(), c.body, providertest.Secret)
			}
			w := h.post(t, c.body, c.header)
			if w.Code != c.status || c.code != "" && code(t, w) != c.code {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if after := h.state(t); after != before {
				t.Errorf("it changed\n%s\nto\n%s", before, after)
			}
			if disputed := c.code == "charge_mismatch" || c.code == "payment_not_found"; disputed != strings.Contains(h.log.String(), `"level":"ERROR"`) {
				t.Errorf("logged %s", h.log)
			}
			h.keepsSecrets(t)
		})
	}
}

func (h *hook) keepsSecrets(t *testing.T) {
	t.Helper()
	for _, secret := range []string{cardToken, providertest.Secret, oldSecret, "v1="} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log says %s", h.log)
		}
	}
}
