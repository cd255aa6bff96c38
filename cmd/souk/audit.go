package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func auditCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "audit", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}
