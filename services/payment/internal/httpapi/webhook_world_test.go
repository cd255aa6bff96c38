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

func (h *hook) keepsSecrets(t *testing.T) {
	t.Helper()
	for _, secret := range []string{cardToken, providertest.Secret, oldSecret, "v1="} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log says %s", h.log)
		}
	}
}
