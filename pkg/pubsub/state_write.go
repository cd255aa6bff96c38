package pubsub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// errConflict: another version is stored than the one a change began from.
var errConflict = errors.New("another version is stored")

// unsettled: a newer version than the stored one may still be given back, for
// as long as it says.
type unsettled time.Duration

func (u unsettled) Error() string {
	return fmt.Sprintf("a lost version may be given back for another %v", time.Duration(u))
}

// minSettle is how long changes wait at least after a loss; see
// [State.settle].
const minSettle = 300 * time.Millisecond

// anyVersion is the expectation of a write that replaces whatever there is.
const anyVersion = -1

// Set replaces the value, whatever it was, also what Redis may have lost. It is
// in force here when Set returns, and on every node that hears the broadcast a
// moment later. It is newer than what was lost because its version is the time:
// it relies on Redis' clock not being behind that of the lost write. An error
// other than ErrTooLarge leaves open whether the value was stored; if it was,
// every node finds it within StateConfig.Check.
func (s *State[T]) Set(ctx context.Context, value T) error {
	return s.write(ctx, value, anyVersion)
}

// Update changes the value by change, which gets a copy of its own, or the
// zero value when there is none. When others write meanwhile, change is called
// again with what they wrote, so that no writer's change is lost, and after a
// wait, too; what change does beside is then repeated. The errors are change's
// and Set's, and ErrConfig when change is nil.
//
// While Redis may have lost something, Update waits, so that it begins from the
// newest value that any running process knows: for twice Check, at least
// 300 ms, from the first Update that finds no value or another run of Redis
// than before, or from when a process last gave a value back. So the first
// Update ever blocks that long, as does the first after a restart or failover
// of Redis, unless ctx ends or a Set comes first, which it sees within Check or
// 300 ms. A change may still be lost with Redis when nobody but its writer has
// heard of it and that writer does not reach Redis in this time, and when Redis
// is given an older memory without a restart, or does not tell its run id (INFO
// server in a script).
func (s *State[T]) Update(ctx context.Context, change func(T) (T, error)) error {
	if change == nil {
		return fmt.Errorf("%w: no change of state %s", ErrConfig, s.name)
	}
	for attempt := 0; ; attempt++ {
		err := s.updateOnce(ctx, change)
		wait, isUnsettled := errors.AsType[unsettled](err)
		switch {
		case isUnsettled: // a Set may end it sooner
			err = sleep(ctx, min(time.Duration(wait), max(s.cfg.Check, minSettle))+rand.N(time.Millisecond))
		case errors.Is(err, errConflict):
			err = backOff(ctx, attempt)
		default:
			return err
		}
		if err != nil {
			return fmt.Errorf("state %s: %w", s.name, err)
		}
	}
}

func (s *State[T]) updateOnce(ctx context.Context, change func(T) (T, error)) error {
	base, err := s.newest(ctx)
	if err != nil {
		return err
	}
	next, err := change(base.value)
	if err != nil {
		return err
	}
	return s.write(ctx, next, base.version)
}

// newest reads what is stored, after giving back what Redis has lost.
func (s *State[T]) newest(ctx context.Context) (snapshot[T], error) {
	if now := s.current.Load(); now != nil {
		stored, err := s.storedVersion(ctx)
		if err == nil && stored < now.version {
			err = s.seed(ctx, now)
		}
		if err != nil {
			return snapshot[T]{}, err
		}
	}
	stored, err := s.fetch(ctx)
	if err != nil || stored == nil {
		return snapshot[T]{}, err
	}
	// Those who Get the stored value must not see change at work on it.
	own, err := s.decoded(stored.version, stored.data)
	if err != nil {
		return snapshot[T]{}, err
	}
	return *own, nil
}

// write stores value if the version expected is stored, puts it in force and
// announces it.
func (s *State[T]) write(ctx context.Context, value T, expected int64) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("state %s: encode: %w", s.name, err)
	}
	if len(data) > s.cfg.MaxBytes {
		return fmt.Errorf("%w: state %s has %d bytes, at most %d", ErrTooLarge, s.name, len(data), s.cfg.MaxBytes)
	}
	version, err := s.store(ctx, data, expected)
	if err != nil {
		return err
	}
	next, err := s.decoded(version, data)
	if err != nil {
		return err
	}
	s.adopt(next)
	return s.announce(ctx, version)
}

func (s *State[T]) store(ctx context.Context, data []byte, expected int64) (int64, error) {
	condition := ""
	if expected != anyVersion {
		condition = strconv.FormatInt(expected, 10)
	}
	version, err := s.bus.scripts.Run(ctx, s.bus.rdb.Write(), "state_write", []string{s.key}, condition, s.version(), data, s.settle().Microseconds()).Text()
	if err != nil {
		return 0, fmt.Errorf("state %s: store: %w", s.name, err)
	}
	if version == "" {
		return 0, errConflict
	}
	wait, lost := strings.CutPrefix(version, "wait ")
	n, err := strconv.ParseInt(wait, 10, 64)
	if err == nil && lost {
		err = unsettled(time.Duration(n) * time.Microsecond)
	}
	return n, err
}

// settle is the time in which every process that reaches Redis has compared its
// version with the stored one, and given it back if it is newer.
func (s *State[T]) settle() time.Duration { return max(2*s.cfg.Check, minSettle) }

// backOff waits up to 1 ms, doubled per attempt up to 64 ms.
func backOff(ctx context.Context, attempt int) error {
	return sleep(ctx, rand.N(time.Millisecond<<min(attempt, 6)))
}
