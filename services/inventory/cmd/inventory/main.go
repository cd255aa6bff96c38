// Command inventory runs the inventory service.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/inventory"
)

func main() {
	if err := fxrun.Main("inventory", os.Args[1:], os.Environ(), inventory.Module); err != nil {
		fmt.Fprintln(os.Stderr, "inventory:", err)
		os.Exit(1)
	}
}
