// Package wire is the provider's JSON: what its API answers and its webhooks
// carry.
package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"souk.example/sandbox/psp/internal/psp"
)

const stamp = "2006-01-02T15:04:05.000000Z07:00"

// Charge is a charge in JSON.
type Charge struct {
	ID          string `json:"id"`
	Reference   string `json:"reference"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"`
	Status      string `json:"status"`
	FailureCode string `json:"failure_code,omitempty"`
	Refunded    int64  `json:"refunded"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
}

// ChargeFrom renders a charge.
func ChargeFrom(c psp.Charge) Charge {
	return Charge{
		ID: c.ID, Reference: c.Reference, Amount: c.Amount, Currency: c.Currency, Status: string(c.Status), FailureCode: c.FailureCode,
		Refunded: c.Refunded, CreatedAt: at(c.CreatedAt), UpdatedAt: at(c.UpdatedAt),
	}
}

// Refund is a refund in JSON. A refund is made at once or refused.
type Refund struct {
	ID        string `json:"id"`
	Charge    string `json:"charge"`
	Reference string `json:"reference"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
}

// RefundFrom renders a refund.
func RefundFrom(r psp.Refund) Refund {
	return Refund{ID: r.ID, Charge: r.Charge, Reference: r.Reference, Amount: r.Amount, Currency: r.Currency, Status: "succeeded", CreatedAt: at(r.CreatedAt)}
}

type event struct {
	ID        string  `json:"id"`
	Type      string  `json:"type"`
	Merchant  string  `json:"merchant"`
	CreatedAt string  `json:"created_at"`
	Charge    Charge  `json:"charge"`
	Refund    *Refund `json:"refund,omitempty"`
}

// Webhook is the body that tells merchant of e.
func Webhook(e psp.Event, merchant string) ([]byte, error) {
	body := event{ID: e.ID, Type: string(e.Type), Merchant: merchant, CreatedAt: at(e.At), Charge: ChargeFrom(e.Charge)}
	if e.Refund != nil {
		r := RefundFrom(*e.Refund)
		body.Refund = &r
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("webhook %s: %w", e.ID, err)
	}
	return raw, nil
}

func at(t time.Time) string { return t.UTC().Format(stamp) }
