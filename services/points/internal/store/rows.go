package store

import (
	"time"

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
	return points.Account{Balance: r.Balance, Frozen: r.Frozen, Debt: r.Debt}
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

// entryColumns are in the order of values and of fields.
var entryColumns = []string{"order_id", "rule", "cause_id", "user_id", "amount", "at"}

func (r entryRow) values() []any {
	return []any{r.OrderID, r.Rule, r.CauseID, r.UserID, r.Amount, r.At}
}

// fields are the scan targets.
func (r *entryRow) fields() []any {
	return []any{&r.OrderID, &r.Rule, &r.CauseID, &r.UserID, &r.Amount, &r.At}
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

// freezeRow is one row of points_freeze.
type freezeRow struct {
	OrderID   int64
	UserID    int64
	Amount    int64
	Status    string
	At        int64
	UpdatedAt int64
	Deadline  int64
}

// freezeColumns are in the order of values and of fields.
var freezeColumns = []string{"order_id", "user_id", "amount", "status", "at", "updated_at", "deadline"}

func (r freezeRow) values() []any {
	return []any{r.OrderID, r.UserID, r.Amount, r.Status, r.At, r.UpdatedAt, r.Deadline}
}

// fields are the scan targets.
func (r *freezeRow) fields() []any {
	return []any{&r.OrderID, &r.UserID, &r.Amount, &r.Status, &r.At, &r.UpdatedAt, &r.Deadline}
}

func freezeRowFrom(f points.Freeze) freezeRow {
	return freezeRow{
		OrderID: int64(f.Order), UserID: int64(f.User), Amount: f.Amount, Status: string(f.Status),
		At: database.Micros(f.At), UpdatedAt: database.Micros(f.UpdatedAt), Deadline: deadlineMicros(f.Deadline),
	}
}

// deadlineMicros maps the zero time, no deadline, to 0, which is long past.
func deadlineMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Micros(t)
}

func (r freezeRow) freeze() points.Freeze {
	return points.Freeze{
		Order: points.OrderID(r.OrderID), User: points.UserID(r.UserID), Amount: r.Amount, Status: points.Status(r.Status),
		At: database.Time(r.At), UpdatedAt: database.Time(r.UpdatedAt), Deadline: database.Time(r.Deadline),
	}
}
