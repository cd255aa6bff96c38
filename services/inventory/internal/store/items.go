package store

import (
	"encoding/json"
	"fmt"

	"souk.example/services/inventory/internal/inventory"
)

// lineJSON is one element of the items column.
type lineJSON struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

func itemsFrom(lines []inventory.Line) ([]byte, error) {
	out := make([]lineJSON, len(lines))
	for i, l := range lines {
		out[i] = lineJSON{SKU: string(l.SKU), Quantity: l.Quantity}
	}
	return json.Marshal(out)
}

func linesFrom(items []byte) ([]inventory.Line, error) {
	var in []lineJSON
	if err := json.Unmarshal(items, &in); err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	lines := make([]inventory.Line, len(in))
	for i, l := range in {
		lines[i] = inventory.Line{SKU: inventory.SKU(l.SKU), Quantity: l.Quantity}
	}
	return lines, nil
}
