package inventory

import (
	"context"
	"time"

	"souk.example/pkg/money"
)

// NewProduct is a product that is not stored yet, with its initial units.
type NewProduct struct {
	Product
	Units int64
}

// Adding is a request to add a product.
type Adding struct {
	SKU         SKU
	Name        string
	Description string
	Price       money.Amount
	ImageURL    string
	Units       int64 // 0 or more
}

// Product is the first version of what is asked for, or a refusal.
func (a Adding) Product(at time.Time) (NewProduct, error) {
	p := Product{
		SKU: a.SKU, Name: a.Name, Description: a.Description, Price: a.Price, ImageURL: a.ImageURL,
		Version: 1, UpdatedAt: at,
	}
	if err := p.validate(); err != nil {
		return NewProduct{}, err
	}
	if a.Units < 0 {
		return NewProduct{}, invalid("stock", "0 units or more")
	}
	return NewProduct{Product: p, Units: a.Units}, checkUnits("stock", a.Units)
}

// AddProduct puts a product on sale and returns it once that is durable. A
// refusal is an *apperr.Error and leaves nothing behind.
func (m *Manager) AddProduct(ctx context.Context, a Adding) (Product, error) {
	p, err := a.Product(m.now())
	if err != nil {
		return Product{}, err
	}
	m.pages.Announced(ctx, p.SKU)
	if err := m.catalogue.Add(ctx, []NewProduct{p}); err != nil {
		return Product{}, err
	}
	m.pages.Changed(ctx, p.SKU) // somebody may have looked for it
	return p.Product, nil
}

// Move enters the initial units into moves.
func (p NewProduct) Move(moves Moves) {
	if p.Units > 0 {
		moves.add(p.SKU, CauseInitial, p.Units)
	}
}
