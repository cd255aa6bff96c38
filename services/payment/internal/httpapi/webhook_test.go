package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"souk.example/services/payment/internal/provider/providertest"
)

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
