package httpapi

import (
	"crypto/sha256"
	"encoding/base64"

	"souk.example/services/inventory/internal/inventory"
)

// checksum is the number of bytes before the SKU in a cursor. They show that a
// cursor was given for this list and came back whole; they keep nobody out,
// because there is nothing behind a cursor that is not public.
const checksum = 6

// cursorAfter names the place behind sku in the list of a query.
func cursorAfter(sku inventory.SKU, text string) string {
	return base64.RawURLEncoding.EncodeToString(append(sumOf(sku, text), sku...))
}

func parseCursor(cursor, text string) (inventory.SKU, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= checksum {
		return "", badCursor()
	}
	sku, ok := inventory.ParseSKU(string(raw[checksum:]))
	if !ok || cursorAfter(sku, text) != cursor {
		return "", badCursor()
	}
	return sku, nil
}

func sumOf(sku inventory.SKU, text string) []byte {
	sum := sha256.Sum256([]byte("products\n" + string(sku) + "\n" + text))
	return sum[:checksum]
}

func badCursor() error { return badQuery("cursor", "use a next_cursor of this list as it was given") }
