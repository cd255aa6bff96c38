package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"souk.example/pkg/plaintext"
	"souk.example/pkg/saga"
)

// sagaService is the service whose database has sagas.
const sagaService = "order"

func sagaCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "saga",
		Short: "Look at the returns under way, and decide about those that are stuck",
		Long: `Look at the returns under way, and decide about those that are stuck. A return
is a saga with its order's id: refund, restock, points, finish. A step that gets
no answer is asked for again, after pauses that double; when its attempts are
used up the saga is STUCK, and waits for its answer or for a decision. What is
decided here is carried out by the order service, within a second while it runs.`,
	}
	cmd.AddCommand(sagaListCommand(a), sagaShowCommand(a), sagaRetryCommand(a), sagaSkipCommand(a))
	return cmd
}

// sagaRow is how a saga is printed.
type sagaRow struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	Status    saga.Status `json:"status"`
	Step      string      `json:"step"`
	Op        saga.Op     `json:"op"`
	Attempts  int         `json:"attempts"`
	Due       *time.Time  `json:"next_attempt_at,omitempty"`
	Error     string      `json:"error,omitempty"`
	StartedAt time.Time   `json:"started_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	Data      string      `json:"data,omitempty"` // why it was begun
	Steps     []sagaStep  `json:"steps,omitempty"`
}

// sagaStep is how one op of a step is printed.
type sagaStep struct {
	Step      string          `json:"step"`
	Op        saga.Op         `json:"op"`
	Status    saga.StepStatus `json:"status"`
	Error     string          `json:"error,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   *time.Time      `json:"ended_at,omitempty"`
}

func printableSaga(s saga.Saga, records []saga.StepRecord) sagaRow {
	row := sagaRow{
		ID: s.ID, Type: s.Type, Status: s.Status, Step: s.Step, Op: s.Op, Attempts: s.Attempts, Error: s.LastError,
		StartedAt: s.StartedAt, UpdatedAt: s.UpdatedAt, Data: string(s.Data),
	}
	if s.Status == saga.Running {
		row.Due = &s.Due
	}
	for _, r := range records {
		step := sagaStep{Step: r.Step, Op: r.Op, Status: r.Status, Error: r.Error, StartedAt: r.StartedAt}
		if !r.EndedAt.IsZero() {
			step.EndedAt = &r.EndedAt
		}
		row.Steps = append(row.Steps, step)
	}
	return row
}

func sagaListCommand(a *app) *cobra.Command {
	var f saga.Filter
	var status string
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List what is under way, or stuck",
		Example: "  souk saga ls\n  souk saga ls --status STUCK\n  souk saga ls --status COMPLETED --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.Status = saga.Status(strings.ToUpper(status))
			return a.listSagas(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "RUNNING, STUCK, COMPLETED or COMPENSATED (default: the first two)")
	cmd.Flags().StringVar(&f.Type, "type", "", "only of this type, e.g. return")
	cmd.Flags().IntVar(&f.Limit, "limit", 100, "at most this many")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) listSagas(ctx context.Context, f saga.Filter) error {
	if known := []saga.Status{"", saga.Running, saga.Stuck, saga.Completed, saga.Compensated}; !slices.Contains(known, f.Status) {
		return fmt.Errorf("no status %q; there are RUNNING, STUCK, COMPLETED and COMPENSATED", f.Status)
	}
	if f.Limit < 1 {
		return fmt.Errorf("--limit %d: want 1 or more", f.Limit)
	}
	rows := []sagaRow{}
	err := a.withSagas(ctx, func(sagas *saga.Operator) error {
		found, err := sagas.List(ctx, f)
		for _, s := range found {
			rows = append(rows, printableSaga(s, nil))
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"sagas": rows})
	}
	return a.printSagas(rows)
}

func (a *app) printSagas(rows []sagaRow) error {
	if len(rows) == 0 {
		a.progress.Note("there are none")
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tTYPE\tSTATUS\tSTEP\tATTEMPTS\tNEXT\tERROR")
	for _, r := range rows {
		next := "-"
		if r.Due != nil {
			next = r.Due.Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%.80s\n", r.ID, r.Type, r.Status, r.Step, r.Attempts, next, plaintext.Escape(r.Error))
	}
	return table.Flush()
}

// withSagas works on the sagas there are.
func (a *app) withSagas(ctx context.Context, fn func(*saga.Operator) error) error {
	db, err := a.openDatabase(ctx, sagaService)
	if err != nil {
		return err
	}
	return errors.Join(fn(saga.NewOperator(db)), db.Close())
}

func sagaShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one, with what became of each step, as JSON",
		Example: "  souk saga show 7318349394477056",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onSaga(cmd.Context(), args[0], func(_ *saga.Operator, s saga.Saga, records []saga.StepRecord) error {
				return a.printJSON(printableSaga(s, records))
			})
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// onSaga works on one saga as it stands. That it is not there, or is not to be
// decided about, is an answer.
func (a *app) onSaga(ctx context.Context, id string, fn func(*saga.Operator, saga.Saga, []saga.StepRecord) error) error {
	err := a.withSagas(ctx, func(sagas *saga.Operator) error {
		s, records, err := sagas.Show(ctx, id)
		if err != nil {
			return err
		}
		return fn(sagas, s, records)
	})
	switch {
	case errors.Is(err, saga.ErrNoSaga):
		return no("there is no saga %s", id)
	case errors.Is(err, saga.ErrNotStuck), errors.Is(err, saga.ErrChanged):
		return no("saga %s: %w", id, err)
	}
	return err
}

func sagaRetryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "retry ID", Short: "Have a stuck one go on with its step, with all its attempts",
		Example: "  souk saga retry 7318349394477056",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onSaga(cmd.Context(), args[0], func(sagas *saga.Operator, s saga.Saga, _ []saga.StepRecord) error {
				if err := sagas.Retry(cmd.Context(), s.ID, s.Version); err != nil {
					return err
				}
				a.progress.Done("%s goes on with %s", s.ID, s.Step)
				return nil
			})
		},
	}
}

func sagaSkipCommand(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "skip ID --reason TEXT", Short: "Have a stuck one go on as if its step were done",
		Long: `Have a stuck saga go on as if its step were done, because somebody has seen to it
by hand. Say how: it is kept with the step.`,
		Example: `  souk saga skip 7318349394477056 --reason "refunded at the provider by hand, re_42"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onSaga(cmd.Context(), args[0], func(sagas *saga.Operator, s saga.Saga, _ []saga.StepRecord) error {
				if err := sagas.Skip(cmd.Context(), s.ID, s.Version, reason); err != nil {
					return err
				}
				a.progress.Done("%s goes on without %s: %s", s.ID, s.Step, reason)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "who has done the step's work, and how")
	_ = cmd.MarkFlagRequired("reason") // fails only for a flag that is not there
	return cmd
}
