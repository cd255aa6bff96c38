package redlock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Lock is a lock that is held until Release or until it is lost. Safe for
// concurrent use.
type Lock struct {
	name   string
	locker *Locker
	ctx    context.Context // the holder's, by design: it is the lock's lifetime
	cancel context.CancelCauseFunc

	mu       sync.Mutex // held during a renewal
	claim    *claim
	renewal  *time.Timer
	deadline time.Time // when a holder that could not renew gives the lock up
	lost     error     // why it was given up; the context's cause may be an outer lock's

	release sync.Once
	err     error // of the release
}

var errReleased = errors.New("redlock: lock was released")

// heldKey finds, in a context, the lock that it is the context of.
type heldKey struct {
	locker *Locker
	name   string
}

func (l *Locker) heldBy(ctx context.Context, name string) bool {
	lock, ok := ctx.Value(heldKey{l, name}).(*Lock)
	return ok && lock.ctx.Err() == nil
}

// hold starts the watchdog of a lock that was taken.
func (l *Locker) hold(ctx context.Context, name string, c *claim) *Lock {
	lock := &Lock{name: name, locker: l, claim: c, deadline: l.cfg.expiry(c.begun)}
	held, cancel := context.WithCancelCause(ctx)
	lock.ctx, lock.cancel = context.WithValue(held, heldKey{l, name}, lock), cancel
	lock.mu.Lock()
	defer lock.mu.Unlock()
	lock.renewal = time.AfterFunc(l.cfg.untilRenewal(c.begun), lock.renew)
	return lock
}

// Name is the name the lock was acquired by.
func (l *Lock) Name() string { return l.name }

// Fence is the lock's fencing token: higher than that of every earlier holder,
// in this process or another, also after Redis has lost its memory. What the
// holder writes to keeps the highest fence it has seen and refuses a lower one.
func (l *Lock) Fence() int64 { return l.claim.fence }

// Context ends before the lock can expire, with ErrLost as its cause, when
// the lock is released, and when the context it was acquired with ends.
func (l *Lock) Context() context.Context { return l.ctx }

// Release stops the watchdog, waits for it, and frees the lock if it is still
// ours, even when the acquiring context has ended. It takes no longer than the
// clients of the nodes let it, nor than the TTL, of several nodes a quarter of
// it. It returns ErrLost when the lock was no longer ours, whether or not Redis
// could be asked; any other error is Redis', and the key expires by itself.
// Releasing again returns the same.
func (l *Lock) Release() error {
	l.release.Do(func() {
		l.cancel(errReleased) // a renewal under way ends, none begins
		l.mu.Lock()
		defer l.mu.Unlock()
		l.renewal.Stop()
		l.err = l.unlock()
	})
	return l.err
}

func (l *Lock) unlock() error {
	err := l.claim.release(context.WithoutCancel(l.ctx))
	if l.lost != nil {
		return l.lost // whatever becomes of the key: it was not ours any more
	}
	if errors.Is(err, ErrLost) {
		l.locker.metrics.lost.Inc()
	}
	if err != nil {
		return fmt.Errorf("release lock %s: %w", l.name, err)
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

// renew is the watchdog: it renews the lock every third of its TTL. It gives
// the lock up, by cancelling the context, when another holds it, and when
// renewals have failed until the deadline. Once the context has ended it does
// nothing: the key expires or is released.
func (l *Lock) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	cfg := l.locker.cfg
	err := l.extend()
	switch {
	case err == nil:
		l.deadline = cfg.expiry(l.claim.begun)
		l.renewal.Reset(cfg.untilRenewal(l.claim.begun))
	case errors.Is(err, ErrLost) || !time.Now().Before(l.deadline):
		l.lose(err)
	default:
		l.renewal.Reset(min(cfg.TTL/12, time.Until(l.deadline)))
	}
}

// extend renews the lock once.
func (l *Lock) extend() error {
	ctx, cancel := context.WithDeadline(l.ctx, l.deadline)
	defer cancel()
	if err := l.claim.renew(ctx); err != nil {
		return fmt.Errorf("renew lock %s: %w", l.name, err)
	}
	return nil
}

// loss is why the watchdog gave the lock up, nil if it did not.
func (l *Lock) loss() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

func (l *Lock) lose(err error) {
	l.locker.metrics.lost.Inc()
	if !errors.Is(err, ErrLost) {
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	l.lost = err
	l.cancel(err)
}
