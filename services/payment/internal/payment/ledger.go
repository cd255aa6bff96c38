package payment

import (
	"cmp"
	"strconv"
	"time"

	"souk.example/pkg/money"
)

// Account is one side of a movement of money.
type Account string

// The accounts that are not wallets.
const (
	Cash  Account = "cash"  // what users paid in
	Sales Account = "sales" // what orders brought in
	Seed  Account = "seed"  // demo money
	PSP   Account = "psp"   // what the provider took from cards, less what it gave back, with the sign reversed
)

// WalletID names a wallet: a user has one per currency.
type WalletID struct {
	User     UserID
	Currency money.Currency
}

// Compare orders wallets as their primary key does: by user, then currency.
func (w WalletID) Compare(other WalletID) int {
	return cmp.Or(cmp.Compare(w.User, other.User), cmp.Compare(w.Currency, other.Currency))
}

// Account is the wallet's account in the ledger; the currency stands in each entry.
func (w WalletID) Account() Account {
	return Account(numbered("wallet", int64(w.User)))
}

// Entry is one movement of money, never changed once written: Debit gives and
// Credit gets the same amount, so an entry always balances. A wallet's balance
// is what it was credited less what it was debited.
type Entry struct {
	Cause  string // unique: what is caused once moves money once
	Debit  Account
	Credit Account
	Amount money.Amount // above 0
	At     time.Time
}

// captureEntry pays for an order out of the wallet.
func captureEntry(p Payment) Entry {
	from := WalletID{User: p.User, Currency: p.Captured.Currency()}
	return Entry{Cause: cause("capture", int64(p.Order)), Debit: from.Account(), Credit: Sales, Amount: p.Captured, At: p.At}
}

// cardCaptureEntry pays for an order by card.
func cardCaptureEntry(p Payment) Entry {
	return Entry{Cause: cause("capture", int64(p.Order)), Debit: PSP, Credit: Sales, Amount: p.Captured, At: p.At}
}

// walletRefundEntry gives back into the wallet.
func walletRefundEntry(r Refund, user UserID) Entry {
	to := WalletID{User: user, Currency: r.Amount.Currency()}
	return Entry{Cause: refundCause(r.ID), Debit: Sales, Credit: to.Account(), Amount: r.Amount, At: r.At}
}

// cardRefundEntry gives back to the card.
func cardRefundEntry(r Refund) Entry {
	return Entry{Cause: refundCause(r.ID), Debit: Sales, Credit: PSP, Amount: r.Amount, At: r.At}
}

func refundCause(id RefundID) string { return "refund:" + string(id) }

// topUpEntry pays into a wallet.
func topUpEntry(id int64, user UserID, amount money.Amount, at time.Time) Entry {
	to := WalletID{User: user, Currency: amount.Currency()}
	return Entry{Cause: cause("topup", id), Debit: Cash, Credit: to.Account(), Amount: amount, At: at}
}

// SeedEntry gives a user demo money, once.
func SeedEntry(user UserID, amount money.Amount, at time.Time) Entry {
	to := WalletID{User: user, Currency: amount.Currency()}
	return Entry{Cause: SeedCause(user), Debit: Seed, Credit: to.Account(), Amount: amount, At: at}
}

// SeedCause is the cause of a user's SeedEntry.
func SeedCause(user UserID) string { return cause("seed", int64(user)) }

func cause(kind string, id int64) string { return numbered(kind, id) }

// numbered is "<kind>:<id>", made at once.
func numbered(kind string, id int64) string {
	const room = 40 // as an account's name has
	text := append(append(make([]byte, 0, room), kind...), ':')
	return string(strconv.AppendInt(text, id, 10))
}
