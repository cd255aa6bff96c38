// Command points runs the points service.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/points"
)

func main() {
	if err := fxrun.Main("points", os.Args[1:], os.Environ(), points.Module); err != nil {
		fmt.Fprintln(os.Stderr, "points:", err)
		os.Exit(1)
	}
}
