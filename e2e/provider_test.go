package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long the provider's word may take: a call that gets no answer
// is repeated, and what webhooks do not bring the comparison of lists does.
const patience = time.Minute

// charge is a charge in the provider's record.
type charge struct {
	ID       string `json:"id"`
	Amount   int64  `json:"amount"`
	Refunded int64  `json:"refunded"`
	Status   string `json:"status"`
}

// charges are those of one order.
func (s *souk) charges(t *testing.T, order string) []charge {
	t.Helper()
	r := s.askProvider(t, http.MethodGet, "/v1/charges?reference="+order, nil)
	r.expect(t, http.StatusOK)
	var page struct {
		Items []charge `json:"items"`
	}
	if err := json.Unmarshal(r.body, &page); err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// misbehave turns the provider's knobs; those not named are at rest.
func (s *souk) misbehave(t *testing.T, knobs map[string]any) {
	t.Helper()
	s.askProvider(t, http.MethodPut, "/v1/sandbox", knobs).expect(t, http.StatusOK)
}

func (s *souk) askProvider(t *testing.T, method, path string, body any) reply {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", s.base+10, path), bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.key(t, "psp.api-key"))
	req.Header.Set("Idempotency-Key", rand.Text())
	req.Header.Set("Content-Type", jsonType)
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// key is what payment and the provider know each other by here.
func (s *souk) key(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.home, "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// webhook is what somebody sends to where the provider's webhooks go.
type webhook struct {
	event, merchant, status, charge, order string
	amount                                 int64
	at                                     time.Time
	secret                                 string
	alter                                  func([]byte) []byte // after signing; may be nil
	want                                   int
	code                                   string
}

func (w webhook) send(t *testing.T, s *souk) reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": "evt_" + rand.Text(), "type": w.event, "merchant": w.merchant, "created_at": w.at,
		"charge": map[string]any{
			"id": w.charge, "reference": w.order, "amount": w.amount, "currency": "CNY", "status": w.status, "failure_code": "",
			"refunded": 0, "created_at": w.at, "updated_at": w.at,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	signature := sign(w.secret, w.at, body)
	if w.alter != nil {
		body = w.alter(body)
	}
	req, err := http.NewRequest(http.MethodPost, s.url("/v1/webhooks/psp"), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("Souk-Signature", signature)
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(secret string, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// A webhook that is not the provider's own word about what was asked changes
// nothing; one that says again what is known does nothing.
func TestWebhooksAreBelievedOnlyWhenTheyAreTheProviders(t *testing.T) {
	c := newcomer(t, shared)
	paid := c.settled(t, c.place(t, buyingByCard("SKU-0011", "tok_ok")).ID, soon)
	declined := c.settled(t, c.place(t, buyingByCard("SKU-0011", "tok_declined")).ID, soon)
	now, secret := time.Now(), shared.key(t, "psp.webhook-secret")
	good := webhook{
		event: "charge.succeeded", merchant: "souk-dev", status: "succeeded", charge: shared.charges(t, paid.ID)[0].ID,
		order: paid.ID, amount: paid.Payable.Amount, at: now, secret: secret, want: http.StatusNoContent,
	}
	lie := good // the declined order was paid, it says
	lie.order, lie.charge, lie.want, lie.code = declined.ID, shared.charges(t, declined.ID)[0].ID, http.StatusUnauthorized, "bad_signature"
	for name, w := range map[string]webhook{
		"replayed":           good,
		"an older copy":      good.but(func(w *webhook) { w.status = "processing" }),
		"of an unknown kind": good.but(func(w *webhook) { w.event = "charge.disputed" }),
		"forged":             lie.but(func(w *webhook) { w.secret = "guess" }),
		"too old":            lie.but(func(w *webhook) { w.at = now.Add(-301 * time.Second) }),
		"from the future":    lie.but(func(w *webhook) { w.at = now.Add(302 * time.Second) }),
		"re-serialised":      lie.but(func(w *webhook) { w.alter = func(b []byte) []byte { return append(b, ' ') } }),
		"for no order":       lie.but(func(w *webhook) { w.order, w.want, w.code = "1", http.StatusNotFound, "payment_not_found" }),
		"for another amount": lie.but(func(w *webhook) { w.amount++; w.want, w.code = http.StatusUnprocessableEntity, "charge_mismatch" }),
		"by another charge": good.but(func(w *webhook) {
			w.charge = "ch_other"
			w.want, w.code = http.StatusUnprocessableEntity, "charge_mismatch"
		}),
		"to another merchant": lie.but(func(w *webhook) {
			w.merchant, w.want, w.code = "somebody", http.StatusUnprocessableEntity, "unknown_merchant"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				if r := w.send(t, shared); r.status != w.want || r.code() != w.code {
					t.Errorf("got %d %s, want %d %s", r.status, r.body, w.want, w.code)
				}
			}
		})
	}
	if a, b := c.order(t, paid.ID), c.order(t, declined.ID); a.statuses() != paid.statuses() || b.statuses() != declined.statuses() || b.Payment.Status != "none" {
		t.Errorf("webhooks have changed orders: %+v, %+v", a, b)
	}
	shared.auditClean(t)
}

// but is the webhook with a change.
func (w webhook) but(change func(*webhook)) webhook {
	change(&w)
	return w
}
