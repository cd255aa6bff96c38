package store

import (
	"sync"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

const (
	// knownMax bounds the prices that one process remembers.
	knownMax = 1 << 17
	// knownFor is how long a price is believed though the revision stands still: a
	// replica of the version before learns prices without raising it.
	knownFor = 5 * time.Second
)

// known remembers what products cost at one revision of the projection. The zero
// value knows nothing. Safe for concurrent use.
type known struct {
	mu       sync.Mutex
	revision int64
	until    time.Time
	prices   map[order.SKU]money.Amount
}

// find returns what is known at a revision, and which skus are not.
func (k *known) find(revision int64, skus []order.SKU) (found map[order.SKU]money.Amount, missing []order.SKU) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision != k.revision || len(k.prices) > knownMax || time.Now().After(k.until) {
		k.revision, k.until, k.prices = revision, time.Now().Add(knownFor), make(map[order.SKU]money.Amount)
	}
	found = make(map[order.SKU]money.Amount, len(skus))
	for _, sku := range skus {
		if price, ok := k.prices[sku]; ok {
			found[sku] = price
		} else {
			missing = append(missing, sku)
		}
	}
	return found, missing
}

// keep remembers prices that were read after the revision, and so are no older.
func (k *known) keep(revision int64, read map[order.SKU]money.Amount) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision != k.revision {
		return
	}
	for sku, price := range read {
		k.prices[sku] = price
	}
}
