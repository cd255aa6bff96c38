package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Up starts the engines that do not run, side by side, and returns when each of
// them answers its own protocol or ctx has ended. What could be started stays
// when something else could not. The error names each engine that failed, its
// address and the end of its log; it is ErrNotInstalled when a program is
// missing, in which case nothing was started, and holds a *PortTakenError when
// a port is. progress gets one line of text per step, one call at a time.
func (e *Engines) Up(ctx context.Context, progress func(string)) error {
	if err := installed(e.all()...); err != nil {
		return err
	}
	return e.alone(ctx, func() error {
		say := oneAtATime(progress)
		return e.each(func(s *supervised) error { return s.ensure(ctx, say) })
	})
}

// Down stops the engines that run: each is asked to end, and killed when it has
// not after half a minute. Data and logs stay. Nothing to stop is no error.
func (e *Engines) Down(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(e.home, "native")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return e.alone(ctx, func() error {
		return e.each(func(s *supervised) error { return s.stop(ctx) })
	})
}

// Restart stops one engine, if it runs, starts it and waits until it answers.
func (e *Engines) Restart(ctx context.Context, name Name) error {
	s, err := e.named(name)
	if err != nil {
		return err
	}
	if err := installed(s); err != nil {
		return err
	}
	return e.alone(ctx, func() error {
		if err := s.stop(ctx); err != nil {
			return err
		}
		return s.ensure(ctx, func(string) {})
	})
}

// Kill ends one engine without warning (SIGKILL), for tests of what survives
// that; Up starts it again. ErrNotRunning when there is nothing to kill.
func (e *Engines) Kill(ctx context.Context, name Name) error {
	s, err := e.named(name)
	if err != nil {
		return err
	}
	p := s.process()
	if p.none() {
		return fmt.Errorf("kill %s: %w", name, ErrNotRunning)
	}
	return p.kill(ctx)
}

// Wipe removes the data of one engine that does not run, for tests of what its
// loss costs.
func (e *Engines) Wipe(ctx context.Context, name Name) error {
	s, err := e.named(name)
	if err != nil {
		return err
	}
	return e.alone(ctx, func() error {
		if p := s.process(); !p.none() {
			return fmt.Errorf("wipe %s: it runs (process %d)", name, p.PID)
		}
		return os.RemoveAll(engineDir(e.home, name))
	})
}

// installed returns ErrNotInstalled with everything that is missing.
func installed(engines ...*supervised) error {
	var missing []string
	for _, s := range engines {
		missing = append(missing, s.missing()...)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s; run `make infra-install`", ErrNotInstalled, strings.Join(missing, ", "))
	}
	return nil
}

// each runs do for every engine side by side.
func (e *Engines) each(do func(*supervised) error) error {
	all := e.all()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() { errs[i] = do(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// alone runs do while no other process of this home starts or stops engines.
func (e *Engines) alone(ctx context.Context, do func() error) error {
	if err := e.prepareHome(); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(e.home, "native", "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

func oneAtATime(progress func(string)) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		progress(line)
	}
}
