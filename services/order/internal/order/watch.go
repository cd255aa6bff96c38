package order

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"souk.example/contracts"
)

// WatchConfig bounds the watch over deadlines; the zero value asks for defaults.
type WatchConfig struct {
	Owner    string        // in the lease, for people
	Every    time.Duration // pause between looks (default 200 ms)
	LeaseTTL time.Duration // how long a crashed watcher keeps its place (default 3 s)
	Batch    int           // most orders cancelled in one transaction (default 500)
	Stretch  int           // most orders read in one step of the walk (default 5,000)
}

func (c WatchConfig) withDefaults() WatchConfig {
	c.Every = cmp.Or(c.Every, 200*time.Millisecond)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 3*time.Second)
	c.Batch = cmp.Or(c.Batch, 500)
	c.Stretch = cmp.Or(c.Stretch, 5000)
	return c
}

// Watcher cancels orders that have not been paid by their deadline. Of all
// replicas one watches, by a lease that every transaction of the watch renews
// under its epoch: one that lost it changes nothing any more.
//
// It walks along the time-ordered primary key, past every order once, when no
// order that old can still appear; an order that waits there for its payment is
// put on a list by its deadline. Orders that the walk would meet too late, or
// never, are put there as they are placed (see [Unit]). So a look at the
// deadlines reads the list's due end and nothing else, however many orders
// live, and however deadlines have been configured.
type Watcher struct {
	leases Leases
	list   Waitlist
	policy Policy
	cfg    WatchConfig
	log    *slog.Logger
}

// NewWatcher makes a Watcher.
func NewWatcher(leases Leases, list Waitlist, policy Policy, cfg WatchConfig, log *slog.Logger) *Watcher {
	return &Watcher{leases: leases, list: list, policy: policy, cfg: cfg.withDefaults(), log: log}
}

// Run watches whenever it can have the lease, until ctx ends; then it gives
// the lease back.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		lease, err := w.leases.Acquire(ctx, w.cfg.Owner, w.cfg.LeaseTTL)
		if err == nil {
			err = w.watch(ctx, lease)
		}
		if err != nil && !errors.Is(err, ErrLeased) && ctx.Err() == nil {
			w.log.WarnContext(ctx, "deadline watch interrupted", "error", err)
		}
		pause(ctx, w.cfg.LeaseTTL/5)
	}
	return nil
}

// watch looks at the deadlines until ctx ends or something fails.
func (w *Watcher) watch(ctx context.Context, l Lease) error {
	defer w.release(ctx, l)
	renewed := time.Now()
	for ctx.Err() == nil {
		busy, err := w.look(ctx, &l)
		if err != nil {
			return err
		}
		if time.Since(renewed) > w.cfg.LeaseTTL/3 {
			if err := w.leases.InLease(ctx, l, w.cfg.LeaseTTL, func(context.Context, WatchUnit) error { return nil }); err != nil {
				return err
			}
			renewed = time.Now()
		}
		if !busy {
			pause(ctx, w.cfg.Every)
		}
	}
	return nil
}

func (w *Watcher) release(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.LeaseTTL)
	defer cancel()
	if err := w.leases.Release(ctx, l); err != nil {
		w.log.WarnContext(ctx, "deadline watch not given back", "error", err)
	}
}

// look cancels what is due and walks on; busy says that there may be more of
// either.
func (w *Watcher) look(ctx context.Context, l *Lease) (busy bool, err error) {
	due, err := w.list.Due(ctx, w.cfg.Batch)
	if err == nil && len(due) > 0 {
		err = w.expireAll(ctx, *l, due)
	}
	if err != nil {
		return false, fmt.Errorf("cancel past the deadline: %w", err)
	}
	more, err := w.walk(ctx, l)
	if err != nil {
		return false, fmt.Errorf("walk orders: %w", err)
	}
	return more || len(due) == w.cfg.Batch, nil
}

// postponement is how long an order that cannot be cancelled is left alone.
const postponement = 10 * time.Second

// expireAll expires the due orders together, or, when that fails, one by one,
// so that an order that cannot be cancelled holds up no other.
func (w *Watcher) expireAll(ctx context.Context, l Lease, due []ID) error {
	err := w.expire(ctx, l, due)
	if err == nil || errors.Is(err, ErrLeaseLost) {
		return err
	}
	for _, id := range due {
		err := w.expire(ctx, l, []ID{id})
		if err == nil {
			continue
		}
		if errors.Is(err, ErrLeaseLost) || ctx.Err() != nil {
			return err
		}
		w.log.ErrorContext(ctx, "order past its deadline not cancelled", "order", int64(id), "error", err)
		if err := w.postpone(ctx, l, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) postpone(ctx context.Context, l Lease, id ID) error {
	return w.leases.InLease(ctx, l, w.cfg.LeaseTTL, func(ctx context.Context, u WatchUnit) error {
		now, err := u.Now(ctx)
		if err != nil {
			return err
		}
		return u.Postpone(ctx, id, now.Add(postponement))
	})
}

// expire cancels those of the due orders that still wait, and strikes all off
// the list. The row locks decide races with facts and with users.
func (w *Watcher) expire(ctx context.Context, l Lease, due []ID) error {
	return w.leases.InLease(ctx, l, w.cfg.LeaseTTL, func(ctx context.Context, u WatchUnit) error {
		states, err := u.Lock(ctx, due)
		if err != nil {
			return err
		}
		now, err := u.Now(ctx) // not before the lock: what was waited for has come before
		if err != nil {
			return err
		}
		var updates []Update
		for _, id := range due {
			if was := states[id]; was.Status.Cancellable() {
				o := Restore(was, w.policy)
				changes, err := o.Cancel(contracts.ReasonDeadlinePassed, now)
				if err != nil {
					return err
				}
				updates = append(updates, Update{Before: was, After: o.State(), Changes: changes})
			}
		}
		if err := u.Save(ctx, updates); err != nil {
			return err
		}
		return u.Strike(ctx, due)
	})
}

// walk goes past one stretch of orders and lists those that wait.
func (w *Watcher) walk(ctx context.Context, l *Lease) (more bool, err error) {
	s, err := w.list.Ripe(ctx, l.Walked, w.cfg.Stretch)
	if err != nil || s.Orders == 0 {
		return false, err
	}
	err = w.leases.InLease(ctx, *l, w.cfg.LeaseTTL, func(ctx context.Context, u WatchUnit) error {
		return u.Advance(ctx, s)
	})
	if err != nil {
		return false, err
	}
	l.Walked = s.Last
	return s.Orders == w.cfg.Stretch, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
