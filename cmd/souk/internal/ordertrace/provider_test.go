package ordertrace_test

import (
	"context"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/contracts"
	"souk.example/contracts/paymentv1"
	"souk.example/internal/audit/statement"
	"souk.example/pkg/eventbus"
)

// bank knows one charge of every order, and the refunds given.
type bank struct{ refunds []string }

func (b bank) ChargesOf(_ context.Context, reference string) ([]statement.Charge, error) {
	return []statement.Charge{{ID: "ch_1", Reference: reference, Status: "failed", FailureCode: "card_declined", CreatedAt: time.Unix(1, 0)}}, nil
}

func (b bank) Refunds(_ context.Context, visit func(statement.Refund) error) error {
	for _, reference := range b.refunds {
		if err := visit(statement.Refund{ID: "re_1", Reference: reference, CreatedAt: time.Unix(2, 0)}); err != nil {
			return err
		}
	}
	return nil
}

func TestTheProvidersRecordOfOneOrder(t *testing.T) {
	got, err := ordertrace.FromProvider(t.Context(), bank{refunds: []string{"77:late", "7:late", "7"}}, 7)
	if err != nil || len(got) != 2 || got[0].Kind != "charge" || got[0].Row["failure_code"] != "card_declined" ||
		got[1].Kind != "refund" || got[1].Row["reference"] != "7:late" || !got[1].At.After(got[0].At) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestSummary(t *testing.T) {
	e, err := contracts.NewEvent(contracts.PaymentFailed, 7, &paymentv1.PaymentFailed{OrderId: 7, Reason: "card_declined"})
	if err != nil {
		t.Fatal(err)
	}
	failed, strange := cloudevents.From(e), cloudevents.From(eventbus.Event{Type: "order.gifted.v9"})
	for _, c := range []struct {
		entry ordertrace.Entry
		want  string
	}{
		{ordertrace.Entry{Kind: "event", Event: &failed}, "payment.failed reason=card_declined"},
		{ordertrace.Entry{Kind: "event", Event: &strange}, "order.gifted.v9"},
		{ordertrace.Entry{Kind: "refund", Row: map[string]any{"status": "REFUNDED", "amount": int64(7), "owner": "x"}}, "now REFUNDED amount=7"},
		{ordertrace.Entry{Kind: "orders", Row: map[string]any{"status": "PENDING", "reason": "", "points_used": int64(0)}}, "now PENDING"},
	} {
		if got := c.entry.Summary(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
