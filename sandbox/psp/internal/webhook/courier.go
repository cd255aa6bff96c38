// Package webhook delivers the provider's events to the merchant: signed, at
// least once, in any order, and again with growing pauses until the merchant
// takes them.
package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/failpoint"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/wire"
)

// Delivery is a webhook that waits.
type Delivery struct {
	ID       string
	Body     []byte
	Attempts int
	DueAt    time.Time
}

// Queue is where webhooks wait durably.
type Queue interface {
	// Due returns the webhooks due at a time, at most limit.
	Due(ctx context.Context, at time.Time, limit int) ([]Delivery, error)
	// Settle removes those that are done and puts the others off.
	Settle(ctx context.Context, done []string, later []Delivery) error
}

// Config says where webhooks go and how they are signed.
type Config struct {
	URL      string          `env:"SOUK_PSP_WEBHOOK_URL" usage:"where webhooks go; empty: nowhere"`
	Secrets  []config.Secret `env:"SOUK_PSP_WEBHOOK_SECRETS" usage:"what webhooks are signed with, comma separated, each makes a signature"`
	Merchant string          `env:"SOUK_PSP_MERCHANT" envDefault:"souk-dev" usage:"whom webhooks are for"`
}

const (
	workers     = 16
	batch       = 256
	idle        = 100 * time.Millisecond // between looks at an empty queue
	timeout     = 5 * time.Second        // of one attempt
	firstPause  = time.Second            // after a failure, doubled up to longestPause
	longest     = time.Minute
	maxAttempts = 30 // about 25 minutes
	maxRefused  = 3  // attempts that a receiver who says no gets
)

// Courier implements psp.Courier. Run one per queue.
type Courier struct {
	queue Queue
	cfg   Config
	http  *http.Client
	now   func() time.Time
	log   *slog.Logger
	wake  chan struct{}
}

// NewCourier makes a Courier.
func NewCourier(queue Queue, cfg Config, now func() time.Time, log *slog.Logger) *Courier {
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * workers, IdleConnTimeout: 30 * time.Second}
	return &Courier{
		queue: queue, cfg: cfg, now: now, log: log, wake: make(chan struct{}, 1),
		http: &http.Client{Timeout: timeout, Transport: transport},
	}
}

// Wake implements psp.Courier.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. What was not settled then is delivered again by
// the next.
func (c *Courier) Run(ctx context.Context) error {
	defer c.http.CloseIdleConnections()
	for ctx.Err() == nil {
		n, err := c.round(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "webhooks wait", "error", err)
		}
		if n < batch {
			c.rest(ctx)
		}
	}
	return nil
}

func (c *Courier) rest(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-c.wake:
	case <-timer.C:
	}
}

// round makes an attempt at everything that is due.
func (c *Courier) round(ctx context.Context) (int, error) {
	due, err := c.queue.Due(ctx, c.now(), batch)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	verdicts := c.deliverAll(ctx, due)
	if ctx.Err() != nil {
		return 0, nil //nolint:nilerr // a stopped attempt says nothing about the receiver
	}
	var done []string
	var later []Delivery
	for i, d := range due {
		d.Attempts++
		if verdicts[i].final(d.Attempts) {
			done = append(done, d.ID)
			continue
		}
		d.DueAt = c.now().Add(pauseAfter(d.Attempts))
		later = append(later, d)
	}
	failpoint.Hit("psp-webhook-before-commit")
	err = c.queue.Settle(ctx, done, later)
	failpoint.Hit("psp-webhook-after-commit")
	return len(due), err
}

func (c *Courier) deliverAll(ctx context.Context, due []Delivery) []verdict {
	verdicts := make([]verdict, len(due))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, len(due)) {
		wg.Go(func() {
			for i := range next {
				verdicts[i] = c.attempt(ctx, due[i].ID, due[i].Body)
			}
		})
	}
	for i := range due {
		next <- i
	}
	close(next)
	wg.Wait()
	return verdicts
}

// Deliver implements psp.Courier. The event stands in the queue and is
// delivered from there as well.
func (c *Courier) Deliver(ctx context.Context, e psp.Event) {
	body, err := wire.Webhook(e, c.cfg.Merchant)
	if err != nil {
		c.log.ErrorContext(ctx, "webhook", "error", err)
		return
	}
	c.attempt(ctx, e.ID, body)
}

// verdict is what became of an attempt: the receiver's status, 0 for none.
type verdict int

// final tells whether no further attempt is to follow the nth.
func (v verdict) final(nth int) bool {
	switch {
	case v >= 200 && v < 300:
		return true
	case v >= 400 && v < 500 && v != http.StatusRequestTimeout && v != http.StatusTooManyRequests:
		return nth >= maxRefused
	}
	return nth >= maxAttempts
}

func pauseAfter(attempts int) time.Duration {
	return min(firstPause<<min(attempts-1, 10), longest)
}

func (c *Courier) attempt(ctx context.Context, id string, body []byte) verdict {
	if c.cfg.URL == "" {
		return http.StatusNoContent
	}
	status, err := c.post(ctx, body)
	if err != nil {
		c.log.DebugContext(ctx, "webhook not delivered", "event", id, "error", err)
	}
	return status
}

func (c *Courier) post(ctx context.Context, body []byte) (verdict, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(Header, Sign(c.cfg.Secrets, c.now(), body))
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return 0, fmt.Errorf("read the reply: %w", err)
	}
	return verdict(resp.StatusCode), nil
}
