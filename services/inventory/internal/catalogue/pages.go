package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"time"

	"souk.example/pkg/cache"
	"souk.example/services/inventory/internal/inventory"
)

// Page is an encoded product and the strong ETag of these bytes.
type Page struct {
	Body []byte
	ETag string
}

// NewPage tags a body; the same bytes have the same tag.
func NewPage(body []byte) Page {
	sum := sha256.Sum256(body)
	return Page{Body: body, ETag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// Codec keeps only the body in Redis; the tag follows from it.
type Codec struct{}

// Encode implements cache.Codec.
func (Codec) Encode(p Page) ([]byte, error) { return p.Body, nil }

// Decode implements cache.Codec.
func (Codec) Decode(data []byte) (Page, error) { return NewPage(data), nil }

// Source is where a page comes from when no cache has it.
type Source interface {
	// Listing returns a product on sale; false when there is none.
	Listing(ctx context.Context, sku inventory.SKU) (inventory.Listing, bool, error)
	// ListingsOf returns those of the products that are on sale.
	ListingsOf(ctx context.Context, skus []string) ([]inventory.Listing, error)
}

// Pages serves product pages from memory, Redis or the source. What a page
// says of availability is as old as the cache allows; orders are decided on
// the stock itself. Safe for concurrent use.
type Pages struct {
	cache  *cache.Cache[Page]
	source Source
	logger *slog.Logger
}

// NewPages makes Pages over a cache that uses Codec.
func NewPages(c *cache.Cache[Page], source Source, logger *slog.Logger) *Pages {
	return &Pages{cache: c, source: source, logger: logger}
}

// Page returns the page of a product on sale; false when there is none.
func (p *Pages) Page(ctx context.Context, sku inventory.SKU) (Page, bool, error) {
	return p.cache.Get(ctx, string(sku), func(ctx context.Context) (Page, bool, error) {
		l, found, err := p.source.Listing(ctx, sku)
		if err != nil || !found {
			return Page{}, found, err
		}
		page, err := render(l)
		return page, true, err
	})
}

// broadcasting bounds how long a change waits for Redis, which it does not need.
const broadcasting = 2 * time.Second

// Announced implements inventory.Pages.
func (p *Pages) Announced(ctx context.Context, sku inventory.SKU) {
	ctx, cancel := context.WithTimeout(ctx, broadcasting)
	defer cancel()
	if err := p.cache.Announce(ctx, string(sku)); err != nil {
		p.logger.WarnContext(ctx, "other replicas may not find a product until their filters are built again", "sku", string(sku), "error", err)
	}
}

// Warm brings the pages of the products into Redis that are not there, and has
// those reloaded that are about to go.
func (p *Pages) Warm(ctx context.Context, skus []inventory.SKU) error {
	keys := make([]string, len(skus))
	for i, sku := range skus {
		keys[i] = string(sku)
	}
	_, err := p.cache.Warm(ctx, slices.Values(keys), LoadFrom(p.source), nil)
	return err
}

// LoadFrom reads products when it is called, not before: what was read earlier
// may have changed since.
func LoadFrom(source Source) cache.BatchLoader[Page] {
	return func(ctx context.Context, skus []string) (map[string]Page, error) {
		listings, err := source.ListingsOf(ctx, skus)
		if err != nil {
			return nil, err
		}
		var errs []error
		pages := make(map[string]Page, len(listings))
		for _, l := range listings {
			page, err := render(l)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			pages[string(l.SKU)] = page
		}
		return pages, errors.Join(errs...)
	}
}

// Changed implements inventory.Pages. The change is committed already, so it
// goes on when the caller has given up.
func (p *Pages) Changed(ctx context.Context, sku inventory.SKU) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), broadcasting)
	defer cancel()
	if err := p.cache.Invalidate(ctx, string(sku)); err != nil {
		p.logger.WarnContext(ctx, "product page may be out of date until it expires", "sku", string(sku), "error", err)
	}
}
