package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/cmd/souk/internal/shop"
	"souk.example/internal/audit/statement"
)

func demoCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "demo", Short: "Watch souk deal with what goes wrong"}
	cmd.AddCommand(demoFailuresCommand(a))
	return cmd
}

func demoFailuresCommand(a *app) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "failures",
		Short: "Buy with cards that misbehave, and show how each order ends",
		Long: `Buy with cards that misbehave, as the demo user, and show how each order ends: a
declined card, an order cancelled while the card is being charged, a charge whose
reply is lost, a charge that succeeds late. Exits 1 when one does not end as it
should.`,
		Example: "  souk demo failures",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSpan("timeout", timeout); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.demoFailures(ctx)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long the tour may take")
	return cmd
}

// failure is one stop of the tour.
type failure struct {
	title, story string
	token        string // the sandbox provider's word for how the card behaves
	cancel       bool   // while the provider has yet to decide
	want         ending
}

// ending is what a customer and the provider see in the end.
type ending struct {
	status, reason, payment string
	charges                 int   // that succeeded
	kept                    int64 // by the merchant, in minor units
}

func (e ending) String() string {
	return fmt.Sprintf("%s; payment %s; charged %d times, of which the merchant keeps %d", strings.TrimSpace(e.status+" "+e.reason), e.payment, e.charges, e.kept)
}

const (
	demoSKU     = "SKU-0001"
	demoSKUCost = 1_010
)

func failures() []failure {
	bought := ending{status: "COMPLETED", payment: "captured", charges: 1, kept: demoSKUCost}
	return []failure{
		{
			title: "Declined", token: "tok_declined", want: ending{status: "CANCELLED", reason: "payment_failed", payment: "none"},
			story: "The bank says no: the order is cancelled and the goods go back on the shelf.",
		},
		{
			title: "Cancelled too late", token: "tok_late", cancel: true, want: ending{status: "CANCELLED", reason: "user_cancelled", payment: "refunded", charges: 1},
			story: "The buyer cancels while the provider thinks. It charges all the same, and the money goes back.",
		},
		{
			title: "Reply lost", token: "tok_reply_lost", want: bought,
			story: "The provider charges, but its reply is lost. Its webhook, or the same call made again, tells of the one charge.",
		},
		{
			title: "Late success", token: "tok_late", want: bought,
			story: "The provider needs 20 seconds to decide. Nobody takes the silence for a no.",
		},
	}
}

// tour is the demo under way.
type tour struct {
	*app
	customer *shop.Client
	provider *statement.Reader
}

// demoFailures starts everything at once, since some of it takes its time, and
// then shows one order after the other.
func (a *app) demoFailures(ctx context.Context) error {
	customer, err := a.demoCustomer(ctx)
	if err != nil {
		return err
	}
	provider, err := a.provider()
	if err != nil {
		return err
	}
	t := tour{app: a, customer: customer, provider: provider}
	stops, orders := failures(), []string{}
	for _, f := range stops {
		id, err := t.begin(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.title, err)
		}
		orders = append(orders, id)
	}
	surprises := 0
	for i, f := range stops {
		asExpected, err := t.show(ctx, f, orders[i])
		if err != nil {
			return fmt.Errorf("%s: %w", f.title, err)
		}
		if !asExpected {
			surprises++
		}
	}
	if surprises > 0 {
		return no("%d of %d orders did not end as they should", surprises, len(stops))
	}
	return nil
}

func (t tour) begin(ctx context.Context, f failure) (order string, err error) {
	placed, err := t.customer.PlaceCardOrder(ctx, "demo-"+rand.Text(), f.token, shop.Line{SKU: demoSKU, Quantity: 1})
	if err != nil || !f.cancel {
		return placed.ID, err
	}
	t.progress.Say("order %s: waiting for the provider to be asked, to cancel it then", placed.ID)
	asked := func() (bool, error) {
		charges, err := t.provider.ChargesOf(ctx, placed.ID)
		return len(charges) > 0, err
	}
	if err := poll(ctx, asked); err != nil {
		return placed.ID, err
	}
	_, err = t.customer.Cancel(ctx, placed.ID)
	return placed.ID, err
}

// show waits for the order to end as it should, and shows how it did.
func (t tour) show(ctx context.Context, f failure, order string) (asExpected bool, err error) {
	t.printf("\n%s\n  %s\n", f.title, f.story)
	t.progress.Say("order %s: waiting for it to end", order)
	var got ending
	err = poll(ctx, func() (bool, error) {
		got, err = t.endingOf(ctx, order)
		return got == f.want, err
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return false, err
	}
	if err := t.printStory(context.WithoutCancel(ctx), order); err != nil {
		return false, err
	}
	t.printf("  %s\n", got)
	if got != f.want {
		t.printf("  EXPECTED %s\n", f.want)
	}
	return got == f.want, nil
}

func (t tour) endingOf(ctx context.Context, id string) (ending, error) {
	o, err := t.customer.Order(ctx, id)
	if err != nil {
		return ending{}, err
	}
	end := ending{status: o.Status, reason: o.Reason, payment: o.Payment.Status}
	charges, err := t.provider.ChargesOf(ctx, id)
	for _, c := range charges {
		if c.Status == statement.Succeeded {
			end.charges++
			end.kept += c.Amount - c.Refunded
		}
	}
	return end, err
}

// printStory prints the order's trace in a few words a line, with milliseconds
// since its first entry.
func (t tour) printStory(ctx context.Context, order string) error {
	id, err := orderID(order)
	if err != nil {
		return err
	}
	entries, err := t.collectTrace(ctx, id)
	if err != nil || len(entries) == 0 {
		return err
	}
	t.printf("  order %s\n", order)
	for _, e := range entries {
		t.printf("  %8.0f ms  %-9s  %-13s %s\n", sinceFirst(e, entries), e.Service, e.Kind, e.Summary())
	}
	return nil
}

func sinceFirst(e ordertrace.Entry, all []ordertrace.Entry) float64 {
	return float64(e.At.Sub(all[0].At).Microseconds()) / 1000
}

// poll asks until the answer is yes, an error, or ctx ends.
func poll(ctx context.Context, ask func() (bool, error)) error {
	for {
		yes, err := ask()
		if yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
