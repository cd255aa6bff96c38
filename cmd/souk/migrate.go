package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/stack"
	"souk.example/cmd/souk/internal/topology"
)

func migrateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate [SERVICE...]",
		Short: "Bring databases to this binary's schema, before its services are rolled out",
		Long: `Bring the databases of the named services, or of all, to this binary's schema.
Services do so themselves when they start; a deployment does it first, once, with
an account that may change tables. Who comes second finds nothing to do.

SOUK_DATABASE_DSN_USER, _INVENTORY, _ORDER, _PAYMENT and _POINTS say where.`,
		Example:   "  souk migrate\n  souk migrate order payment",
		ValidArgs: topology.Databases(),
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, services []string) error {
			if len(services) == 0 {
				services = topology.Databases()
			}
			return a.migrate(cmd.Context(), slices.Compact(services))
		},
	}
}

func (a *app) migrate(ctx context.Context, services []string) error {
	dbs, err := a.openDatabases(ctx, services...)
	if err != nil {
		return err
	}
	defer func() { _ = dbs.close() }()
	for _, s := range services {
		if err := dbs[s].Migrate(ctx, stack.Migrations(s)...); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		a.progress.Done("%s has this binary's schema", s)
	}
	return nil
}
