package payment

import (
	"context"
	"time"

	"souk.example/pkg/money"
)

// Unit is one transaction's view of payments, refunds, wallets and the events
// that tell of them. Every method works on a whole batch.
type Unit interface {
	// Fresh reports that nothing speaks for any request having come before. What
	// a request would open may then be taken for new without looking: Record
	// fails if it is not, by the key of its row, and has the whole unit run
	// again, not fresh.
	Fresh(ctx context.Context) bool
	// Payments finds what is known about these orders.
	Payments(ctx context.Context, orders []OrderID) (map[OrderID]Payment, error)
	// Refunds finds what is known about these refunds.
	Refunds(ctx context.Context, ids []RefundID) (map[RefundID]Refund, error)
	// LockWallets loads and locks every wallet of these users, in the order of
	// (user, currency), and returns the balances in minor units.
	LockWallets(ctx context.Context, users []UserID) (map[WalletID]int64, error)
	// Record stores the decisions and emits an event per reply. It fails when
	// something is no longer as it was when it was decided on.
	Record(ctx context.Context, d Decisions) error
}

// Wallets is where wallets live.
type Wallets interface {
	// Deposit pays into a wallet, once per (d.User, d.Key): a key that has paid
	// in already returns the receipt of that time, and with another
	// fingerprint it is refused. ErrBalanceLimit when it would hold too much.
	Deposit(ctx context.Context, d Deposit) (Receipt, error)
	// Balance is what the wallet holds; 0 for one that does not exist.
	Balance(ctx context.Context, w WalletID) (money.Amount, error)
}

// Calls is where calls wait.
type Calls interface {
	// Claim takes at most limit calls that are due, for as long as lease, and
	// commits what they are about as Calling before it returns: a call of
	// another process is taken only when its lease is over. Orphans are calls
	// about what is not open any more, because somebody changed it by hand say:
	// they are dropped and must not be made.
	Claim(ctx context.Context, as ClaimID, limit int, lease time.Duration) (calls, orphans []Call, err error)
}

// Journal is where the provider's words are written down.
type Journal interface {
	// Enter looks up what the words are about, has it judged, and stores the
	// rulings with an event per reply, all in one transaction, run again when
	// somebody else was faster. It returns the errors of the rulings.
	Enter(ctx context.Context, words []Word, judge func(Records) Rulings) ([]error, error)
}

// Provider takes money from cards and gives it back. It acts once per key,
// however often it is asked, and then repeats its answer as it stands by now.
type Provider interface {
	// Answer makes a call and returns the provider's word. An error is no
	// answer: whether the call had an effect is open. ErrNotSent says that the
	// provider was not asked, ErrRefused that it would not do it.
	Answer(ctx context.Context, c Call) (Word, error)
	// Room is how many calls there is a point in making now: none while the
	// provider is known not to answer, one to find out.
	Room() int
}

// Statement is the provider's own list of charges.
type Statement interface {
	// Charges lists at most limit charges that were made after the one given,
	// or from the first, in the order in which they were made, and whether
	// there are more. A charge that makes no sense is a line with an error.
	Charges(ctx context.Context, after string, limit int) (lines []Line, more bool, err error)
}

// Watermark keeps how far the provider's list is compared, and who does it.
type Watermark interface {
	// Take makes as the one who compares until then, unless somebody else is;
	// it returns the charge that was last seen to.
	Take(ctx context.Context, as ClaimID, lease time.Duration) (after string, mine bool, err error)
	// Keep moves the mark and renews the lease; false if that has been lost.
	Keep(ctx context.Context, as ClaimID, after string, lease time.Duration) (mine bool, err error)
	// Payments finds what is known about these orders.
	Payments(ctx context.Context, orders []OrderID) (map[OrderID]Payment, error)
}
