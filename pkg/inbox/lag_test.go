package inbox_test

import (
	"context"
	"sync/atomic"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// A group that cannot commit is behind, and one that has no claim is not.
func TestLagIsThatOfTheClaims(t *testing.T) {
	b := newBench(t, onMemory)
	var works atomic.Bool
	stop := b.runOn(b.script(0, 5, b.things(3)...), func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		if !works.Load() {
			return database.ErrLater
		}
		return nil
	})
	lag := func() float64 {
		return b.metric("souk_inbox_lag_records", map[string]string{"group": b.cfg.Group, "topic": b.topic, "partition": "0"})
	}
	b.eventually(func() error { return equal("lag while nothing commits", lag(), 5) })
	works.Store(true)
	b.eventually(func() error { return equal("lag when what came is applied", lag(), 2) })
	stop()
	b.wantEqual("lag without a claim", lag(), 0.0)
}
