package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"

	"github.com/sony/gobreaker/v2"

	"souk.example/services/payment/internal/payment"
)

// Breaker stops asking a provider that does not answer, and tries it with one
// call at a time until it does. It implements payment.Provider. Safe for
// concurrent use.
type Breaker struct {
	client  *Client
	breaker *gobreaker.CircuitBreaker[payment.Word]
}

// NewBreaker puts a breaker in front of client.
func NewBreaker(client *Client, cfg Config, log *slog.Logger) *Breaker {
	cfg = cfg.withDefaults()
	return &Breaker{client: client, breaker: gobreaker.NewCircuitBreaker[payment.Word](gobreaker.Settings{
		Name: "payment provider", MaxRequests: 1, Timeout: cfg.BreakerOpen,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= cfg.BreakerFailures },
		IsSuccessful: answered,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("payment provider breaker", "from", from.String(), "to", to.String())
		},
	})}
}

// answered reports whether the provider is there, whatever it said: what it
// refuses is refused again by trying less often.
func answered(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return err == nil || errors.Is(err, errMalformed) ||
		ok && status.Status < http.StatusInternalServerError && status.Status != http.StatusTooManyRequests
}

// Answer implements payment.Provider.
func (b *Breaker) Answer(ctx context.Context, c payment.Call) (payment.Word, error) {
	word, err := b.breaker.Execute(func() (payment.Word, error) { return b.client.Answer(ctx, c) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return word, fmt.Errorf("%w: %w", payment.ErrNotSent, err)
	}
	return word, err
}

// Room implements payment.Provider.
func (b *Breaker) Room() int {
	switch b.breaker.State() {
	case gobreaker.StateOpen:
		return 0
	case gobreaker.StateHalfOpen:
		return 1
	}
	return math.MaxInt
}
