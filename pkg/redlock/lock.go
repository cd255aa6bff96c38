package redlock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-redsync/redsync/v4"
)

// Lock is a lock that is held until Release or until it is lost.
type Lock struct {
	name    string
	mutex   *redsync.Mutex // touched by the watchdog alone until it has ended
	locker  *Locker
	ctx     context.Context // the holder's, by design: it is the lock's lifetime
	cancel  context.CancelCauseFunc
	stop    chan struct{}
	stopped chan struct{}
	release sync.Once
	err     error // of the release
}

var errReleased = errors.New("lock was released")

func (l *Locker) hold(ctx context.Context, name string, m *redsync.Mutex) *Lock {
	held, cancel := context.WithCancelCause(ctx)
	lock := &Lock{
		name: name, mutex: m, locker: l, ctx: held, cancel: cancel,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go lock.watch(m.Until())
	return lock
}

// Name is the name the lock was acquired by.
func (l *Lock) Name() string { return l.name }

// Context ends before the lock can expire, with ErrLost as its cause, when
// the lock is released, and when the context it was acquired with ends.
func (l *Lock) Context() context.Context { return l.ctx }

// Release stops the watchdog, waits for it, and frees the lock if it is still
// ours, even when the acquiring context has ended. It returns ErrLost when
// the lock was no longer ours. Releasing again returns the same.
func (l *Lock) Release() error {
	l.release.Do(func() {
		close(l.stop)
		<-l.stopped
		lost := errors.Is(context.Cause(l.ctx), ErrLost)
		l.cancel(errReleased)
		l.err = l.unlock(lost)
	})
	return l.err
}

func (l *Lock) unlock(lost bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), l.locker.cfg.TTL)
	defer cancel()
	ok, err := l.mutex.UnlockContext(ctx)
	switch {
	case lost, isTaken(err), errors.Is(err, redsync.ErrLockAlreadyExpired):
		return fmt.Errorf("%w: %s", ErrLost, l.name)
	case err != nil:
		return fmt.Errorf("release lock %s: %w", l.name, err)
	case !ok:
		return fmt.Errorf("%w: %s", ErrLost, l.name)
	}
	return nil
}

// run runs fn under the lock and releases it, also when fn panics. A release
// that Redis did not hear is not fn's failure: the key expires by itself.
func (l *Lock) run(fn func(ctx context.Context) error) (err error) {
	defer func() {
		if releaseErr := l.Release(); err == nil && errors.Is(releaseErr, ErrLost) {
			err = releaseErr
		}
	}()
	return fn(l.ctx)
}

// watch renews the lock every third of its TTL. It gives the lock up, by
// cancelling the context, when another holds it, and when renewals have
// failed until the margin before until.
func (l *Lock) watch(until time.Time) {
	defer close(l.stopped)
	period, margin := l.locker.cfg.TTL/3, l.locker.cfg.TTL/10
	deadline := until.Add(-margin)
	next := time.NewTimer(period)
	defer next.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-l.ctx.Done():
			// The holder's work is over; let the key expire or be released.
			return
		case <-next.C:
		}
		until, err := l.extend(deadline)
		switch {
		case err == nil:
			deadline = until.Add(-margin)
			next.Reset(period)
		case errors.Is(err, ErrLost) || !time.Now().Before(deadline):
			l.lose(err)
			return
		default:
			next.Reset(min(period/4, time.Until(deadline)))
		}
	}
}

// extend renews the lock once and returns how long it is then ours. It gives
// up at deadline.
func (l *Lock) extend(deadline time.Time) (time.Time, error) {
	ctx, cancel := context.WithDeadline(l.ctx, deadline)
	defer cancel()
	ok, err := l.mutex.ExtendContext(ctx)
	if isTaken(err) {
		return time.Time{}, fmt.Errorf("%w: %s was taken or expired", ErrLost, l.name)
	}
	if err != nil || !ok {
		return time.Time{}, fmt.Errorf("renew lock %s: %w", l.name, err)
	}
	return l.mutex.Until(), nil
}

func (l *Lock) lose(err error) {
	l.locker.metrics.lost.Inc()
	if !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: %s: %w", ErrLost, l.name, err)
	}
	l.cancel(err)
}
