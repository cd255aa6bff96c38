package store

import (
	"souk.example/pkg/database"
	"souk.example/services/points/internal/points"
)

// accountRow is one row of points_account.
type accountRow struct {
	UserID  int64
	Balance int64
	Frozen  int64
	Debt    int64
}

// TableName names the table for GORM.
func (accountRow) TableName() string { return "points_account" }

func (r accountRow) account() points.Account {
	return points.Account{Balance: r.Balance, Frozen: r.Frozen}
}

var accountColumns = []string{"user_id", "balance", "frozen", "debt"}

// entryRow is one row of points_entry.
type entryRow struct {
	OrderID int64
	Rule    string
	CauseID string
	UserID  int64
	Amount  int64
	At      int64
}

// TableName names the table for GORM.
func (entryRow) TableName() string { return "points_entry" }

// entryColumns are in the order of values.
var entryColumns = []string{"order_id", "rule", "cause_id", "user_id", "amount", "at"}

func (r entryRow) values() []any {
	return []any{r.OrderID, r.Rule, r.CauseID, r.UserID, r.Amount, r.At}
}

func entryRowFrom(e points.Entry) entryRow {
	return entryRow{
		OrderID: int64(e.Order), Rule: e.Rule, CauseID: e.Cause, UserID: int64(e.User), Amount: e.Amount, At: database.Micros(e.At),
	}
}

func (r entryRow) entry() points.Entry {
	return points.Entry{
		EntryID: points.EntryID{Order: points.OrderID(r.OrderID), Rule: r.Rule, Cause: r.CauseID},
		User:    points.UserID(r.UserID), Amount: r.Amount, At: database.Time(r.At),
	}
}
