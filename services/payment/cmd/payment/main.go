// Command payment runs the payment service.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/payment"
)

func main() {
	if err := fxrun.Main("payment", os.Args[1:], os.Environ(), payment.Module); err != nil {
		fmt.Fprintln(os.Stderr, "payment:", err)
		os.Exit(1)
	}
}
