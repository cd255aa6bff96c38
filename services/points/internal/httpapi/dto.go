package httpapi

import (
	"strconv"
	"time"

	"souk.example/services/points/internal/points"
)

type accountResponse struct {
	Balance int64 `json:"balance"`
	Frozen  int64 `json:"frozen"`
	Debt    int64 `json:"debt,omitzero"` // taken from what the user earns next
}

type entryResponse struct {
	OrderID string `json:"order_id"`
	Rule    string `json:"rule"`
	Amount  int64  `json:"amount"`
	At      string `json:"at"`
}

type entriesResponse struct {
	Items      []entryResponse `json:"items"`
	NextCursor *string         `json:"next_cursor"`
}

func entryResponseFrom(e points.Entry) entryResponse {
	return entryResponse{
		OrderID: strconv.FormatInt(int64(e.Order), 10), Rule: e.Rule, Amount: e.Amount, At: timestamp(e.At),
	}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
