package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/stack"
	"souk.example/cmd/souk/internal/topology"
)

// runCommand is what a container runs.
func runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run SERVICE [flags of the service]",
		Short: "Run one service in the foreground, as its SOUK_ variables say",
		Long: `Run one service in the foreground. Its settings are its own SOUK_ variables and
flags, see "souk run SERVICE --help"; SOUK_HOME plays no part. Containers run this.`,
		Example:            "  SOUK_DATABASE_DSN=sqlite:/tmp/user.db souk run user\n  souk run order --help",
		ValidArgs:          topology.Names(),
		DisableFlagParsing: true, // they are the service's
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("run what? souk run SERVICE")
			}
			if args[0] == "-h" || args[0] == "--help" {
				return cmd.Help()
			}
			return stack.Main(args[0], args[1:], os.Environ(), readVersion().Revision)
		},
	}
}
