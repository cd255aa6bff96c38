package ordertrace

import (
	"context"
	"strconv"
	"strings"

	"souk.example/internal/audit/statement"
)

// provider is whose entries these are said to be.
const provider = "psp"

// Provider is what a trace asks of the payment provider.
type Provider interface {
	ChargesOf(ctx context.Context, reference string) ([]statement.Charge, error)
	Refunds(ctx context.Context, visit func(statement.Refund) error) error
}

// FromProvider is what the payment provider holds about the order.
func FromProvider(ctx context.Context, p Provider, order int64) ([]Entry, error) {
	id := strconv.FormatInt(order, 10)
	charges, err := p.ChargesOf(ctx, id)
	if err != nil || len(charges) == 0 {
		return nil, err
	}
	var found []Entry
	for _, c := range charges {
		found = append(found, chargeEntry(c))
	}
	err = p.Refunds(ctx, func(r statement.Refund) error {
		if strings.HasPrefix(r.Reference, id+":") {
			found = append(found, refundEntry(r))
		}
		return nil
	})
	return found, err
}

func chargeEntry(c statement.Charge) Entry {
	row := map[string]any{
		"id": c.ID, "reference": c.Reference, "amount": c.Amount, "currency": c.Currency, "status": c.Status, "refunded": c.Refunded, "updated_at": c.UpdatedAt,
	}
	if c.FailureCode != "" {
		row["failure_code"] = c.FailureCode
	}
	return Entry{At: c.CreatedAt.UTC(), Service: provider, Kind: "charge", Row: row}
}

func refundEntry(r statement.Refund) Entry {
	return Entry{At: r.CreatedAt.UTC(), Service: provider, Kind: "refund", Row: map[string]any{
		"id": r.ID, "charge": r.Charge, "reference": r.Reference, "amount": r.Amount, "currency": r.Currency, "status": r.Status,
	}}
}
