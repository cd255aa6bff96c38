// Package statement reads the payment provider's own record: what it charged
// and what it gave back. It shares no code with the service that asks the
// provider for either, so that the two can be held against each other.
package statement

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Charge is a charge as it stands by now. Amounts are minor units.
type Charge struct {
	ID          string    `json:"id"`
	Reference   string    `json:"reference"` // the order's id
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Status      string    `json:"status"` // Succeeded, or it took nothing so far
	FailureCode string    `json:"failure_code,omitempty"`
	Refunded    int64     `json:"refunded"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Refund is money that went back.
type Refund struct {
	ID        string    `json:"id"`
	Charge    string    `json:"charge"`
	Reference string    `json:"reference"` // the refund's id in souk
	Amount    int64     `json:"amount"`
	Currency  string    `json:"currency"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

// Succeeded is the status of a charge that took its amount, and of a refund
// that gave it back.
const Succeeded = "succeeded"

const (
	pageSize = 1000
	maxReply = 8 << 20 // a full page fits
	patience = 30 * time.Second
)

// Reader asks a provider. Safe for concurrent use.
type Reader struct {
	http *http.Client
	base string
	key  string
}

// NewReader makes a Reader of the provider at a base URL without a trailing
// slash; key is what the merchant is known by.
func NewReader(base, key string) *Reader {
	return &Reader{http: &http.Client{Timeout: patience}, base: base, key: key}
}

// Charges visits every charge from the first one on, in the order in which they
// were made, until visit fails.
func (r *Reader) Charges(ctx context.Context, visit func(Charge) error) error {
	return walk(ctx, r, "/v1/charges", visit)
}

// Refunds is Charges for refunds.
func (r *Reader) Refunds(ctx context.Context, visit func(Refund) error) error {
	return walk(ctx, r, "/v1/refunds", visit)
}

// ChargesOf lists the charges of one order.
func (r *Reader) ChargesOf(ctx context.Context, reference string) ([]Charge, error) {
	got, err := get[Charge](ctx, r, "/v1/charges", url.Values{"reference": {reference}})
	return got.Items, err
}

// page is one reply of a list.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next_after"`
}

func walk[T any](ctx context.Context, r *Reader, path string, visit func(T) error) error {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		got, err := get[T](ctx, r, path, query)
		if err != nil {
			return err
		}
		for _, item := range got.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		switch {
		case got.Next == nil:
			return nil
		case *got.Next == query.Get("after"):
			return fmt.Errorf("%s does not go on after %q", path, *got.Next)
		}
		query.Set("after", *got.Next)
	}
}

func get[T any](ctx context.Context, r *Reader, path string, query url.Values) (page[T], error) {
	var got page[T]
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return got, err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	resp, err := r.http.Do(req)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return got, fmt.Errorf("%s answers %d", path, resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&got); err != nil {
		return got, fmt.Errorf("%s: %w", path, err)
	}
	return got, nil
}
