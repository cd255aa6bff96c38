package httpapi

import (
	"strconv"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// placeRequest is the body of POST /v1/orders. What is left out is left out of
// its fingerprint too, so that a field added later changes no old one.
type placeRequest struct {
	Items   []itemRequest  `json:"items"`
	Payment paymentRequest `json:"payment"`
	Points  int64          `json:"points,omitzero"`
}

type itemRequest struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

type paymentRequest struct {
	Method string `json:"method"`
	Token  string `json:"token,omitzero"`
}

type orderResponse struct {
	ID          string          `json:"id"`
	Status      string          `json:"status"`
	Reason      string          `json:"reason,omitzero"`
	Items       []itemResponse  `json:"items"`
	Total       money.Amount    `json:"total"`
	Payable     money.Amount    `json:"payable"`
	PointsUsed  int64           `json:"points_used"`
	Payment     paymentResponse `json:"payment"`
	Version     int64           `json:"version"`
	CreatedAt   string          `json:"created_at"`
	Deadline    string          `json:"deadline"`
	CompletedAt string          `json:"completed_at,omitzero"`
	Timeline    []entryResponse `json:"timeline"`
}

type itemResponse struct {
	SKU       string       `json:"sku"`
	Quantity  int64        `json:"quantity"`
	UnitPrice money.Amount `json:"unit_price"`
}

type paymentResponse struct {
	Method string `json:"method"`
	Status string `json:"status"`
}

type entryResponse struct {
	Status  string `json:"status"`
	At      string `json:"at"`
	Service string `json:"service"`
	Reason  string `json:"reason,omitzero"`
}

type listResponse struct {
	Items      []orderResponse `json:"items"`
	NextCursor *string         `json:"next_cursor"`
}

func responseFrom(s *order.State) orderResponse {
	r := orderResponse{
		ID: strconv.FormatInt(int64(s.ID), 10), Status: string(s.Status), Reason: s.Reason,
		Items: itemsFrom(s), Total: s.Total, Payable: s.Payable, PointsUsed: s.PointsUsed,
		Payment: paymentResponse{Method: s.Method, Status: s.PaymentStatus()},
		Version: s.Version, CreatedAt: timestamp(s.CreatedAt), Deadline: timestamp(s.Deadline),
	}
	if !s.CompletedAt.IsZero() {
		r.CompletedAt = timestamp(s.CompletedAt)
	}
	for _, e := range s.Timeline() {
		r.Timeline = append(r.Timeline, entryResponse{Status: string(e.Status), At: timestamp(e.At), Service: e.Service, Reason: e.Reason})
	}
	return r
}

func itemsFrom(s *order.State) []itemResponse {
	items := make([]itemResponse, len(s.Lines))
	for i, l := range s.Lines {
		items[i] = itemResponse{SKU: string(l.SKU), Quantity: l.Quantity, UnitPrice: money.Of(l.UnitPrice, s.Total.Currency())}
	}
	return items
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
