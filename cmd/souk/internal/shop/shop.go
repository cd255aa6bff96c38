// Package shop is a customer's view of souk: a small client of the public API.
package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client speaks for one customer. Safe for concurrent use.
type Client struct {
	BaseURL string // of the gateway, without a trailing slash
	Token   string
}

// Line is one line of an order to place.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Order is an order as the API shows it.
type Order struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Reason    string    `json:"reason,omitempty"`
	Payment   Payment   `json:"payment"`
	CreatedAt time.Time `json:"created_at"`
	Timeline  []Entry   `json:"timeline"`
}

// Payment is how an order is, or is to be, paid.
type Payment struct {
	Method string `json:"method"`
	Token  string `json:"token,omitempty"`  // of a card, when placing
	Status string `json:"status,omitempty"` // none, captured or refunded, when reading
}

// Entry is one line of an order's timeline.
type Entry struct {
	Status  string    `json:"status"`
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Reason  string    `json:"reason,omitempty"`
}

// AtRest tells whether the order's status is final.
func (o Order) AtRest() bool {
	switch o.Status {
	case "COMPLETED", "REJECTED", "CANCELLED", "RETURNED":
		return true
	}
	return false
}

// ProblemError is the API's refusal.
type ProblemError struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (e *ProblemError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Detail) }

// PlaceOrder buys from the wallet. The same key never buys twice. A refusal is
// a *ProblemError.
func (c *Client) PlaceOrder(ctx context.Context, key string, lines ...Line) (Order, error) {
	return c.place(ctx, key, Payment{Method: "wallet"}, lines)
}

// PlaceCardOrder is PlaceOrder with a card instead of the wallet.
func (c *Client) PlaceCardOrder(ctx context.Context, key, token string, lines ...Line) (Order, error) {
	return c.place(ctx, key, Payment{Method: "card", Token: token}, lines)
}

func (c *Client) place(ctx context.Context, key string, how Payment, lines []Line) (Order, error) {
	var o Order
	err := c.do(ctx, http.MethodPost, "/v1/orders", key, map[string]any{"items": lines, "payment": how}, &o)
	return o, err
}

// Cancel cancels one of the customer's orders. A refusal is a *ProblemError.
func (c *Client) Cancel(ctx context.Context, id string) (Order, error) {
	var o Order
	err := c.do(ctx, http.MethodPost, "/v1/orders/"+id+"/cancel", "", map[string]any{}, &o)
	return o, err
}

// Order reads one of the customer's orders.
func (c *Client) Order(ctx context.Context, id string) (Order, error) {
	var o Order
	err := c.do(ctx, http.MethodGet, "/v1/orders/"+id, "", nil, &o)
	return o, err
}

// AwaitRest polls until the order is at rest or ctx ends; it then returns the
// order as last seen, with ctx's error.
func (c *Client) AwaitRest(ctx context.Context, id string, every time.Duration) (Order, error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var last Order
	for {
		o, err := c.Order(ctx, id)
		if err == nil {
			last = o
		}
		if err != nil && ctx.Err() == nil || last.AtRest() {
			return last, err
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (c *Client) do(ctx context.Context, method, path, key string, in, out any) error {
	req, err := c.request(ctx, method, path, key, in)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		problem := &ProblemError{Status: resp.StatusCode}
		_ = json.Unmarshal(body, problem) // whatever else it says, the status stands
		return problem
	}
	return json.Unmarshal(body, out)
}

func (c *Client) request(ctx context.Context, method, path, key string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return req, nil
}
