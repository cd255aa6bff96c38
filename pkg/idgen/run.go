package idgen

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/redisclient"
)

// releaseWait bounds the release of the number when Run ends.
const releaseWait = 5 * time.Second

// Run renews the lease, acquiring one first where there is none, until ctx
// ends; then it releases the number, after which Next fails. While the
// store cannot be reached ids go on until shortly before the lease ends. A
// lease that another process took over is replaced by one of another number.
//
// Run returns nil, or why the release failed: the number is then free after
// the lease's TTL. A bad Config it refuses at once, with ErrConfig.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.validate(); err != nil {
		return err
	}
	renewals := redisclient.Outage{Log: w.cfg.Log, Begun: "worker lease not renewed", Ended: "worker lease renewed again"}
	for ctx.Err() == nil {
		err := w.renew(ctx)
		wait := w.cfg.LeaseTTL / 3
		if err != nil {
			w.counts.failures.Add(1)
			wait = w.cfg.LeaseTTL / 20
		}
		renewals.Note(ctx, err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return w.release(context.WithoutCancel(ctx))
}

func (w *Worker) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.LeaseTTL/3)
	defer cancel()
	l := w.lease.Load()
	if l == nil {
		return w.acquireFree(ctx)
	}
	next, err := w.extend(ctx, l)
	if errors.Is(err, ErrTaken) {
		w.counts.lost.Add(1)
		w.cfg.Log.WarnContext(ctx, "worker lease lost", "worker", l.grant.Worker)
		w.lease.Store(nil)
		return w.acquireFree(ctx)
	}
	if err == nil {
		w.lease.Store(next)
	}
	return err
}

func (w *Worker) release(ctx context.Context) error {
	l := w.lease.Swap(nil)
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, releaseWait)
	defer cancel()
	return w.free(ctx, l)
}
