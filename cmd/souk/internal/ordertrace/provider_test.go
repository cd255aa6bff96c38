package ordertrace_test

import (
	"context"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/internal/audit/statement"
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
