// Package fxrun adapts things that run, `Run(ctx) error`, to the lifecycle of
// an fx application. It is the one place where the two meet.
//
// Runners start in stages and stop in the opposite order, each stage waiting
// for the one before it: workers (relays, leases) first and last, then intakes,
// then consumers, servers last and first. So a stopping service drains its
// requests, finishes the batch of events in hand, commits what requests have
// queued, and still has its relay and its leases until all that is done.
package fxrun

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.uber.org/fx"
)

// Runner blocks in Run until ctx ends and it has put its work in order, or
// until it cannot go on.
type Runner interface {
	Run(ctx context.Context) error
}

// listener is a Runner that can claim its address before it runs, so that a
// taken port is an error at start.
type listener interface{ Listen() error }

type stage int

const (
	workers stage = iota
	intakes
	consumers
	servers
	stages
)

type member struct {
	stage  stage
	runner Runner
}

// Worker registers the provided R to run for as long as the application does.
func Worker[R Runner]() fx.Option { return register[R](workers) }

// Intake registers the provided R, which commits on behalf of those that call
// it, to run while the workers do.
func Intake[R Runner]() fx.Option { return register[R](intakes) }

// Consumer registers the provided R to run while workers and intakes do.
func Consumer[R Runner]() fx.Option { return register[R](consumers) }

// Server registers the provided R to run while everything else does.
func Server[R Runner]() fx.Option { return register[R](servers) }

func register[R Runner](s stage) fx.Option {
	return fx.Provide(fx.Annotate(
		func(r R) member { return member{stage: s, runner: r} },
		fx.ResultTags(`group:"members"`),
	))
}

// Supervise runs every registered runner. One that returns before it is told
// to, with an error, stops the application with exit code 1; without one, it has
// nothing more to do.
func Supervise() fx.Option {
	return fx.Invoke(fx.Annotate(supervise, fx.ParamTags(``, ``, ``, `group:"members"`)))
}

func supervise(lc fx.Lifecycle, stop fx.Shutdowner, log *slog.Logger, members []member) {
	var running crews
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			for s := range stages {
				if err := running[s].start(of(members, s), stop, log); err != nil {
					return errors.Join(err, running.stop(ctx))
				}
			}
			return nil
		},
		OnStop: func(ctx context.Context) error { return running.stop(ctx) },
	})
}

func of(members []member, s stage) []Runner {
	var runners []Runner
	for _, m := range members {
		if m.stage == s {
			runners = append(runners, m.runner)
		}
	}
	return runners
}

// crews are the goroutines of every stage.
type crews [stages]crew

// stop stops every stage, also after one that did not end in time: it must not
// keep the relay from being told.
func (cs *crews) stop(ctx context.Context) error {
	var errs []error
	for s := stages - 1; s >= 0; s-- {
		errs = append(errs, cs.stopStage(ctx, s))
	}
	return errors.Join(errs...)
}

// stopStage leaves an eighth of the time at hand to each stage that stops later.
func (cs *crews) stopStage(ctx context.Context, s stage) error {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-time.Until(end)/8*time.Duration(s)))
		defer cancel()
	}
	return cs[s].stop(ctx)
}

// crew is one stage's goroutines.
type crew struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (c *crew) start(runners []Runner, stop fx.Shutdowner, log *slog.Logger) error {
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	for _, r := range runners {
		if l, ok := r.(listener); ok {
			if err := l.Listen(); err != nil {
				return err
			}
		}
		c.done.Go(func() {
			if err := r.Run(ctx); err != nil && ctx.Err() == nil {
				log.Error("runner ended", "runner", fmt.Sprintf("%T", r), "error", err)
				_ = stop.Shutdown(fx.ExitCode(1)) // an application already stopping needs no telling
			}
		})
	}
	return nil
}

func (c *crew) stop(ctx context.Context) error {
	if c.cancel == nil {
		return nil // never started: an earlier stage failed
	}
	c.cancel()
	done := make(chan struct{})
	go func() { c.done.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop runners: %w", ctx.Err())
	}
}
