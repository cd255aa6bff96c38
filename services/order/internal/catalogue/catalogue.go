// Package catalogue reads inventory's product list over HTTP: the snapshot that
// order's price projection starts from when it is empty.
package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// Client reads the list of one inventory service. Safe for concurrent use.
type Client struct {
	base string
	http *http.Client
}

// New makes a client of the inventory at base, e.g. "http://127.0.0.1:8082". Each
// page has a connection of its own: one that was opened to the wrong place, while
// a cluster is being set up, would be asked again and again.
func New(base string) *Client {
	return &Client{base: base, http: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

type page struct {
	Items []struct {
		SKU     string       `json:"sku"`
		Version int64        `json:"version"`
		Price   money.Amount `json:"price"`
	} `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// Prices reads every page of the list: the price of all that is on sale.
func (c *Client) Prices(ctx context.Context) ([]order.Price, error) {
	var prices []order.Price
	for cursor := ""; ; {
		p, err := c.page(ctx, cursor)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		prices = append(prices, p.prices()...)
		if p.NextCursor == nil {
			return prices, nil
		}
		cursor = *p.NextCursor
	}
}

func (p page) prices() []order.Price {
	prices := make([]order.Price, len(p.Items))
	for i, it := range p.Items {
		prices[i] = order.Price{SKU: order.SKU(it.SKU), Version: it.Version, Amount: it.Price}
	}
	return prices
}

func (c *Client) page(ctx context.Context, cursor string) (page, error) {
	target := c.base + "/v1/products?limit=100"
	if cursor != "" {
		target += "&cursor=" + url.QueryEscape(cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return page{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return page{}, fmt.Errorf("inventory answered %s", resp.Status)
	}
	var p page
	return p, json.NewDecoder(resp.Body).Decode(&p)
}
