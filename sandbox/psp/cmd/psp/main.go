// Command psp runs the sandbox payment provider.
package main

import (
	"fmt"
	"os"

	"souk.example/internal/fxrun"
	"souk.example/sandbox/psp"
)

func main() {
	if err := fxrun.Main("psp", os.Args[1:], os.Environ(), psp.Module); err != nil {
		fmt.Fprintln(os.Stderr, "psp:", err)
		os.Exit(1)
	}
}
