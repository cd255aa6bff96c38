package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"souk.example/internal/audit"
	"souk.example/pkg/eventbus/kafka"
)

const auditHelp = `Check, read-only and while souk runs, that nothing was oversold, lost or charged
twice. What cards were charged is held against the payment provider's own record.
Exits 0 when clean, 1 on violations, 2 when it could not check. Of the first
orders that violations name, everything the services hold is shown.

--repair sends what the services have said of the orders that violations name
again, as the same events, to whoever reads them, and audits once more: what was
lost is done then, and what was done is not done twice. It changes nothing else;
what is left is for people.

--json prints one document, also when it could not check: "error" then says why,
and "clean" is false. With --watch that is one document per line (NDJSON), one
for each round. Of several watches one audits, and another when it ends; while
Redis, which tells them apart, is away, all do.`

func auditCommand(a *app) *cobra.Command {
	var watch, repair bool
	var every, wait time.Duration
	var metrics string
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "Check that nothing was oversold, lost or charged twice",
		Long:    auditHelp,
		Example: "  souk audit\n  souk audit --json\n  souk audit --repair\n  souk audit --watch --json\n  souk audit --watch --metrics 127.0.0.1:9464",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := audit.Config{Wait: wait, Progress: a.auditProgress()}
			if every < time.Second {
				return fmt.Errorf("--every is %s: want 1s or longer", every)
			}
			if err := checkSpan("wait", wait); err != nil { // which Config takes for its default
				return err
			}
			if metrics != "" && !watch {
				return errors.New("--metrics goes with --watch")
			}
			if watch && repair {
				return errors.New("--repair does not go with --watch: look at what is wrong first")
			}
			if repair {
				return a.repair(cmd.Context(), cfg)
			}
			if watch {
				return a.watchAudit(cmd.Context(), cfg, every, metrics)
			}
			return a.audit(cmd.Context(), cfg, a.printJSON)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "repeat until interrupted")
	cmd.Flags().BoolVar(&repair, "repair", false, "send the events of the orders concerned again, and audit once more")
	cmd.Flags().DurationVar(&every, "every", 5*time.Second, "pause between the rounds of --watch")
	cmd.Flags().StringVar(&metrics, "metrics", "", "with --watch: HOST:PORT to serve Prometheus metrics on")
	cmd.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for what is on its way, the payment provider's word included")
	a.jsonFlag(cmd)
	return cmd
}

// auditProgress prints what the audit is doing, at most once a second: it
// counts down what it waits for.
func (a *app) auditProgress() func(string) {
	var last time.Time
	return func(what string) {
		if time.Since(last) > time.Second {
			a.progress.Say("%s", what)
			last = time.Now()
		}
	}
}

// auditDocument is the outcome of one round for programs.
type auditDocument struct {
	audit.Report
	Traces orderTraces `json:"traces,omitempty"` // of the first orders concerned
	Error  string      `json:"error,omitempty"`  // why not everything was checked
}

// audit checks once. Its error is an answer when there are violations, also
// when more could not be checked.
func (a *app) audit(ctx context.Context, cfg audit.Config, printJSON func(any) error) error {
	report, failure := a.runAudit(ctx, cfg)
	return a.tellAudit(ctx, report, failure, printJSON)
}

func (a *app) tellAudit(ctx context.Context, report audit.Report, failure error, printJSON func(any) error) error {
	traces := a.traceViolations(ctx, report.Violations)
	if a.json {
		doc := documentOf(report, failure)
		doc.Traces = traces
		if err := printJSON(doc); err != nil {
			return err
		}
	}
	if len(report.Violations) == 0 && failure != nil {
		return failure
	}
	if failure != nil {
		a.progress.Bad("%v; what is certain already:", failure)
	}
	if !a.json {
		a.printAudit(report, traces)
	}
	if !report.Clean {
		return no("%d violations", len(report.Violations))
	}
	return nil
}

// documentOf calls clean only what was checked to the end.
func documentOf(report audit.Report, failure error) auditDocument {
	doc := auditDocument{Report: report}
	if failure != nil {
		doc.Clean, doc.Error = false, failure.Error()
	}
	if doc.Violations == nil {
		doc.Violations = []audit.Violation{}
	}
	return doc
}

func (a *app) runAudit(ctx context.Context, cfg audit.Config) (audit.Report, error) {
	if err := a.mustRun(); err != nil {
		return audit.Report{}, fmt.Errorf("could not check: %w", err)
	}
	provider, err := a.provider()
	if err == nil {
		cfg.Provider = provider
	} else if !errors.Is(err, errNoProvider) {
		return audit.Report{}, fmt.Errorf("could not check: %w", err)
	}
	dbs, err := a.openDatabases(ctx, "inventory", "order", "payment", "points")
	if err != nil {
		return audit.Report{}, fmt.Errorf("could not check: %w", err)
	}
	bus, err := a.openBus(ctx)
	if err != nil {
		return audit.Report{}, errors.Join(fmt.Errorf("could not check: %w", err), dbs.close())
	}
	report, err := audit.Run(ctx, audit.Databases{
		Inventory: dbs["inventory"], Order: dbs["order"], Payment: dbs["payment"], Points: dbs["points"],
	}, bus, cfg)
	return report, errors.Join(err, bus.Close(), dbs.close())
}

// kafkaPatience bounds the wait for a broker: a command answers, it does not
// wait for somebody to start Kafka.
const kafkaPatience = 10 * time.Second

func (a *app) openBus(ctx context.Context) (*kafka.Bus, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaPatience)
	defer cancel()
	return kafka.Open(ctx, a.addresses.Kafka, slog.New(slog.DiscardHandler))
}

func (a *app) printAudit(r audit.Report, traces orderTraces) {
	for _, v := range r.Violations {
		a.printf("%-20s %-28s %s\n", v.Invariant, v.Subject, v.Detail)
	}
	a.printTraces(traces)
	verdict := "clean"
	if !r.Clean {
		verdict = "NOT CLEAN"
	}
	rest := "with orders under way"
	if r.AtRest {
		rest = "at rest"
	}
	a.printf("%s, %s: %d orders, %d stock rows, %d payments, %d charges, %d rewards, %d events; %d messages parked, %d returns stuck\n",
		verdict, rest, r.Checked.Orders, r.Checked.Stock, r.Checked.Payments, r.Checked.Charges, r.Checked.Points, r.Checked.Events, r.Parked, r.Stuck)
}
