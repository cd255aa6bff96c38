package inbox_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

// lingers is a script whose claim outlives its context until all is read.
type lingers struct{ *scripted }

func (l lingers) Consume(ctx context.Context, _ string, _ []string, claim func(context.Context, eventbus.Claim) error) error {
	ch := make(chan eventbus.Record)
	var sender sync.WaitGroup
	sender.Go(func() {
		defer close(ch)
		for n, r := range l.records {
			r.Offset = l.initial + int64(n)
			ch <- r
		}
	})
	err := claim(context.WithoutCancel(ctx), scriptedClaim{l.scripted, ch})
	sender.Wait()
	<-ctx.Done()
	return err
}

// A stop leaves a batch undone that waits to be run again. Later records of
// its partition are buffered by then; applied, they would raise SQL's progress
// and the bus's offset past the batch, and nobody would ever see it again.
func TestNothingIsAppliedPastABatchThatAStopLeftUndone(t *testing.T) {
	for _, batchMax := range []int{1, 500} {
		t.Run(fmt.Sprintf("batch max %d", batchMax), func(t *testing.T) {
			const n = 1500 // more than are buffered, so that they are still read after the stop
			b := newBench(t, onMemory)
			b.cfg.BatchMax = batchMax
			bus := b.script(0, n, b.things(n)...)
			failed := make(chan struct{}, n)
			stop := b.runOn(lingers{bus}, func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
				if events[0].ID == "0-1" {
					failed <- struct{}{}
					return database.ErrCommitUnknown
				}
				return inbox.Each(count)(ctx, tx, events)
			})
			<-failed
			stop()
			b.wantEqual("effects", b.number("SELECT COUNT(*) FROM effect"), 0)
			b.wantEqual("progress", b.progress(0), 0)
			b.wantEqual("commits", len(bus.committed()), 0)
		})
	}
}
