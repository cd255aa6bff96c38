package inventory_test

import (
	"strings"
	"testing"

	"souk.example/pkg/apperr"
	"souk.example/pkg/money"
	"souk.example/services/inventory/internal/inventory"
)

func teapot() inventory.Adding {
	return inventory.Adding{SKU: "TEA-1", Name: "Teapot", Description: "Holds\ntea", Price: money.Of(1999, "CNY"), ImageURL: "/img/t.png", Units: 3}
}

func TestProductsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := teapot().Product(instant()); err != nil {
		t.Fatalf("a good product: %v", err)
	}
	for name, spoil := range map[string]func(*inventory.Adding){
		"sku":             func(a *inventory.Adding) { a.SKU = "tea" },
		"no sku":          func(a *inventory.Adding) { a.SKU = "" },
		"a dot":           func(a *inventory.Adding) { a.SKU = "TEA.1" },
		"sku too long":    func(a *inventory.Adding) { a.SKU = inventory.SKU(strings.Repeat("A", 65)) },
		"dash first":      func(a *inventory.Adding) { a.SKU = "-A" },
		"line break":      func(a *inventory.Adding) { a.SKU = "A\n" },
		"blank name":      func(a *inventory.Adding) { a.Name = " " },
		"long name":       func(a *inventory.Adding) { a.Name = strings.Repeat("茶", 201) },
		"name control":    func(a *inventory.Adding) { a.Name = "a\x1b[31m" },
		"name of lines":   func(a *inventory.Adding) { a.Name = "a\nb" },
		"name turned":     func(a *inventory.Adding) { a.Name = "a\u202eb" },
		"invisible name":  func(a *inventory.Adding) { a.Name = "\u200b" },
		"description NUL": func(a *inventory.Adding) { a.Description = "a\x00" },
		"free":            func(a *inventory.Adding) { a.Price = money.Of(0, "CNY") },
		"negative price":  func(a *inventory.Adding) { a.Price = money.Of(-1, "CNY") },
		"huge price":      func(a *inventory.Adding) { a.Price = money.Of(1<<60, "CNY") },
		"currency":        func(a *inventory.Adding) { a.Price = money.Of(1, "USD") },
		"script url":      func(a *inventory.Adding) { a.ImageURL = "javascript:alert(1)" },
		"other host":      func(a *inventory.Adding) { a.ImageURL = "//evil.example/x" },
		"negative stock":  func(a *inventory.Adding) { a.Units = -1 },
		"huge stock":      func(a *inventory.Adding) { a.Units = 1 << 60 },
	} {
		a := teapot()
		spoil(&a)
		if _, err := a.Product(instant()); apperr.From(err).Kind != apperr.Unprocessable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChangeMakesAVersionOnlyOfADifference(t *testing.T) {
	t.Parallel()
	first, err := teapot().Product(instant())
	if err != nil {
		t.Fatal(err)
	}
	name, same, empty := "Kettle", "Teapot", ""
	changed, different, err := first.Change(inventory.Patch{Name: &name}, instant())
	if err != nil || !different || changed.Version != 2 || changed.Name != name || changed.Description != first.Description {
		t.Errorf("got %+v, %v, %v", changed, different, err)
	}
	unchanged, different, err := first.Change(inventory.Patch{Name: &same}, instant())
	if err != nil || different || unchanged.Version != 1 {
		t.Errorf("got %+v, %v, %v", unchanged, different, err)
	}
	if _, _, err := first.Change(inventory.Patch{Name: &empty}, instant()); err == nil {
		t.Error("the name was emptied")
	}
}
