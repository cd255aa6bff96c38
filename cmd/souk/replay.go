package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/replay"
	"souk.example/contracts"
)

// replayOptions are what a replay is asked for.
type replayOptions struct {
	group, topic string
	from, to     string
	rate         int
	dryRun       bool
}

func replayCommand(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay --group GROUP --from TIME",
		Short: "Send a time range of events again, to one group",
		Long: `Send what a service's event log holds of a time range again, to one group: as it
was, in order, marked so that all other groups skip it. What the group has done
already it does not do twice; what it never got it does now. So what Kafka has
lost comes back, and a projection is filled anew. Times are RFC 3339, or how
long ago: 2h30m.`,
		Example: "  souk replay --group payment --from 2h --dry-run\n  souk replay --group order --topic souk.payment.v1 --from 2026-01-02T15:00:00Z --to 2026-01-02T16:00:00Z",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.replay(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.group, "group", "", "the group to send to: "+strings.Join(contracts.Groups(), ", "))
	flags.StringVar(&o.topic, "topic", "", "only this of the topics that the group reads (default: all of them)")
	flags.StringVar(&o.from, "from", "", "begin of the range")
	flags.StringVar(&o.to, "to", "0s", "end of the range, not included")
	flags.IntVar(&o.rate, "rate", 500, "at most this many packs a second")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only count")
	_, _ = cmd.MarkFlagRequired("group"), cmd.MarkFlagRequired("from")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) replay(ctx context.Context, o replayOptions) error {
	job, topics, err := o.job(time.Now())
	if err != nil {
		return err
	}
	if !o.dryRun {
		if err := a.mustRun(); err != nil {
			return err
		}
		bus, err := a.openBus(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = bus.Close() }()
		job.Publisher = bus
	}
	sent := []replay.Sent{}
	for _, topic := range topics {
		of, err := a.replayTopic(ctx, job, topic)
		sent = append(sent, of)
		if err != nil {
			return errors.Join(a.printSent(sent, o.dryRun), err)
		}
	}
	return a.printSent(sent, o.dryRun)
}

// job checks the options, which count times from now.
func (o replayOptions) job(now time.Time) (replay.Job, []string, error) {
	topics := contracts.ReadBy(o.group)
	switch {
	case topics == nil:
		return replay.Job{}, nil, fmt.Errorf("no group %q; there are %s", o.group, strings.Join(contracts.Groups(), ", "))
	case o.topic != "" && !slices.Contains(topics, o.topic):
		return replay.Job{}, nil, fmt.Errorf("group %s does not read %q; it reads %s", o.group, o.topic, strings.Join(topics, ", "))
	case o.rate < 1:
		return replay.Job{}, nil, fmt.Errorf("--rate %d: want 1 or more", o.rate)
	case o.topic != "":
		topics = []string{o.topic}
	}
	from, err := moment("from", o.from, now)
	if err != nil {
		return replay.Job{}, nil, err
	}
	to, err := moment("to", o.to, now)
	if err != nil {
		return replay.Job{}, nil, err
	}
	if !from.Before(to) {
		return replay.Job{}, nil, fmt.Errorf("the range ends (%s) before it begins (%s)", to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	return replay.Job{Group: o.group, From: from, To: to, Rate: o.rate}, topics, nil
}

// moment reads a time, or how long before now it was.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--%s %q: want a time like 2026-01-02T15:04:05Z, or how long ago, like 2h30m", flag, text)
	}
	return at, nil
}

func (a *app) replayTopic(ctx context.Context, job replay.Job, topic string) (replay.Sent, error) {
	db, err := a.openDatabase(ctx, contracts.SentBy(topic))
	if err != nil {
		return replay.Sent{Topic: topic}, err
	}
	sent, err := job.Run(ctx, db, topic)
	return sent, errors.Join(err, db.Close())
}

func (a *app) printSent(sent []replay.Sent, dryRun bool) error {
	if a.json {
		return a.printJSON(map[string]any{"dry_run": dryRun, "topics": sent})
	}
	verb := "sent again"
	if dryRun {
		verb = "would be sent again"
	}
	for _, s := range sent {
		_, _ = fmt.Fprintf(a.stdout, "%s  %d events in %d packs %s\n", s.Topic, s.Events, s.Packs, verb)
	}
	return nil
}
