// Command order runs the order service.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/order"
)

func main() {
	if err := fxrun.Main("order", os.Args[1:], os.Environ(), order.Module); err != nil {
		fmt.Fprintln(os.Stderr, "order:", err)
		os.Exit(1)
	}
}
