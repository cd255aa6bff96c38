package main

import (
	"fmt"

	"souk.example/pkg/money"
	"souk.example/services/inventory"
)

const (
	demoProductCount = 1_000
	demoUnits        = 10_000
	flashUnits       = 100
)

// demoProducts is the fixed demo catalogue: SKU-0001 to SKU-1000, and FLASH-01
// for flash sales.
func demoProducts() []inventory.SeedProduct {
	goods := []string{"Tea bowl", "Silk scarf", "Copper lamp", "Cedar box", "Wool rug", "Spice jar", "Clay pot", "Ink stone", "Paper fan", "Brass bell"}
	products := []inventory.SeedProduct{{
		SKU: "FLASH-01", Name: "Lantern, limited edition", Description: "A hundred were made.", Price: cny(9_900), Stock: flashUnits,
	}}
	for n := 1; n <= demoProductCount; n++ {
		good := goods[n%len(goods)]
		products = append(products, inventory.SeedProduct{
			SKU: fmt.Sprintf("SKU-%04d", n), Name: fmt.Sprintf("%s no. %d", good, n),
			Description: good + ", made by hand.", Price: cny(int64(1_000 + 10*n)), Stock: demoUnits,
		})
	}
	return products
}

// cny is an amount in fen.
func cny(fen int64) money.Amount { return money.Of(fen, "CNY") }
