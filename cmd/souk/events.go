package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func eventsCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "events", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}
