package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func tokenCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "token", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}
