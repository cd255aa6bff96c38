package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/bench/empty"
)

// emptyHandlerCommand is what startEmptyHandler starts; nobody else has a use
// for it.
func emptyHandlerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "empty-handler", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return empty.Serve(cmd.Context(), os.Stdin, os.Stdout) },
	}
}

func startEmptyHandler(ctx context.Context) (empty.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return empty.Server{}, err
	}
	return empty.Start(ctx, exec.CommandContext(context.WithoutCancel(ctx), self, "bench", "empty-handler"))
}
