package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/pkg/plaintext"
)

func orderCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "order", Short: "Look at single orders"}
	cmd.AddCommand(orderTraceCommand(a))
	return cmd
}

func orderTraceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "trace ID",
		Short:   "Show everything about one order, across services, in time order",
		Long:    "Show everything about one order, across services, in time order: rows, events,\nmoney, points, the payment provider's record, and messages set aside. A row\nstands where it was made and tells how it is now. Works\nwhile souk is down, without the provider's record then. Exits 1 when nobody\nknows the order. What a card is known by is not shown.",
		Example: "  souk order trace 7318349394477056\n  souk order trace 7318349394477056 --json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.traceOrder(cmd.Context(), args[0]) },
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) traceOrder(ctx context.Context, arg string) error {
	id, err := orderID(arg)
	if err != nil {
		return err
	}
	entries, err := a.collectTrace(ctx, id)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return no("nobody knows order %d", id)
	}
	if a.json {
		return a.printJSON(map[string]any{"order_id": arg, "entries": entries})
	}
	a.printTrace(entries)
	return nil
}

func orderID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is no order id", text)
	}
	return id, nil
}

func (a *app) collectTrace(ctx context.Context, id int64) ([]ordertrace.Entry, error) {
	dbs, err := a.openDatabases(ctx, "order", "inventory", "payment", "points")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dbs.close() }()
	entries, err := ordertrace.Collect(ctx, dbs, id)
	if err != nil {
		return nil, err
	}
	said, err := a.askProvider(ctx, id)
	if err != nil {
		a.progress.Note("without the payment provider's record: %v", err)
	}
	entries = append(entries, said...)
	ordertrace.Sort(entries)
	return entries, nil
}

func (a *app) askProvider(ctx context.Context, id int64) ([]ordertrace.Entry, error) {
	reader, err := a.provider()
	if err != nil {
		return nil, err
	}
	return ordertrace.FromProvider(ctx, reader, id)
}

func (a *app) printTrace(entries []ordertrace.Entry) {
	for _, e := range entries {
		a.printf("%s  %-9s  %-13s %s\n", e.At.Format("2006-01-02 15:04:05.000000"), e.Service, e.Kind, plaintext.Escape(describe(e)))
	}
}

func describe(e ordertrace.Entry) string {
	if e.Event == nil {
		return describeRow(e.Row)
	}
	text := fmt.Sprintf("%s %s", e.Event.Type, e.Event.Data)
	if e.Pending {
		text += " (not published yet)"
	}
	return text
}

// describeRow begins with the status, which a row got later than it was made.
func describeRow(row map[string]any) string {
	var fields []string
	for column, value := range row {
		if column == ordertrace.Status {
			continue
		}
		switch v := value.(type) {
		case json.RawMessage:
			value = string(v)
		case time.Time:
			value = v.Format("2006-01-02T15:04:05.000000Z07:00")
		}
		if _, isBinary := value.([]byte); !isBinary {
			fields = append(fields, fmt.Sprintf("%s=%v", column, value))
		}
	}
	slices.Sort(fields)
	if status, known := row[ordertrace.Status]; known {
		fields = slices.Insert(fields, 0, ordertrace.Now(status))
	}
	return strings.Join(fields, " ")
}
