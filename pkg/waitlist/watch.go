package waitlist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"souk.example/pkg/database"
)

// Config bounds a watch; the zero value asks for defaults.
type Config struct {
	Owner    string        // in the lease, for people (default: host and process)
	Every    time.Duration // pause between looks (default 200 ms)
	LeaseTTL time.Duration // how long a crashed watcher keeps its place (default 3 s, and five times Every)
	Batch    int           // most rows of a duty seen to in one transaction (default 500)
	Stretch  int           // most rows read in one step of the walk (default 5,000)
}

func (c Config) withDefaults() Config {
	host, _ := os.Hostname() // for people; the epoch tells owners apart
	c.Owner = cmp.Or(c.Owner, fmt.Sprintf("%.64s/%d", host, os.Getpid()))
	c.Every = cmp.Or(c.Every, 200*time.Millisecond)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, max(3*time.Second, 5*c.Every))
	c.Batch = cmp.Or(c.Batch, 500)
	c.Stretch = cmp.Or(c.Stretch, 5000)
	return c
}

// Duty is what is done about the rows listed for one reason.
type Duty struct {
	Why string
	// Do sees to due rows, in id order, in tx. It returns those that go on
	// waiting, with when to look again; the others are taken off the list. It
	// must find out for itself whether a row still waits.
	Do func(ctx context.Context, tx *database.Tx, ids []int64) (again []Entry, err error)
	// Urgent: when more is due than one batch, the next one follows at once
	// and not only after Config.Every.
	Urgent bool
}

// Walk reads up to limit rows with after < id < before, in id order, and tells
// which of them wait. What it reads may have moved on by the time it is listed.
type Walk func(ctx context.Context, tx *database.Tx, after, before int64, limit int) (Stretch, error)

// NoWalk is for tables whose transactions list every row that waits.
func NoWalk(context.Context, *database.Tx, int64, int64, int) (Stretch, error) {
	return Stretch{}, nil
}

// Stretch is a part of the walk; the zero value is none.
type Stretch struct {
	Rows    int // how many were read
	Last    int64
	Waiting []Entry
}

// Watcher walks and sees to duties. Of all replicas one watches, by a lease
// that every transaction of the watch renews under its epoch: one that lost it
// changes nothing any more.
type Watcher struct {
	db     *database.DB
	walk   Walk
	duties []Duty
	cfg    Config
	log    *slog.Logger
}

// New makes a Watcher; the duties are seen to in the order given.
func New(db *database.DB, walk Walk, duties []Duty, cfg Config, log *slog.Logger) *Watcher {
	return &Watcher{db: db, walk: walk, duties: duties, cfg: cfg.withDefaults(), log: log}
}

// Run watches whenever it can have the lease, until ctx ends; then it gives
// the lease back and returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		l, err := w.acquire(ctx)
		if err == nil {
			err = w.watch(ctx, l)
		}
		if err != nil && !errors.Is(err, errLeased) && ctx.Err() == nil {
			w.log.WarnContext(ctx, "watch interrupted", "error", err)
		}
		pause(ctx, w.cfg.LeaseTTL/5)
	}
	return nil
}

// watch looks until ctx ends or something fails.
func (w *Watcher) watch(ctx context.Context, l lease) error {
	defer w.release(ctx, l)
	renewed := time.Now()
	for ctx.Err() == nil {
		busy, err := w.look(ctx, &l)
		if err != nil {
			return err
		}
		if time.Since(renewed) > w.cfg.LeaseTTL/3 {
			if err := w.renew(ctx, l); err != nil {
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

// sight is what one look finds.
type sight struct {
	due     [][]int64 // per duty
	stretch Stretch
}

// look sees to one batch of each duty and walks on by one stretch; busy says
// that it should look again at once.
func (w *Watcher) look(ctx context.Context, l *lease) (busy bool, err error) {
	s, err := w.sight(ctx, *l)
	if err != nil {
		return false, err
	}
	for i, d := range w.duties {
		if err := w.discharge(ctx, *l, d, s.due[i]); err != nil {
			return false, fmt.Errorf("see to %s: %w", d.Why, err)
		}
		busy = busy || d.Urgent && len(s.due[i]) == w.cfg.Batch
	}
	if err := w.list(ctx, l, s.stretch); err != nil {
		return false, fmt.Errorf("walk: %w", err)
	}
	return busy || s.stretch.Rows == w.cfg.Stretch, nil
}

func (w *Watcher) sight(ctx context.Context, l lease) (s sight, err error) {
	err = w.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		s.due = make([][]int64, len(w.duties))
		for i, d := range w.duties {
			if s.due[i], err = due(ctx, tx, d.Why, now, w.cfg.Batch); err != nil {
				return err
			}
		}
		s.stretch, err = w.walk(ctx, tx, l.walked, firstID(now.Add(-ripeAge)), w.cfg.Stretch)
		return err
	})
	return s, err
}

// list notes that the walk has passed a stretch, and lists those that wait.
func (w *Watcher) list(ctx context.Context, l *lease, s Stretch) error {
	if s.Rows == 0 {
		return nil
	}
	err := w.inLease(ctx, *l, func(ctx context.Context, tx *database.Tx) error {
		if err := Enlist(ctx, tx, s.Waiting); err != nil {
			return err
		}
		return advance(ctx, tx, s.Last)
	})
	if err == nil {
		l.walked = s.Last
	}
	return err
}

// postponement is how long a row that cannot be seen to is left alone.
const postponement = 10 * time.Second

// discharge does a duty for its due rows together, or, when that fails, one by
// one, so that a row that cannot be seen to holds up no other.
func (w *Watcher) discharge(ctx context.Context, l lease, d Duty, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	err := w.do(ctx, l, d, ids)
	if err == nil || errors.Is(err, errLeaseLost) {
		return err
	}
	for _, id := range ids {
		err := w.do(ctx, l, d, []int64{id})
		if err == nil {
			continue
		}
		if errors.Is(err, errLeaseLost) || ctx.Err() != nil {
			return err
		}
		w.log.ErrorContext(ctx, "waiting row not seen to", "why", d.Why, "id", id, "error", err)
		if err := w.putOff(ctx, l, d, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) do(ctx context.Context, l lease, d Duty, ids []int64) error {
	return w.inLease(ctx, l, func(ctx context.Context, tx *database.Tx) error {
		again, err := d.Do(ctx, tx, ids)
		if err != nil {
			return err
		}
		return relist(ctx, tx, d.Why, ids, again)
	})
}

func (w *Watcher) putOff(ctx context.Context, l lease, d Duty, id int64) error {
	return w.inLease(ctx, l, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		return postpone(ctx, tx, d.Why, []Entry{{ID: id, Due: now.Add(postponement)}})
	})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
