package store

import (
	"fmt"
	"strings"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/inventory"
)

// productRow is one row of product.
type productRow struct {
	SKU, Name, Description string
	Price                  int64
	Currency               string
	ImageURL               string
	Search                 string
	Version                int64
	Withdrawn              int
	UpdatedAt              int64
}

// productColumns are in the order of values and of fields.
var productColumns = []string{
	"sku", "name", "description", "price", "currency", "image_url", "search", "version", "withdrawn", "updated_at",
}

func productRowFrom(p inventory.Product) *productRow {
	row := &productRow{
		SKU: string(p.SKU), Name: p.Name, Description: p.Description,
		Price: p.Price.Minor(), Currency: string(p.Price.Currency()), ImageURL: p.ImageURL,
		Search: strings.ToLower(string(p.SKU) + " " + p.Name), Version: p.Version, UpdatedAt: database.Micros(p.UpdatedAt),
	}
	if p.Withdrawn {
		row.Withdrawn = 1
	}
	return row
}

func (r *productRow) values() []any {
	return []any{r.SKU, r.Name, r.Description, r.Price, r.Currency, r.ImageURL, r.Search, r.Version, r.Withdrawn, r.UpdatedAt}
}

// fields are the scan targets.
func (r *productRow) fields() []any {
	return []any{&r.SKU, &r.Name, &r.Description, &r.Price, &r.Currency, &r.ImageURL, &r.Search, &r.Version, &r.Withdrawn, &r.UpdatedAt}
}

func (r *productRow) product() inventory.Product {
	return inventory.Product{
		SKU: inventory.SKU(r.SKU), Name: r.Name, Description: r.Description,
		Price: money.Of(r.Price, money.Currency(r.Currency)), ImageURL: r.ImageURL,
		Version: r.Version, Withdrawn: r.Withdrawn != 0, UpdatedAt: database.Time(r.UpdatedAt),
	}
}

var stockColumns = []string{"sku", "available", "reserved", "sold", "initial", "adjusted"}

func stockFields(s *inventory.Stock) []any {
	return []any{&s.SKU, &s.Available, &s.Reserved, &s.Sold, &s.Initial, &s.Adjusted}
}

// reservationRow is one row of reservation.
type reservationRow struct {
	OrderID                    int64
	Status                     string
	Items                      []byte
	Reason, RefusedSKU         string
	Version, At, UpdatedMicros int64
	Deadline                   int64
}

// reservationColumns are in the order of values and of fields.
var reservationColumns = []string{"order_id", "status", "items", "reason", "refused_sku", "version", "at", "updated_at", "deadline"}

func reservationRowFrom(r inventory.Reservation) (*reservationRow, error) {
	items, err := itemsFrom(r.Lines)
	if err != nil {
		return nil, fmt.Errorf("order %d: %w", r.Order, err)
	}
	return &reservationRow{
		OrderID: int64(r.Order), Status: string(r.Status), Items: items, Reason: r.Reason, RefusedSKU: string(r.RefusedSKU),
		Version: r.Version, At: database.Micros(r.At), UpdatedMicros: database.Micros(r.UpdatedAt), Deadline: deadlineMicros(r.Deadline),
	}, nil
}

func (r *reservationRow) values() []any {
	return []any{r.OrderID, r.Status, r.Items, r.Reason, r.RefusedSKU, r.Version, r.At, r.UpdatedMicros, r.Deadline}
}

// fields are the scan targets.
func (r *reservationRow) fields() []any {
	return []any{&r.OrderID, &r.Status, &r.Items, &r.Reason, &r.RefusedSKU, &r.Version, &r.At, &r.UpdatedMicros, &r.Deadline}
}

func (r *reservationRow) reservation() (inventory.Reservation, error) {
	lines, err := linesFrom(r.Items)
	if err != nil {
		return inventory.Reservation{}, fmt.Errorf("order %d: %w", r.OrderID, err)
	}
	return inventory.Reservation{
		Order: inventory.OrderID(r.OrderID), Status: inventory.Status(r.Status), Lines: lines,
		Reason: r.Reason, RefusedSKU: inventory.SKU(r.RefusedSKU), Version: r.Version,
		At: database.Time(r.At), UpdatedAt: database.Time(r.UpdatedMicros), Deadline: database.Time(r.Deadline),
	}, nil
}

// deadlineMicros maps the zero time, no deadline, to 0, which is long past.
func deadlineMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Micros(t)
}
