package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/shop"
)

func smokeCommand(a *app) *cobra.Command {
	var sku string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "smoke",
		Short:   "Buy one thing and watch the order reach COMPLETED",
		Long:    "Buy one thing as the demo user, through the gateway, and print the order's\ntimeline. Exits 1 when the order does not reach COMPLETED.",
		Example: "  souk smoke\n  souk smoke --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSpan("timeout", timeout); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.smoke(ctx, sku)
		},
	}
	cmd.Flags().StringVar(&sku, "sku", "SKU-0001", "what to buy")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long the order may take")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) smoke(ctx context.Context, sku string) error {
	client, err := a.demoCustomer(ctx)
	if err != nil {
		return err
	}
	placed, err := client.PlaceOrder(ctx, "smoke-"+rand.Text(), shop.Line{SKU: sku, Quantity: 1})
	if err != nil {
		return fmt.Errorf("place an order at %s: %w", client.BaseURL, err)
	}
	a.progress.Say("order %s accepted", placed.ID)
	order, err := client.AwaitRest(ctx, placed.ID, 10*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("watch order %s: %w", placed.ID, err)
	}
	if err := a.printTimeline(order); err != nil {
		return err
	}
	if order.Status != "COMPLETED" {
		return no("order %s is %s %s; see `souk order trace %s`", placed.ID, order.Status, order.Reason, placed.ID)
	}
	return nil
}

func (a *app) demoCustomer(ctx context.Context) (*shop.Client, error) {
	if err := a.mustRun(); err != nil {
		return nil, err
	}
	tokens, err := a.mint(ctx, tokenRequest{email: demoEmail})
	if err != nil {
		return nil, err
	}
	return &shop.Client{BaseURL: a.addresses.Gateway, Token: tokens[0].AccessToken}, nil
}

type timelineEntry struct {
	Status  string    `json:"status"`
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Reason  string    `json:"reason,omitempty"`
	AfterMS float64   `json:"after_ms"` // since the order was placed
}

func (a *app) printTimeline(o shop.Order) error {
	timeline := make([]timelineEntry, len(o.Timeline))
	for i, e := range o.Timeline {
		after := float64(e.At.Sub(o.Timeline[0].At).Microseconds()) / 1000
		timeline[i] = timelineEntry{Status: e.Status, At: e.At, Service: e.Service, Reason: e.Reason, AfterMS: after}
	}
	if a.json {
		return a.printJSON(map[string]any{"order_id": o.ID, "status": o.Status, "timeline": timeline})
	}
	a.printf("order %s\n", o.ID)
	for _, e := range timeline {
		a.printf("  %8.0f ms  %-10s %s %s\n", e.AfterMS, e.Status, e.Service, e.Reason)
	}
	return nil
}
