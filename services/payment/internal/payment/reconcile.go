package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Line is one charge in the provider's list, as it stands by now.
type Line struct {
	Word
	ID   string // what the list goes on after
	Made time.Time
	Err  error // why there is no Word
}

// ReconcilerConfig tunes a Reconciler; zero values take the defaults named in
// the tags.
type ReconcilerConfig struct {
	Every time.Duration `env:"SOUK_PSP_RECONCILE_EVERY" envDefault:"30s" usage:"time between comparisons with the payment provider's list of charges"`
}

func (c ReconcilerConfig) withDefaults() ReconcilerConfig {
	if c.Every == 0 {
		c.Every = 30 * time.Second
	}
	return c
}

// Validate reports tunables that cannot work.
func (c ReconcilerConfig) Validate() error {
	if c.Every < 0 {
		return errors.New("SOUK_PSP_RECONCILE_EVERY must not be negative")
	}
	return nil
}

const (
	// page is how many charges are compared at a time.
	page = 1000
	// overlap is how old a charge is when it is compared for the last time: by
	// then whatever was under way beside it stands in the list.
	overlap = 2 * time.Minute
	// grace is how old a charge is when it is compared for the first time:
	// before, the reply to its call is probably still on its way.
	grace = 10 * time.Second
	// pageLease bounds the time that one page may take, pageTimeout the part of
	// it that the provider may take.
	pageLease   = 30 * time.Second
	pageTimeout = pageLease / 3
)

// Reconciler compares the provider's list with ours, from a durable watermark,
// and records what it knows better. Any number of processes may run one on the
// same database; one at a time works. Run it once.
type Reconciler struct {
	mark      Watermark
	statement Statement
	recorder  *Recorder
	alarms    Alarms
	name      ClaimID
	log       *slog.Logger
	now       func() time.Time
	cfg       ReconcilerConfig
}

// NewReconciler makes a Reconciler. Name tells this process from all others.
func NewReconciler(name string, mark Watermark, statement Statement, recorder *Recorder, alarms Alarms, log *slog.Logger, now func() time.Time, cfg ReconcilerConfig) *Reconciler {
	return &Reconciler{
		mark: mark, statement: statement, recorder: recorder, alarms: alarms,
		name: ClaimID(name), log: log, now: now, cfg: cfg.withDefaults(),
	}
}

// Run compares every so often until ctx ends. It returns nil.
func (r *Reconciler) Run(ctx context.Context) error {
	ticker := time.NewTicker(r.cfg.Every)
	defer ticker.Stop()
	for {
		if err := r.Reconcile(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "comparison with the payment provider's list pauses", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Reconcile compares the list from the watermark to its end, unless another
// process does or has just done so.
func (r *Reconciler) Reconcile(ctx context.Context) error {
	mark, mine, err := r.mark.Take(ctx, r.name, pageLease)
	if err != nil || !mine {
		return err
	}
	for after := mark; mine && ctx.Err() == nil; {
		lines, more, err := r.list(ctx, after)
		if err != nil {
			return err
		}
		if err := r.compare(ctx, lines); err != nil {
			return err
		}
		mark = r.advance(mark, lines)
		if !more { // the lease keeps others from coming again too soon
			_, err := r.mark.Keep(ctx, r.name, mark, r.cfg.Every/2)
			r.alarms.Compared(r.now())
			return err
		}
		after = lines[len(lines)-1].ID
		if mine, err = r.mark.Keep(ctx, r.name, mark, pageLease); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// list reads a page of the provider's list, which must not take for ever.
func (r *Reconciler) list(ctx context.Context, after string) (lines []Line, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	lines, more, err = r.statement.Charges(ctx, after, page)
	if err != nil {
		return nil, false, fmt.Errorf("list charges: %w", err)
	}
	return lines, more, nil
}

// advance moves the mark over the lines that need not be seen again. The list
// is in the order in which charges were made.
func (r *Reconciler) advance(mark string, lines []Line) string {
	settled := r.now().Add(-overlap)
	for _, l := range lines {
		if l.Made.After(settled) {
			break
		}
		mark = l.ID
	}
	return mark
}

// compare records the lines that say something new, together. Disputes have
// raised their alarm and must not hold up the rest.
func (r *Reconciler) compare(ctx context.Context, lines []Line) error {
	orders := make([]OrderID, len(lines))
	for i, l := range lines {
		orders[i] = l.Order
	}
	known, err := r.mark.Payments(ctx, orders)
	if err != nil {
		return err
	}
	var records sync.WaitGroup
	errs := make([]error, len(lines))
	arrived := r.now().Add(-grace)
	for i, l := range lines {
		switch {
		case l.Made.After(arrived):
		case l.Err != nil:
			r.alarms.Disputed(ctx, Word{Kind: Charge, Ref: l.ID}, l.Err)
		case l.takesBack(known[l.Order]):
			r.alarms.Disputed(ctx, l.Word, fmt.Errorf("%w: it had succeeded before", ErrMismatch))
		case l.news(known[l.Order]):
			records.Go(func() { errs[i] = r.repair(ctx, l) })
		}
	}
	records.Wait()
	return errors.Join(errs...)
}

func (r *Reconciler) repair(ctx context.Context, l Line) error {
	err := r.recorder.Record(ctx, l.Word)
	switch {
	case isDispute(err):
		return nil
	case err != nil:
		return fmt.Errorf("record charge %s: %w", l.ID, err)
	}
	r.alarms.Repaired(ctx, l.Word)
	return nil
}

// news reports whether the line says what p does not.
func (l Line) news(p Payment) bool {
	switch {
	case p.Status == None:
		return true
	case p.Status == Captured && l.Said == Succeeded:
		return p.Charge != l.Ref || p.Amount != l.Amount
	}
	return Next(p.Status, l.Said).Do == Move && l.Said != Unsure
}

// takesBack reports whether the charge that paid for the order has failed after
// all. The list shows it as it stands by now, unlike a webhook, which may be an
// older copy. What order was told stands; somebody has to look.
func (l Line) takesBack(p Payment) bool {
	return p.Status == Captured && l.Said == Declined && p.Charge == l.Ref
}
