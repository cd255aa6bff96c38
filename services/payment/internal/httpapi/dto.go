package httpapi

import (
	"strconv"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

type walletResponse struct {
	Balance money.Amount `json:"balance"`
}

// topUpRequest is the body of POST /v1/wallet/topups.
type topUpRequest struct {
	Amount money.Amount `json:"amount"`
}

type topUpResponse struct {
	ID        string       `json:"id"`
	Amount    money.Amount `json:"amount"`
	Balance   money.Amount `json:"balance"` // right after this top-up
	CreatedAt string       `json:"created_at"`
}

func topUpResponseFrom(r payment.Receipt) topUpResponse {
	return topUpResponse{
		ID: strconv.FormatInt(r.ID, 10), Amount: r.Amount, Balance: r.Balance, CreatedAt: timestamp(r.At),
	}
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
