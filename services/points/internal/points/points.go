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

// CausePaid is the cause of what an order earns and of what it uses: it is
// paid once.
const CausePaid = "paid"

// RuleRedeem is the rule of the entry that takes what an order used; it is no
// earn rule.
const RuleRedeem = "redeem"

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

// Account is what a user has: 0 <= Frozen <= Balance.
type Account struct {
	Balance int64
	Frozen  int64 // of the balance, promised to open orders
}

// Move is what an account gains, or loses below 0.
type Move struct {
	Balance int64
	Frozen  int64
}
