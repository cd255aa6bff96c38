package redlock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/redisclient"
)

// ErrLead refuses an Elector without a function that leads.
var ErrLead = errors.New("redlock: elector has nothing to lead")

// Term is one time of leading.
type Term struct {
	// Fence is higher than that of every earlier term, whoever led it. Writes
	// of the leader carry it, as [Lock.Fence] says.
	Fence int64
}

// ElectorConfig tunes an Elector; the zero value of a field asks for its
// default.
type ElectorConfig struct {
	// Pause is the time before another campaign after Redis failed; default 1 s.
	Pause time.Duration
	// Elected and Resigned are told when a term begins and, with its cause,
	// ends; nil is told nothing. The term waits for them: no other begins before
	// Resigned has returned, unless the lock was lost. When Run's context has
	// ended the lock is not renewed, so lead and Resigned have two thirds of the
	// TTL to return in.
	Elected  func(Term)
	Resigned func(Term, error)
	// Metrics gets the gauge souk_elector_leader; nil none.
	Metrics prometheus.Registerer
	// Log is told of each term, and once when Redis fails and when it is back;
	// nil discards.
	Log *slog.Logger
}

// Elector has one of many processes lead, and another when it is lost.
type Elector struct {
	locker *Locker
	name   string
	cfg    ElectorConfig
	leader prometheus.Gauge
}

// NewElector makes a candidate for the leadership that goes by name, which is
// the name of the lock that leaders hold. An error is ErrName, ErrConfig, also
// for a locker that is nil, or a second registration of its metric.
func NewElector(locker *Locker, name string, cfg ElectorConfig) (*Elector, error) {
	switch {
	case locker == nil:
		return nil, fmt.Errorf("%w: the elector's locker is nil", ErrConfig)
	case !validName(name):
		return nil, fmt.Errorf("%w: %.20q", ErrName, name)
	case cfg.Pause < 0:
		return nil, fmt.Errorf("%w: Pause %v is negative", ErrConfig, cfg.Pause)
	}
	e := &Elector{locker: locker, name: name, cfg: cfg, leader: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "souk_elector_leader", Help: "1 while this process leads.",
		ConstLabels: prometheus.Labels{"name": name},
	})}
	e.cfg.Pause = cmp.Or(cfg.Pause, time.Second)
	e.cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Metrics == nil {
		return e, nil
	}
	if err := cfg.Metrics.Register(e.leader); err != nil {
		return nil, fmt.Errorf("redlock: elector %s: %w", name, err)
	}
	return e, nil
}

// Run campaigns until it is elected and then calls lead, whose context ends
// when ctx does and, with ErrLost as its cause, before another can be elected.
// Lead must then return; after a loss Run campaigns again. When lead returns
// by itself, Run resigns and returns its error. When ctx ends, Run resigns and
// returns nil. Failures of Redis are logged and outlived.
func (e *Elector) Run(ctx context.Context, lead func(ctx context.Context, term Term) error) error {
	if lead == nil {
		return ErrLead
	}
	undecided := redisclient.Outage{
		Log: e.cfg.Log.With("name", e.name), Begun: "leadership is undecided", Ended: "leadership can be decided again",
	}
	for ctx.Err() == nil {
		lock, err := e.campaign(ctx, &undecided)
		switch {
		case errors.Is(err, ErrReentrant):
			return err
		case err != nil:
			e.pause(ctx)
			continue
		}
		lost, err := e.serve(lock, lead)
		if ctx.Err() == nil && !lost {
			return err
		}
	}
	return nil
}

// campaign waits for the lock. That another holds it tells, as well as the lock
// does, that Redis is there.
func (e *Elector) campaign(ctx context.Context, undecided *redisclient.Outage) (*Lock, error) {
	lock, err := e.locker.TryAcquire(ctx, e.name)
	if errors.Is(err, ErrNotAcquired) {
		undecided.Note(ctx, nil)
		lock, err = e.locker.wait(ctx, e.name)
	}
	if ctx.Err() == nil && !errors.Is(err, ErrReentrant) {
		undecided.Note(ctx, err)
	}
	return lock, err
}

// serve is one term. It reports whether the lock was lost, and else returns
// lead's error.
func (e *Elector) serve(lock *Lock, lead func(ctx context.Context, term Term) error) (lost bool, err error) {
	term := Term{Fence: lock.Fence()}
	e.leader.Set(1)
	e.cfg.Log.Info("leadership begins", "name", e.name, "fence", term.Fence)
	defer func() {
		if loss := lock.Release(); errors.Is(loss, ErrLost) {
			lost, err = true, errors.Join(loss, err)
		}
	}()
	defer func() { e.resign(lock, term, err) }()
	if e.cfg.Elected != nil {
		e.cfg.Elected(term)
	}
	return false, lead(lock.Context(), term)
}

// resign tells of the end of a term while its lock is still ours, unless it was
// lost, so that what Resigned does is done when the next term begins.
func (e *Elector) resign(lock *Lock, term Term, err error) {
	cause := lock.loss()
	if cause == nil {
		cause = context.Cause(lock.Context())
	}
	e.leader.Set(0)
	e.cfg.Log.Info("leadership ends", "name", e.name, "fence", term.Fence, "cause", errors.Join(cause, err))
	if e.cfg.Resigned != nil {
		e.cfg.Resigned(term, errors.Join(cause, err))
	}
}

// pause waits before the next campaign.
func (e *Elector) pause(ctx context.Context) {
	t := time.NewTimer(e.cfg.Pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
