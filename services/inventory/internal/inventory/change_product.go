package inventory

import (
	"context"
)

// ChangeProduct applies the patch and returns the product once that is
// durable; a patch that changes nothing makes no new version. A refusal is an
// *apperr.Error and leaves the product as it was.
func (m *Manager) ChangeProduct(ctx context.Context, sku SKU, patch Patch) (Product, error) {
	at := m.now()
	p, err := m.catalogue.Change(ctx, sku, func(p Product) (Product, bool, error) { return p.Change(patch, at) })
	if err != nil {
		return Product{}, err
	}
	m.pages.Changed(ctx, sku)
	return p, nil
}
