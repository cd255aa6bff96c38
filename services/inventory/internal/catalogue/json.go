// Package catalogue is the public view of products: what a page of one looks
// like, and the cache it is served from.
package catalogue

import (
	"encoding/json"
	"fmt"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/inventory"
)

// Product is a product as the world sees it.
type Product struct {
	SKU         string       `json:"sku"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Price       money.Amount `json:"price"`
	Available   int64        `json:"available"`
	ImageURL    string       `json:"image_url"`
	Version     int64        `json:"version"`
	UpdatedAt   string       `json:"updated_at"`
}

// ProductFrom is the public view of a listing.
func ProductFrom(l inventory.Listing) Product {
	return Product{
		SKU: string(l.SKU), Name: l.Name, Description: l.Description, Price: l.Price, Available: l.Available,
		ImageURL: l.ImageURL, Version: l.Version, UpdatedAt: Timestamp(l.UpdatedAt),
	}
}

// Timestamp is RFC 3339 in UTC with milliseconds.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func render(l inventory.Listing) (Page, error) {
	body, err := json.Marshal(ProductFrom(l))
	if err != nil {
		return Page{}, fmt.Errorf("encode product %s: %w", l.SKU, err)
	}
	return NewPage(body), nil
}
