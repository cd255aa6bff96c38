package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/tracing"
)

// redriver tries a group's parked events again when they are due, each key in
// the order of its events and each event in a transaction of its own. Every
// process of a group has one: the parked_key row is locked first, here and in
// the funnel, so an event is in one transaction's hands at a time, and a key is
// free only in the transaction that applies the last of its events.
type redriver struct {
	*Inbox
	copies outage
}

func newRedriver(i *Inbox) *redriver { return &redriver{Inbox: i} }

// run looks for what is due until ctx ends; it then finishes the attempt in
// hand.
func (r *redriver) run(ctx context.Context) {
	tick := time.NewTicker(r.cfg.RetryPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			r.logger.Warn("inbox cannot retry what is parked", slog.Any("error", err))
		}
	}
}

// round tries what is due, and gives the dead away.
func (r *redriver) round(ctx context.Context) error {
	keys, err := r.dueKeys(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range keys {
		errs = append(errs, r.release(ctx, key))
	}
	r.copies.note(r.logger, r.copyDead(ctx))
	return errors.Join(append(errs, r.countUnresolved(ctx))...)
}

// dueMax is how many keys are tried in one round.
const dueMax = 100

func (r *redriver) dueKeys(ctx context.Context) (keys []string, err error) {
	err = r.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		const query = "SELECT DISTINCT k FROM dead_letter WHERE grp = ? AND status = ? AND next_attempt_at <= ? LIMIT ?"
		keys, err = readStrings(ctx, tx, query, r.cfg.Group, string(Waiting), database.Micros(now), dueMax)
		return err
	})
	return keys, err
}

// release applies a key's events one by one until one fails.
func (r *redriver) release(ctx context.Context, key string) error {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = r.tryHead(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// tryHead applies the first event of a key, if that is due, and reports
// whether the next one is. An error is nobody's fault: it is due still.
func (r *redriver) tryHead(ctx context.Context, key string) (more bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	defer cancel()
	var first Letter
	err = r.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		more = false
		if first, err = r.lockHead(ctx, tx, key); err != nil || first.ID == 0 {
			return err
		}
		if err := r.reapply(ctx, tx, first); err != nil {
			return err
		}
		more, err = resolve(ctx, tx, first, Applied, "retry")
		return err
	})
	if cause, ok := errors.AsType[*handlerError](err); ok && judge(err) != again {
		return false, r.putOff(ctx, first, cause)
	}
	if err == nil && first.ID != 0 {
		r.metrics.retried(Applied)
	}
	return more, err
}

// lockHead locks a key and returns its first event; none if the key has been
// freed or is not due any more, because another process was faster.
func (r *redriver) lockHead(ctx context.Context, tx *database.Tx, key string) (Letter, error) {
	const lock = "SELECT k FROM parked_key WHERE grp = ? AND k = ?"
	locked, err := readStrings(ctx, tx, lock+tx.ForUpdate(), r.cfg.Group, key)
	if err != nil || len(locked) == 0 {
		return Letter{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return Letter{}, err
	}
	due, err := r.firstDue(ctx, tx, key, now)
	if err != nil || due.ID == 0 || key == "" { // records that cannot be decoded have no order
		return due, err
	}
	first, err := head(ctx, tx, r.cfg.Group, key)
	if err != nil || first.Status == Dead {
		return Letter{}, err
	}
	return first, nil
}

func (r *redriver) firstDue(ctx context.Context, tx *database.Tx, key string, now time.Time) (Letter, error) {
	const query = selectLetters + " WHERE grp = ? AND k = ? AND status = ? AND next_attempt_at <= ?" + inKeyOrder + " LIMIT 1"
	due, err := scanLetter(tx.QueryRow(ctx, query, r.cfg.Group, key, string(Waiting), database.Micros(now)))
	if errors.Is(err, database.ErrNotFound) {
		return Letter{}, nil
	}
	return due, err
}

// reapply hands a letter's event to the handler as what it is: the same event.
func (r *redriver) reapply(ctx context.Context, tx *database.Tx, l Letter) error {
	if l.Key == "" {
		return r.unpack(ctx, tx, l)
	}
	event, err := l.Event()
	if err != nil {
		return &handlerError{cause: err}
	}
	if r.known.knowsOtherVersion(event.Type) {
		return &handlerError{cause: unknownVersion(event.Type)}
	}
	ctx, work := r.start(ctx, slices.Values([]eventbus.Event{event}), 1)
	err = call(ctx, tx, r.handler, []eventbus.Event{event})
	work.End(err)
	return err
}

// unpack parks the events of a record that can be decoded by now, each with its
// key, so that they take their turn: at once, if nothing of it waits already.
func (r *redriver) unpack(ctx context.Context, tx *database.Tx, l Letter) error {
	events, err := eventbus.Decode(l.payload)
	if err != nil {
		return &handlerError{cause: err}
	}
	p := plan{}
	at := topicPartition{l.Topic, l.Partition}
	for pos, e := range events {
		if r.ignores(e.Type) {
			continue
		}
		p.keys = append(p.keys, e.Subject)
		p.park = append(p.park, eventLetter(entry{event: &e, at: at, offset: l.Offset, pos: pos}, fault{class: classBehind}))
	}
	return r.savePark(ctx, tx, p)
}

// putOff notes that an event failed again, and when it is tried next: never,
// when it is dead. The others of its key wait for it.
func (r *redriver) putOff(ctx context.Context, l Letter, cause *handlerError) error {
	f := fault{class: cause.class(), err: cause.cause}
	status := Waiting
	if l.Attempts >= len(r.cfg.Retries) || l.Key == "" {
		status = Dead
	}
	err := r.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := lockKey(ctx, tx, l.Group, l.Key); err != nil {
			return err
		}
		due, err := r.nextDue(ctx, tx, l, status)
		if err != nil {
			return err
		}
		const fail = "UPDATE dead_letter SET attempts = attempts + 1, error_class = ?, error = ?, status = ?, next_attempt_at = ? WHERE id = ? AND attempts = ? AND status = ?"
		n, err := tx.Exec(ctx, fail, f.class, errorText(f.err), string(status), due, l.ID, l.Attempts, string(Waiting))
		if err != nil {
			return err
		}
		if n == 0 { // an operator, or another process, has had a hand in it meanwhile
			_, err := release(ctx, tx, l.Group, l.Key)
			return err
		}
		if l.Key == "" {
			return nil
		}
		const wait = "UPDATE dead_letter SET next_attempt_at = ? WHERE grp = ? AND k = ? AND status = ? AND id <> ?"
		_, err = tx.Exec(ctx, wait, int64(never), l.Group, l.Key, string(Waiting), l.ID)
		return err
	})
	if err == nil {
		r.metrics.retried(status)
		r.tell(ctx, l, f, status)
	}
	return err
}

func (r *redriver) nextDue(ctx context.Context, tx *database.Tx, l Letter, s Status) (int64, error) {
	if s == Dead {
		return never, nil
	}
	now, err := tx.Now(ctx)
	return database.Micros(now.Add(r.cfg.Retries[l.Attempts])), err
}

// tell logs a failed attempt; the last one is an alert.
func (r *redriver) tell(ctx context.Context, l Letter, f fault, s Status) {
	level, msg := slog.LevelWarn, "inbox retried an event in vain"
	if s == Dead {
		level, msg = slog.LevelError, "inbox gives an event up: it waits for an operator"
	}
	if event, err := l.Event(); err == nil {
		ctx = tracing.Extract(ctx, event.TraceParent)
	}
	r.logger.Log(ctx, level, msg, slog.Int64("dead_letter", l.ID), slog.String("class", f.class),
		slog.String("event_type", l.EventType), slog.String("event_id", l.EventID),
		slog.Int("attempts", l.Attempts+1), slog.Any("error", f.err))
}

func unknownVersion(eventType string) error {
	return fmt.Errorf("no handler for this version of the event: %s", eventType)
}
