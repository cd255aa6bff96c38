package payment_test

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// till takes every deposit.
type till struct{ deposits []payment.Deposit }

func (f *till) Deposit(_ context.Context, d payment.Deposit) (payment.Receipt, error) {
	f.deposits = append(f.deposits, d)
	return payment.Receipt{ID: d.ID, Amount: d.Amount, Balance: d.Amount, At: d.At}, nil
}

func (f *till) Balance(context.Context, payment.WalletID) (money.Amount, error) {
	return money.Amount{}, nil
}

type counter int64

func (c *counter) Next() (int64, error) { *c++; return int64(*c), nil }

func TestTopUpAmounts(t *testing.T) {
	for name, c := range map[string]struct {
		amount money.Amount
		field  string // what is wrong, or "" for taken
	}{
		"the least":      {cny(1), ""},
		"the most":       {cny(1_000_000_000), ""},
		"nothing":        {cny(0), "out_of_range"},
		"negative":       {cny(-1), "out_of_range"},
		"too much":       {cny(1_000_000_001), "out_of_range"},
		"other money":    {money.Of(1, "USD"), "currency_not_offered"},
		"no amount":      {money.Amount{}, "currency_not_offered"},
		"all there is":   {cny(1<<63 - 1), "out_of_range"},
		"the very least": {cny(-1 << 63), "out_of_range"},
	} {
		t.Run(name, func(t *testing.T) {
			taken := &till{}
			teller := payment.NewTeller(taken, new(counter), func() time.Time { return at })
			receipt, err := teller.TopUp(t.Context(), payment.TopUp{User: 7, Key: "k", Amount: c.amount})
			if c.field == "" {
				if err != nil || receipt.ID == 0 || len(taken.deposits) != 1 || !taken.deposits[0].At.Equal(at) {
					t.Errorf("got %+v, %v and %+v", receipt, err, taken.deposits)
				}
				return
			}
			e := apperr.From(err)
			if e == nil || e.Kind != apperr.Unprocessable || e.Code != "invalid_amount" || e.Fields[0].Code != c.field {
				t.Errorf("got %v, want %s", err, c.field)
			}
			if len(taken.deposits) != 0 {
				t.Errorf("a refusal paid in %+v", taken.deposits)
			}
		})
	}
}
