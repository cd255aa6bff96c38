package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"souk.example/pkg/inbox"
)

func dlqDiscardCommand(a *app) *cobra.Command {
	var f letterFilter
	var command string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "discard [ID...] --compensation COMMAND", Short: "Give dead events up for good",
		Long: `Give events up for good, so that the later ones of their keys go on. Name them,
or select dead ones by flags. Say which command makes good what they should have
done: it is kept with each of them. For instance: what an order waits for in
vain, its cancellation; a capture that order is not to learn of, a refund at the
payment provider; nothing, for records that no service of ours has written.`,
		Example: `  souk dlq discard payment/7318349394477056 --compensation "POST /v1/orders/7318349394470000/cancel"
  souk dlq discard --group points --class undecodable --compensation "none: written by mistake" --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Status = inbox.Dead
			ids, err := a.selectedLetters(cmd.Context(), args, f)
			if err != nil {
				return err
			}
			return a.discard(cmd.Context(), ids, command, dryRun)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&command, "compensation", "", "the command that makes good what the events should have done")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say which")
	_ = cmd.MarkFlagRequired("compensation") // fails only for a flag that is not there
	return cmd
}

// discard stops at the first that cannot be discarded; those before it are.
func (a *app) discard(ctx context.Context, ids []string, command string, dryRun bool) error {
	if len(ids) == 0 {
		a.progress.Note("nothing is dead that this selects")
	}
	for _, id := range ids {
		err := a.withLetter(ctx, id, func(letters *inbox.Letters, number int64) error {
			if dryRun {
				_, err := letters.Get(ctx, number)
				return err
			}
			return letters.Discard(ctx, number, command)
		})
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", id, err)
		case dryRun:
			a.progress.Say("%s would be discarded", id)
		default:
			a.progress.Done("%s is discarded; see to it that this is done: %s", id, command)
		}
	}
	return nil
}
