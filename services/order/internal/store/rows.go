package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// orderRow is one row of orders.
type orderRow struct {
	ID            int64
	UserID        int64
	IdemKey       string
	Fingerprint   []byte
	Status        string
	Version       int64
	Facts         uint32
	Items         []byte
	Total         int64
	Payable       int64
	PointsUsed    int64
	Currency      string
	PaymentMethod string
	Reason        string
	CreatedAt     int64
	Deadline      int64
	ReservedAt    int64
	PaidAt        int64
	CompletedAt   int64
	ClosedAt      int64

	PaymentToken      string
	RefundRequestedAt int64
	RefundedAt        int64

	ReturnRequestedAt   int64
	RestockRequestedAt  int64
	ReversalRequestedAt int64
	ReturnedAt          int64
}

// TableName names the table for GORM.
func (orderRow) TableName() string { return "orders" }

// orderColumns are those of a new order, in the order of values.
var orderColumns = []string{
	"id", "user_id", "idem_key", "fingerprint", "status", "version", "facts", "items", "total", "payable", "points_used",
	"currency", "payment_method", "reason", "created_at", "deadline", "reserved_at", "paid_at", "completed_at", "closed_at",
	"payment_token",
}

// orderFields are those that are read, in the order of fields.
var orderFields = append(slices.Clone(orderColumns),
	"refund_requested_at", "refunded_at", "return_requested_at", "restock_requested_at", "reversal_requested_at", "returned_at")

func (r *orderRow) values() []any {
	return []any{
		r.ID, r.UserID, r.IdemKey, r.Fingerprint, r.Status, r.Version, r.Facts, r.Items, r.Total, r.Payable, r.PointsUsed,
		r.Currency, r.PaymentMethod, r.Reason, r.CreatedAt, r.Deadline, r.ReservedAt, r.PaidAt, r.CompletedAt, r.ClosedAt,
		r.PaymentToken,
	}
}

// fields are the scan targets.
func (r *orderRow) fields() []any {
	return []any{
		&r.ID, &r.UserID, &r.IdemKey, &r.Fingerprint, &r.Status, &r.Version, &r.Facts, &r.Items, &r.Total, &r.Payable, &r.PointsUsed,
		&r.Currency, &r.PaymentMethod, &r.Reason, &r.CreatedAt, &r.Deadline, &r.ReservedAt, &r.PaidAt, &r.CompletedAt, &r.ClosedAt,
		&r.PaymentToken, &r.RefundRequestedAt, &r.RefundedAt,
		&r.ReturnRequestedAt, &r.RestockRequestedAt, &r.ReversalRequestedAt, &r.ReturnedAt,
	}
}

// lineJSON is one element of the items column.
type lineJSON struct {
	SKU       string `json:"sku"`
	Quantity  int64  `json:"quantity"`
	UnitPrice int64  `json:"unit_price"`
}

// rowFrom makes the row of a new order.
func rowFrom(s *order.State) (*orderRow, error) {
	items, err := itemsFrom(s.Lines)
	if err != nil {
		return nil, err
	}
	return &orderRow{
		ID: int64(s.ID), UserID: int64(s.Key.User), IdemKey: s.Key.Key, Fingerprint: s.Fingerprint[:],
		Status: string(s.Status), Version: s.Version, Facts: uint32(s.Facts), Items: items,
		Total: s.Total.Minor(), Payable: s.Payable.Minor(), PointsUsed: s.PointsUsed, Currency: string(s.Total.Currency()),
		PaymentMethod: s.Method, PaymentToken: s.Token.Reveal(), Reason: s.Reason,
		CreatedAt: micros(s.CreatedAt), Deadline: micros(s.Deadline), ReservedAt: micros(s.ReservedAt),
		PaidAt: micros(s.PaidAt), CompletedAt: micros(s.CompletedAt), ClosedAt: micros(s.ClosedAt),
	}, nil
}

func (r *orderRow) state() (*order.State, error) {
	lines, err := linesFrom(r.Items)
	if err != nil {
		return nil, fmt.Errorf("order %d: %w", r.ID, err)
	}
	currency := money.Currency(r.Currency)
	return &order.State{
		ID: order.ID(r.ID), Key: order.Key{User: order.UserID(r.UserID), Key: r.IdemKey}, Fingerprint: [32]byte(r.Fingerprint),
		Status: order.Status(r.Status), Version: r.Version, Facts: order.Facts(r.Facts), Lines: lines,
		Total: money.Of(r.Total, currency), Payable: money.Of(r.Payable, currency), PointsUsed: r.PointsUsed,
		Method: r.PaymentMethod, Token: order.CardToken(r.PaymentToken), Reason: r.Reason,
		CreatedAt: instant(r.CreatedAt), Deadline: instant(r.Deadline), ReservedAt: instant(r.ReservedAt),
		PaidAt: instant(r.PaidAt), CompletedAt: instant(r.CompletedAt), ClosedAt: instant(r.ClosedAt),
		RefundRequestedAt: instant(r.RefundRequestedAt), RefundedAt: instant(r.RefundedAt),
		Return: order.ReturnTimes{
			RequestedAt: instant(r.ReturnRequestedAt), RestockRequestedAt: instant(r.RestockRequestedAt),
			ReversalRequestedAt: instant(r.ReversalRequestedAt), DoneAt: instant(r.ReturnedAt),
		},
	}, nil
}

func itemsFrom(lines []order.Line) ([]byte, error) {
	out := make([]lineJSON, len(lines))
	for i, l := range lines {
		out[i] = lineJSON{SKU: string(l.SKU), Quantity: l.Quantity, UnitPrice: l.UnitPrice}
	}
	return json.Marshal(out)
}

func linesFrom(items []byte) ([]order.Line, error) {
	var in []lineJSON
	if err := json.Unmarshal(items, &in); err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	lines := make([]order.Line, len(in))
	for i, l := range in {
		lines[i] = order.Line{SKU: order.SKU(l.SKU), Quantity: l.Quantity, UnitPrice: l.UnitPrice}
	}
	return lines, nil
}

// micros and instant map the zero time, "not yet", to 0 and back.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Micros(t)
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return database.Time(us)
}
