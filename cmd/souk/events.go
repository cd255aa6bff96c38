package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/cmd/souk/internal/tail"
	"souk.example/contracts"
	"souk.example/pkg/eventbus"
)

func eventsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "events", Short: "Watch what the services tell each other"}
	cmd.AddCommand(eventsTailCommand(a))
	return cmd
}

func eventsTailCommand(a *app) *cobra.Command {
	var topics []string
	var beginning bool
	var limit int
	cmd := &cobra.Command{
		Use:     "tail",
		Short:   "Print events as they happen; with --json as CloudEvents, one a line",
		Example: "  souk events tail\n  souk events tail --topic souk.order.v1 --json\n  souk events tail --from-beginning --limit 20",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.tailEvents(cmd.Context(), topics, beginning, limit)
		},
	}
	cmd.Flags().StringSliceVar(&topics, "topic", contracts.Topics(), "which topics")
	cmd.Flags().BoolVar(&beginning, "from-beginning", false, "start with the oldest event Kafka still has")
	cmd.Flags().IntVar(&limit, "limit", 0, "stop after this many events (0: when interrupted)")
	cmd.Flags().BoolVar(&a.json, "json", false, "print CloudEvents JSON, one event a line")
	return cmd
}

// errEnough ends a tail that has printed what was asked for.
var errEnough = errors.New("enough")

func (a *app) tailEvents(ctx context.Context, topics []string, beginning bool, limit int) error {
	if limit < 0 {
		return fmt.Errorf("--limit %d: want 0 or more", limit)
	}
	for _, topic := range topics {
		if !slices.Contains(contracts.Topics(), topic) {
			return fmt.Errorf("no topic %q; there are %v", topic, contracts.Topics())
		}
	}
	if err := a.mustRun(); err != nil {
		return err
	}
	printed := 0
	err := tail.Run(ctx, tail.Config{
		Brokers: a.addresses.Kafka.Brokers, Topics: topics, Beginning: beginning,
		Unreadable: func(topic string, partition int32, offset int64, err error) {
			a.progress.Bad("%s/%d@%d is no event: %v", topic, partition, offset, err)
		},
	}, func(_ string, e eventbus.Event) error {
		if err := a.printEvent(e); err != nil {
			return err
		}
		if printed++; printed == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (a *app) printEvent(e eventbus.Event) error {
	ce := cloudevents.From(e)
	if a.json {
		return a.printJSONLine(ce)
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %-22s %-24s %s\n", ce.Time.Format("15:04:05.000"), ce.Type, ce.Subject, ce.Data)
	return err
}
