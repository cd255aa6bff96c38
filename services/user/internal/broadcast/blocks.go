// Package broadcast tells every edge who is shut out.
package broadcast

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/redisclient"
)

// List is where the blocks are kept; SQL.
type List interface {
	Revision(ctx context.Context) (int64, error)
	Snapshot(ctx context.Context) (contracts.BlockList, error)
}

// State is what the edges read; a *pubsub.State.
type State interface {
	Get() (contracts.BlockList, bool)
	Set(ctx context.Context, list contracts.BlockList) error
}

// Blocks publishes the list whenever the state is another one: at start, after
// a change, and when Redis has come back without it, with an older one, or with
// one that somebody else wrote there. Several processes may do so at once: a
// slow one may put back an older list, which the next comparison replaces.
type Blocks struct {
	list   List
	state  State
	news   chan struct{}
	outage redisclient.Outage
}

// every is how often SQL and the state are compared, less up to a quarter so
// that processes that started together do not ask together.
const every = time.Second

// NewBlocks makes a Blocks; Run does its work. The state must run too.
func NewBlocks(list List, state State, log *slog.Logger) *Blocks {
	return &Blocks{list: list, state: state, news: make(chan struct{}, 1), outage: redisclient.Outage{
		Log: log, Begun: "the block list is not published", Ended: "the block list is published again",
	}}
}

// Changed has the list published at once. It does not block.
func (b *Blocks) Changed() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// Run publishes the list until ctx ends and then returns nil. While SQL or
// Redis is away it goes on trying.
func (b *Blocks) Run(ctx context.Context) error {
	published := false // by this process: what Redis holds at start is not believed
	for ctx.Err() == nil {
		err := b.publish(ctx, published)
		if ctx.Err() == nil {
			b.outage.Note(ctx, err)
		}
		published = published || err == nil
		b.wait(ctx)
	}
	return nil
}

func (b *Blocks) publish(ctx context.Context, unlessSame bool) error {
	if held, known := b.state.Get(); known && unlessSame {
		revision, err := b.list.Revision(ctx)
		if err != nil || revision == held.Revision {
			return err
		}
	}
	list, err := b.list.Snapshot(ctx)
	if err != nil {
		return err
	}
	return b.state.Set(ctx, list)
}

func (b *Blocks) wait(ctx context.Context) {
	timer := time.NewTimer(every - rand.N(every/4))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-b.news:
	case <-timer.C:
	}
}
