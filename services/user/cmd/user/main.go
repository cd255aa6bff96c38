// Command user runs the user service.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/services/user"
)

func main() {
	if err := fxrun.Main("user", os.Args[1:], os.Environ(), user.Module); err != nil {
		fmt.Fprintln(os.Stderr, "user:", err)
		os.Exit(1)
	}
}
