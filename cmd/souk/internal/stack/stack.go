// Package stack hosts the embedded engines and every service in one process.
package stack

import (
	"context"

	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
)

// Config of the stack.
type Config struct {
	Home     home.Home
	Topology topology.Topology
	Keys     devkeys.Keys
	Environ  []string
}

// Run hosts everything until ctx ends.
func Run(ctx context.Context, cfg Config) error { <-ctx.Done(); return nil }
