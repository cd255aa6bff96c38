// Package points is the domain of the points service: what rules reward an
// order with, and what each user has.
//
// The package knows no HTTP, SQL, Kafka or Redis: it speaks to storage through
// [Unit] and [Reader].
package points

import "time"

// OrderID identifies the order that was rewarded.
type OrderID int64

// UserID identifies whose points they are.
type UserID int64

// CausePaid is the cause of what an order earns: it is paid once.
const CausePaid = "paid"

// Entry is what one rule gave a user for one order, never changed once
// written. A user's balance is the sum of the amounts.
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

// Account is what a user has.
type Account struct {
	Balance int64
	Frozen  int64 // of the balance, promised to open orders
}
