package audit

import (
	"context"
	"fmt"
	"strings"
)

// account is one account of the ledger in one currency.
type account struct{ name, currency string }

// checkLedger holds wallets against the ledger (4): each balance is what the
// ledger moved in less what it moved out, and none is negative. A row of the
// ledger moves one amount from one account to another, so debits and credits
// balance by construction, unless the amount is not positive.
func checkLedger(ctx context.Context, s snapshots, f *findings) error {
	fold, err := foldLedger(ctx, s.payment)
	if err != nil {
		return err
	}
	var user, balance int64
	var currency string
	err = each(ctx, s.payment, "SELECT user_id, currency, balance FROM wallet", []any{&user, &currency, &balance}, func() error {
		a := account{fmt.Sprintf("wallet:%d", user), currency}
		if balance != fold[a] || balance < 0 {
			f.violated(Ledger, a.name, "balance %d %s, the ledger adds up to %d", balance, currency, fold[a])
		}
		delete(fold, a)
		return nil
	})
	for a, sum := range fold {
		if strings.HasPrefix(a.name, "wallet:") && sum != 0 {
			f.violated(Ledger, a.name, "the ledger adds up to %d %s, but there is no wallet", sum, a.currency)
		}
	}
	if err != nil {
		return err
	}
	return checkEntries(ctx, s.payment, f)
}

// foldLedger adds the ledger up by account.
func foldLedger(ctx context.Context, q querier) (map[account]int64, error) {
	fold := map[account]int64{}
	var a account
	var sum int64
	for column, sign := range map[string]int64{"debit_account": -1, "credit_account": 1} {
		query := fmt.Sprintf("SELECT %s, currency, SUM(amount) FROM ledger_entry GROUP BY %s, currency", column, column)
		err := each(ctx, q, query, []any{&a.name, &a.currency, &sum}, func() error {
			fold[a] += sign * sum
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return fold, nil
}

func checkEntries(ctx context.Context, q querier, f *findings) error {
	var cause string
	var amount int64
	return each(ctx, q, "SELECT cause, amount FROM ledger_entry WHERE amount <= 0", []any{&cause, &amount}, func() error {
		f.violated(Ledger, "ledger entry "+cause, "it moves %d", amount)
		return nil
	})
}
