package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func orderCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "order", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}
