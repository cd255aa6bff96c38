package store

import (
	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// paymentRow is one row of payment.
type paymentRow struct {
	OrderID, UserID      int64
	Status, Method       string
	Amount               int64
	Currency             string
	Captured, Refunded   int64
	ProviderRef, Reason  string
	CreatedAt, UpdatedAt int64
	CancelRequested      int64
}

// paymentColumns are in the order of values and of fields.
var paymentColumns = []string{
	"order_id", "user_id", "status", "method", "amount", "currency", "captured", "refunded",
	"provider_ref", "reason", "created_at", "updated_at", "cancel_requested",
}

func (r *paymentRow) values() []any {
	return []any{
		r.OrderID, r.UserID, r.Status, r.Method, r.Amount, r.Currency, r.Captured, r.Refunded,
		r.ProviderRef, r.Reason, r.CreatedAt, r.UpdatedAt, r.CancelRequested,
	}
}

// fields are the scan targets.
func (r *paymentRow) fields() []any {
	return []any{
		&r.OrderID, &r.UserID, &r.Status, &r.Method, &r.Amount, &r.Currency, &r.Captured, &r.Refunded,
		&r.ProviderRef, &r.Reason, &r.CreatedAt, &r.UpdatedAt, &r.CancelRequested,
	}
}

// paymentRowFrom makes the row of a new decision: nothing of it is refunded.
func paymentRowFrom(p payment.Payment) *paymentRow {
	at := database.Micros(p.At)
	return &paymentRow{
		OrderID: int64(p.Order), UserID: int64(p.User), Status: string(p.Status), Method: p.Method,
		Amount: p.Amount.Minor(), Currency: string(p.Amount.Currency()), Captured: p.Captured.Minor(),
		Reason: p.Reason, CreatedAt: at, UpdatedAt: at, CancelRequested: flag(p.CancelRequested),
	}
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

func (r *paymentRow) payment() payment.Payment {
	currency := money.Currency(r.Currency)
	return payment.Payment{
		Order: payment.OrderID(r.OrderID), User: payment.UserID(r.UserID), Status: payment.Status(r.Status), Method: r.Method,
		Amount: money.Of(r.Amount, currency), Captured: money.Of(r.Captured, currency), Refunded: money.Of(r.Refunded, currency),
		Charge: r.ProviderRef, Reason: r.Reason, CancelRequested: r.CancelRequested != 0, At: database.Time(r.UpdatedAt),
	}
}

var refundColumns = []string{"refund_id", "order_id", "status", "amount", "currency", "provider_ref", "created_at", "updated_at"}

// refundRow is the row of a new refund.
func refundRow(r payment.Refund) []any {
	at := database.Micros(r.At)
	return []any{string(r.ID), int64(r.Order), string(r.Status), r.Amount.Minor(), string(r.Amount.Currency()), r.Ref, at, at}
}

var walletColumns = []string{"user_id", "currency", "balance"}

var entryColumns = []string{"cause", "debit_account", "credit_account", "amount", "currency", "at"}

func entryRow(e payment.Entry) []any {
	return []any{e.Cause, string(e.Debit), string(e.Credit), e.Amount.Minor(), string(e.Amount.Currency()), database.Micros(e.At)}
}
