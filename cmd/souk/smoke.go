package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func smokeCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "smoke", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}
