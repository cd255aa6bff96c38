// Package points is the domain of the points service: what rules reward an
// order with, the points that open orders are promised, and what each user has.
//
// The package knows no HTTP, SQL, Kafka or Redis: it speaks to storage through
// [Unit] and [Reader].
package points

import "time"

// OrderID identifies the order that earns or uses points.
type OrderID int64

// UserID identifies whose points they are.
type UserID int64

// The causes of entries: what an order earns and uses when it is paid, and what
// undoes that when it is returned. Either happens once.
const (
	CausePaid     = "paid"
	CauseReturned = "returned"
)

// Rules of entries that are no earn rules.
const (
	RuleRedeem = "redeem" // takes what an order used
	RuleDebt   = "debt"   // lends what is to be taken and is not there, and takes it later
)

// Rewards reports whether an entry is what an earn rule gave.
func (e Entry) Rewards() bool { return e.Rule != RuleRedeem && e.Rule != RuleDebt }

// Entry is what one rule gave a user for one order, or took, never changed
// once written. A user's balance is the sum of the amounts.
type Entry struct {
	EntryID
	User   UserID
	Amount int64 // points; 0 records that the rule ran and gave nothing
	At     time.Time
}

// EntryID is an entry's identity: a rule gives once per order and cause.
type EntryID struct {
	Order OrderID
	Rule  string
	Cause string
}

// Account is what a user has: 0 <= Frozen <= Balance, 0 <= Debt.
type Account struct {
	Balance int64
	Frozen  int64 // of the balance, promised to open orders
	Debt    int64 // owed: the sum of the debt entries
}

// Move is what an account gains, or loses below 0.
type Move struct {
	Balance int64
	Frozen  int64
	Debt    int64
}
