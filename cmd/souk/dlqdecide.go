package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/pkg/inbox"
)

func dlqRedriveCommand(a *app) *cobra.Command {
	var f letterFilter
	var dryRun bool
	var rate float64
	cmd := &cobra.Command{
		Use: "redrive [ID...]", Short: "Have dead events tried again, as the same events",
		Long:    "Have dead events tried again, as the same events, in their own group only and\nin the order of their key. Name them, or select them by flags.",
		Example: "  souk dlq redrive payment/7318349394477056\n  souk dlq redrive --group payment --class poison --dry-run\n  souk dlq redrive --group payment --rate 10",
		RunE: func(cmd *cobra.Command, args []string) error {
			if rate <= 0 {
				return fmt.Errorf("--rate %v: want more than 0", rate)
			}
			f.Status = inbox.Dead
			ids, err := a.selectedLetters(cmd.Context(), args, f)
			if err != nil {
				return err
			}
			return a.redrive(cmd.Context(), ids, rate, dryRun)
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say which")
	cmd.Flags().Float64Var(&rate, "rate", 100, "at most this many a second")
	a.jsonFlag(cmd)
	return cmd
}

// selectedLetters are those named, else those that f selects.
func (a *app) selectedLetters(ctx context.Context, named []string, f letterFilter) ([]string, error) {
	selects := f.Group != "" || f.Class != "" || f.EventType != "" || f.Key != ""
	switch {
	case len(named) > 0 && selects:
		return nil, errors.New("name dead letters or select them by flags, not both")
	case len(named) > 0:
		return named, nil
	case !selects:
		return nil, errors.New("which? Name dead letters, or select them by --group, --class, --type or --key")
	}
	letters, err := a.findLetters(ctx, f)
	ids := make([]string, len(letters))
	for n, l := range letters {
		ids[n] = printable(l).ID
	}
	return ids, err
}

// redriven is what became of a request to redrive.
type redriven struct {
	ID     string `json:"id"`
	Result string `json:"result"` // due, would be due, or why not
}

func (a *app) redrive(ctx context.Context, ids []string, rate float64, dryRun bool) error {
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	results, failed := []redriven{}, 0
	for n, id := range ids {
		if n > 0 && !dryRun {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
		r := a.redriveOne(ctx, id, dryRun)
		if r.Result != "due" && r.Result != "would be due" {
			failed++
		}
		results = append(results, r)
		if !a.json {
			_, _ = fmt.Fprintf(a.stdout, "%s  %s\n", r.ID, r.Result)
		}
	}
	if len(ids) == 0 {
		a.progress.Note("nothing is dead that this selects")
	}
	if a.json {
		if err := a.printJSON(map[string]any{"redriven": results}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return no("%d of %d are not redriven", failed, len(ids))
	}
	return nil
}

func (a *app) redriveOne(ctx context.Context, id string, dryRun bool) redriven {
	err := a.withLetter(ctx, id, func(letters *inbox.Letters, number int64) error {
		if dryRun {
			_, err := letters.Get(ctx, number)
			return err
		}
		return letters.Redrive(ctx, number)
	})
	switch {
	case err != nil:
		return redriven{id, err.Error()}
	case dryRun:
		return redriven{id, "would be due"}
	default:
		return redriven{id, "due"}
	}
}

func dlqEditCommand(a *app) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "edit ID --data JSON", Short: "Give a dead event another payload",
		Long:    "Give a dead event another payload: the \"data\" that `souk dlq show` prints, whole.\nIt stays the same event, and dead until it is redriven. What it was stands on\nthe group's .dlq topic and in its sender's event log.",
		Example: `  souk dlq edit order-prices/7318349394477056 --data '{"sku":"SKU-0001","version":"2"}'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLetter(cmd.Context(), args[0], func(letters *inbox.Letters, id int64) error {
				return a.editLetter(cmd.Context(), letters, id, json.RawMessage(data))
			})
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "the payload, as JSON")
	_ = cmd.MarkFlagRequired("data") // fails only for a flag that is not there
	return cmd
}

func (a *app) editLetter(ctx context.Context, letters *inbox.Letters, id int64, data json.RawMessage) error {
	l, err := letters.Get(ctx, id)
	if err != nil {
		return err
	}
	event, err := l.Event()
	if err != nil {
		return err
	}
	payload, err := cloudevents.Payload(event, data)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := letters.Edit(ctx, id, payload); err != nil {
		return err
	}
	a.progress.Done("%s/%d is edited; redrive it next", l.Group, id)
	return nil
}
