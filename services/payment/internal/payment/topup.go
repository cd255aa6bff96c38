package payment

import (
	"context"
	"fmt"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/money"
)

// HomeCurrency is the one currency that wallets are topped up in.
const HomeCurrency money.Currency = "CNY"

const (
	maxTopUp = 10_000_000_00 // minor units: ¥10,000,000.00

	// MaxBalance is the most a wallet may hold, in minor units: what a client
	// that reads JSON numbers as doubles still reads exactly.
	MaxBalance = 1<<53 - 1
)

// ErrBalanceLimit: the wallet would hold more than MaxBalance.
var ErrBalanceLimit = invalidAmount("balance_limit", "the wallet would hold more than it may")

// TopUp is a request to pay into a wallet. Two requests of a user with one Key
// are the same request when their Fingerprint is equal.
type TopUp struct {
	User        UserID
	Key         string
	Fingerprint [32]byte
	Amount      money.Amount
}

// Receipt is the answer to a TopUp, as it was when the money came in.
type Receipt struct {
	ID       int64
	Amount   money.Amount
	Balance  money.Amount // right after
	At       time.Time
	Replayed bool // an earlier request with the same key had paid in
}

// Deposit is a top-up as it is carried out.
type Deposit struct {
	TopUp
	ID int64
	At time.Time
}

// Entry is the deposit in the ledger.
func (d Deposit) Entry() Entry { return topUpEntry(d.ID, d.User, d.Amount, d.At) }

// IDs hands out ids of top-ups.
type IDs interface{ Next() (int64, error) }

// Teller takes top-ups. Safe for concurrent use.
type Teller struct {
	wallets Wallets
	ids     IDs
	now     func() time.Time
}

// NewTeller makes a Teller; now is the clock of receipts.
func NewTeller(wallets Wallets, ids IDs, now func() time.Time) *Teller {
	return &Teller{wallets: wallets, ids: ids, now: now}
}

// TopUp pays into the user's wallet and returns once that is durable. A
// refusal is an *apperr.Error and leaves nothing behind.
func (t *Teller) TopUp(ctx context.Context, req TopUp) (Receipt, error) {
	if err := validateTopUp(req.Amount); err != nil {
		return Receipt{}, err
	}
	id, err := t.ids.Next()
	if err != nil {
		return Receipt{}, fmt.Errorf("top up: %w", err)
	}
	return t.wallets.Deposit(ctx, Deposit{TopUp: req, ID: id, At: t.now()})
}

func validateTopUp(a money.Amount) error {
	switch {
	case a.Currency() != HomeCurrency:
		return invalidAmount("currency_not_offered", "wallets hold "+string(HomeCurrency))
	case a.Minor() <= 0 || a.Minor() > maxTopUp:
		return invalidAmount("out_of_range", fmt.Sprintf("an amount is 1 to %d minor units", int64(maxTopUp)))
	}
	return nil
}

func invalidAmount(code, detail string) *apperr.Error {
	return apperr.New(apperr.Unprocessable, contracts.CodeInvalidAmount, "the wallet cannot be topped up by this amount").
		WithFields(apperr.Field{Field: "amount", Code: code, Detail: detail})
}
