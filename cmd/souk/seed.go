package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func seedCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "seed", Example: "  souk seed", RunE: func(*cobra.Command, []string) error { return errors.New("not built") }}
}

func (a *app) seed(context.Context) error { return nil }
