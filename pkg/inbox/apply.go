package inbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/failpoint"
	"souk.example/pkg/tracing"
)

// racesMax is how often a batch that met a duplicate key is run again. A zombie
// that runs the same batch is through by then; another duplicate is a fault.
const racesMax = 3

// apply runs a batch until it stands in SQL, then commits its offsets. It
// reports whether the batch stands: only the end of running makes it leave one
// undone, and then no later record may be applied.
func (i *Inbox) apply(running context.Context, b *batch) (stands bool) {
	begun := time.Now()
	ctx, work := i.start(context.WithoutCancel(running), b.all(), len(b.entries))
	var undone error
	defer func() { work.End(undone) }()
	handle, faults, races := i.handlerFor(b), i.unknownVersions(b), 0
	for wait := newBackoff(); ; {
		p, err := i.attempt(ctx, b, handle, faults)
		if err == nil {
			failpoint.Hit("inbox-after-commit")
			i.report(ctx, b, p, time.Since(begun))
			i.commitOffsets(b)
			failpoint.Hit("inbox-after-mark")
			return true
		}
		v := judge(err)
		if v == raced {
			races++
		}
		if v == blameOn || races > racesMax {
			found, searchErr := i.isolate(ctx, b, p.apply, faults)
			if found {
				continue
			}
			err = errors.Join(err, searchErr)
		}
		i.logger.WarnContext(ctx, "inbox batch runs again", slog.Any("error", err), slog.Int("events", len(b.entries)))
		if !wait.pause(running) {
			undone = err
			return false
		}
		faults = i.unknownVersions(b) // what was found may have had this error's cause
	}
}

// handlerFor is the group's handler, which trusts a batch that looks new.
func (i *Inbox) handlerFor(b *batch) Batch {
	if b.fresh() {
		return TrustOnce(i.handler)
	}
	return i.handler
}

// unknownVersions returns the faults that show without trying.
func (i *Inbox) unknownVersions(b *batch) map[int]fault {
	faults := make(map[int]fault)
	for n, e := range b.entries {
		if i.known.knowsOtherVersion(e.event.Type) {
			faults[n] = fault{classUnknownVersion, unknownVersion(e.event.Type)}
		}
	}
	return faults
}

// attempt runs the batch in one transaction: the effects, what is parked, and
// how far each partition has come, or none of it.
func (i *Inbox) attempt(ctx context.Context, b *batch, handle Batch, faults map[int]fault) (p plan, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.cfg.Timeout)
	defer cancel()
	keys := i.keys(b)
	err = i.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		isParked, err := i.parkedAmong(ctx, tx, keys)
		if err != nil {
			return err
		}
		p = i.plan(b, faults, isParked)
		if len(p.apply) > 0 {
			if err := call(ctx, tx, handle, b.events(p.apply)); err != nil {
				return err
			}
		}
		if err := i.savePark(ctx, tx, p); err != nil {
			return err
		}
		if err := i.saveProgress(ctx, tx, b); err != nil {
			return err
		}
		failpoint.Hit("inbox-before-commit")
		return nil
	})
	return p, err
}

// report counts and logs what became of a batch that is committed.
func (i *Inbox) report(ctx context.Context, b *batch, p plan, took time.Duration) {
	i.metrics.batch(ctx, b, p, i.known, took)
	for _, l := range p.park {
		if l.fault.class == classBehind {
			continue
		}
		i.logger.ErrorContext(tracing.Extract(ctx, l.traceParent), "inbox parked an event",
			slog.String("class", l.fault.class), slog.String("topic", l.at.topic),
			slog.Int("partition", int(l.at.partition)), slog.Int64("offset", l.offset),
			slog.String("event_type", l.eventType), slog.String("event_id", l.eventID),
			slog.Any("error", l.fault.err))
	}
}
