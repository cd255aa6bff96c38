package payment

import (
	"context"
	"time"

	"souk.example/pkg/groupcommit"
)

// Recorder writes down what the provider says, many words to a transaction.
// Safe for concurrent use while Run runs.
type Recorder struct {
	journal Journal
	now     func() time.Time
	alarms  Alarms
	words   *groupcommit.Committer[Word, struct{}]
}

// Alarms is told of what no retry will put right: somebody has to look.
type Alarms interface {
	// Disputed: the provider says what cannot be recorded.
	Disputed(ctx context.Context, w Word, err error)
	// Refused: the provider was asked for what it will not do, err says why.
	Refused(ctx context.Context, w Word, err error)
	// Orphaned: a call was dropped because nothing waits for its answer.
	Orphaned(ctx context.Context, w Word)
	// Repaired: the provider's list knew more than we did.
	Repaired(ctx context.Context, w Word)
	// Compared: the provider's list was compared to its end.
	Compared(at time.Time)
}

// NewRecorder makes a Recorder; now is the clock of the rows it leaves. Of cfg,
// Retry is its own.
func NewRecorder(journal Journal, alarms Alarms, now func() time.Time, cfg groupcommit.Config, transient func(error) bool, opts ...groupcommit.Option[Word]) *Recorder {
	r := &Recorder{journal: journal, now: now, alarms: alarms}
	cfg.Retry = transient
	r.words = groupcommit.New(cfg, r.flush, opts...)
	return r
}

// Record returns once the word is written down, or was before. ErrNotOurs and
// ErrMismatch change nothing and have raised an alarm; after any other error
// the word may or may not stand, and may be repeated.
func (r *Recorder) Record(ctx context.Context, w Word) error {
	_, err := r.words.Do(ctx, w)
	if isDispute(err) {
		r.alarms.Disputed(ctx, w, err)
	}
	return err
}

// Run writes until ctx ends, and then what is still queued. Call it once.
func (r *Recorder) Run(ctx context.Context) error { return r.words.Run(ctx) }

func (r *Recorder) flush(ctx context.Context, words []Word) ([]groupcommit.Outcome[struct{}], error) {
	errs, err := r.journal.Enter(ctx, words, func(records Records) Rulings { return Judge(words, records, r.now()) })
	if err != nil {
		return nil, err
	}
	outcomes := make([]groupcommit.Outcome[struct{}], len(words))
	for i := range errs {
		outcomes[i].Err = errs[i]
	}
	return outcomes, nil
}
