package inbox

import (
	"context"
	"errors"
	"log/slog"

	"souk.example/pkg/database"
	"souk.example/pkg/failpoint"
)

// racesMax is how often a batch that met a duplicate key is run again. A zombie
// that runs the same batch is through by then; another duplicate is a fault.
const racesMax = 3

// apply runs a batch until it stands in SQL, then commits its offsets. It
// reports whether the batch stands: only the end of running makes it leave one
// undone, and then no later record may be applied.
func (i *Inbox) apply(running context.Context, b *batch) (stands bool) {
	ctx, span := i.tracer.start(context.WithoutCancel(running), b)
	defer span.End()
	faults := i.unknownVersions(b)
	races := 0
	for wait := newBackoff(); ; {
		p, err := i.attempt(ctx, b, faults)
		if err == nil {
			failpoint.Hit("inbox-after-commit")
			i.report(b, p)
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
			return false
		}
		faults = i.unknownVersions(b) // what was found may have had this error's cause
	}
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
func (i *Inbox) attempt(ctx context.Context, b *batch, faults map[int]fault) (p plan, err error) {
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
			if err := i.call(ctx, tx, b.events(p.apply)); err != nil {
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
func (i *Inbox) report(b *batch, p plan) {
	i.metrics.batch(b, p, i.known)
	for _, l := range p.park {
		if l.fault.class == classBehind {
			continue
		}
		i.logger.Error("inbox parked an event",
			slog.String("class", l.fault.class), slog.String("topic", l.at.topic),
			slog.Int("partition", int(l.at.partition)), slog.Int64("offset", l.offset),
			slog.String("event_type", l.eventType), slog.String("event_id", l.eventID),
			slog.Any("error", l.fault.err))
	}
}
