package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// Batch applies events, in the order given, in tx. Events of one key keep the
// order in which they were published; beyond that there is no order. Any event
// may come again, so a batch finds out by its own keys what is done already.
// Within one batch an event comes once, or twice when it is also nudged.
// It must not call anything outside the transaction: the transaction may be
// rolled back, and run again.
//
// What its error means for the whole batch:
//   - database.IsTransient or IsOperational, or a deadline: run it again, for
//     as long as it takes. No event is to blame for a full disk.
//   - database.ErrDuplicate: another process applied the same events at the
//     same time; run it again, three times at most, and once more and at once
//     when the batch was Fresh.
//   - anything else, marked Permanent or not, and a panic: one of the events
//     cannot be applied. It is found, and parked with its key.
type Batch func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error

// Each makes a Batch of a handler for one event.
func Each(fn func(ctx context.Context, tx *database.Tx, e eventbus.Event) error) Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		for _, e := range events {
			if err := fn(ctx, tx, e); err != nil {
				return fmt.Errorf("apply %s %s: %w", e.Type, e.ID, err)
			}
		}
		return nil
	}
}

// permanentError marks what its cause alone might not tell.
type permanentError struct{ cause error }

func (e *permanentError) Error() string { return e.cause.Error() }
func (e *permanentError) Unwrap() error { return e.cause }

// Permanent marks err as one that no repetition cures, whatever it wraps. A nil
// err stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// handlerError is an error of the handler, as opposed to one of the inbox's
// own statements, for which no event can be blamed.
type handlerError struct {
	cause    error
	panicked bool
}

func (e *handlerError) Error() string { return e.cause.Error() }
func (e *handlerError) Unwrap() error { return e.cause }

func (e *handlerError) class() string {
	if e.panicked {
		return classPanic
	}
	return classPoison
}

// call runs a handler and turns a panic into an error.
func call(ctx context.Context, tx *database.Tx, handle Batch, events []eventbus.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			cause := fmt.Errorf("handler panicked: %v\n%s", v, debug.Stack())
			err = &handlerError{cause: cause, panicked: true}
		}
	}()
	err = handle(ctx, tx, events)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // drivers have many words for an interrupted statement
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	default:
		return &handlerError{cause: err}
	}
}

// verdict is what an error of a transaction asks for.
type verdict uint8

const (
	again   verdict = iota // the same batch, after a pause
	raced                  // the same batch, a few times
	blameOn                // find the event to blame
)

func judge(err error) verdict {
	fault, ours := errors.AsType[*handlerError](err)
	if !ours {
		return again
	}
	if _, marked := errors.AsType[*permanentError](err); marked || fault.panicked {
		return blameOn
	}
	switch {
	case database.IsTransient(err), database.IsOperational(err), errors.Is(err, context.DeadlineExceeded):
		return again
	case errors.Is(err, database.ErrDuplicate):
		return raced
	default:
		return blameOn
	}
}
