// Command gateway runs the gateway.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/gateway"
)

func main() {
	if err := fxrun.Main("gateway", os.Args[1:], os.Environ(), gateway.Module); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}
