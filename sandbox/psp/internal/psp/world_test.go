package psp_test

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/sandbox/psp/internal/psp"
)

const lateAfter = 20 * time.Second

// world is a cashier with a record in memory.
type world struct {
	cashier *psp.Cashier
	record  *record
	courier *courier
	panel   *psp.Panel
	ids     *counter
	log     *slog.Logger
	stop    func() // ends the cashier; the test's end does too
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		record: &record{charges: map[string]psp.Charge{}, refunds: map[string]psp.Refund{}}, courier: &courier{},
		panel: new(psp.Panel), ids: new(counter), log: slog.New(slog.DiscardHandler),
	}
	w.cashier = psp.NewCashier(w.record, w.ids, w.courier, w.panel, lateAfter, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.cashier.Run(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(w.stop)
	return w
}

func (w *world) charge(t *testing.T, key, token string) (psp.Charged, error) {
	t.Helper()
	return w.cashier.Charge(t.Context(), psp.ChargeRequest{Key: key, Reference: "1", Token: token, Amount: 7, Currency: "CNY"})
}

type counter struct{ n atomic.Int64 }

func (c *counter) Next() (int64, error) { return c.n.Add(1), nil }

type courier struct{ delivered int }

func (c *courier) Deliver(context.Context, psp.Event) { c.delivered++ }
func (c *courier) Wake()                              {}

// record implements psp.Store and psp.Unit in memory.
type record struct {
	mu      sync.Mutex
	charges map[string]psp.Charge // by key
	refunds map[string]psp.Refund // by key
	events  []psp.Event
}

func (r *record) InUnit(ctx context.Context, fn func(context.Context, psp.Unit) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	charges, refunds, events := maps.Clone(r.charges), maps.Clone(r.refunds), len(r.events)
	err := fn(ctx, r)
	if err != nil {
		r.charges, r.refunds, r.events = charges, refunds, r.events[:events]
	}
	return err
}

func (r *record) Made(_ context.Context, key string) (psp.Charge, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.charges[key]
	return c, ok, nil
}

func (r *record) Charges(_ context.Context, keys []string) (map[string]psp.Charge, error) {
	found := map[string]psp.Charge{}
	for _, k := range keys {
		if c, ok := r.charges[k]; ok {
			found[k] = c
		}
	}
	return found, nil
}

func (r *record) AddCharges(_ context.Context, charges []psp.Charge) error {
	for _, c := range charges {
		r.charges[c.Key] = c
	}
	return nil
}

func (r *record) Charge(_ context.Context, id string) (psp.Charge, error) {
	for _, c := range r.charges {
		if c.ID == id {
			return c, nil
		}
	}
	return psp.Charge{}, psp.ErrUnknownCharge
}

func (r *record) Due(_ context.Context, at time.Time, _ int) ([]psp.Charge, error) {
	var due []psp.Charge
	for _, c := range r.charges {
		if c.Status == psp.Processing && !c.DueAt.After(at) {
			due = append(due, c)
		}
	}
	return due, nil
}

func (r *record) Update(_ context.Context, c psp.Charge) error {
	r.charges[c.Key] = c
	return nil
}

func (r *record) Refund(_ context.Context, key string) (psp.Refund, bool, error) {
	f, ok := r.refunds[key]
	return f, ok, nil
}

func (r *record) AddRefund(_ context.Context, f psp.Refund) error {
	r.refunds[f.Key] = f
	return nil
}

func (r *record) Emit(_ context.Context, events []psp.Event) error {
	r.events = append(r.events, events...)
	return nil
}
