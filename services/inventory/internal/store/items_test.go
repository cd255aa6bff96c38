package store

import (
	"slices"
	"testing"

	"souk.example/services/inventory/internal/inventory"
)

// However items were written, lines come back as package json reads them.
func TestItemsAreReadAsJSON(t *testing.T) {
	for name, lines := range map[string][]inventory.Line{
		"none":       {},
		"one":        {{SKU: "TEA-001", Quantity: 1}},
		"some":       {{SKU: "TEA-001", Quantity: 1}, {SKU: "TEA-002", Quantity: 1_000_000_000_000}},
		"a quote":    {{SKU: `A"B`, Quantity: 2}},
		"a divider":  {{SKU: `A","quantity":5},{"sku":"B`, Quantity: 2}},
		"backslash":  {{SKU: `A\`, Quantity: 2}},
		"an element": {{SKU: "<b>", Quantity: 2}},
		"not ASCII":  {{SKU: "茶", Quantity: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			items, err := itemsFrom(lines)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := linesFrom(items); err != nil || !slices.Equal(got, lines) {
				t.Errorf("linesFrom(%s) = %v, %v, want %v", items, got, err, lines)
			}
		})
	}
}

// What stands in the column may be JSON of another hand.
func TestItemsMayBeAnyJSON(t *testing.T) {
	want := []inventory.Line{{SKU: "A", Quantity: 1}, {SKU: "B", Quantity: 2}}
	for _, items := range []string{
		`[{"sku":"A","quantity":1},{"sku":"B","quantity":2}]`,
		`[{"sku":"A","quantity":1}, {"sku":"B","quantity":2}]`,
		`[{"quantity":1,"sku":"A"},{"sku":"B","quantity":2}]`,
		`[{"sku":"A","quantity":1,"note":"}"},{"sku":"B","quantity":2}] `,
		`[{"sku":"\u0041","quantity":1},{"sku":"B","quantity":2}]`,
	} {
		if got, err := linesFrom([]byte(items)); err != nil || !slices.Equal(got, want) {
			t.Errorf("linesFrom(%s) = %v, %v", items, got, err)
		}
	}
	for _, items := range []string{``, `[`, `[{"sku":"A","quantity":1}`, `[{"sku":"A","quantity":1},]`, `[{"sku":"A","quantity":one}]`} {
		if got, err := linesFrom([]byte(items)); err == nil {
			t.Errorf("linesFrom(%s) = %v", items, got)
		}
	}
}
