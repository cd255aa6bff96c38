package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

// losesCommits is a bus whose members die before they can commit an offset.
type losesCommits struct{ inbox.Bus }

func (l losesCommits) Consume(ctx context.Context, group string, topics []string, claim func(context.Context, eventbus.Claim) error) error {
	return l.Bus.Consume(ctx, group, topics, func(ctx context.Context, c eventbus.Claim) error {
		return claim(ctx, lostCommit{c})
	})
}

type lostCommit struct{ eventbus.Claim }

func (lostCommit) Commit(int64) error { return errors.New("died") }

// watchesCommits is a bus that shows each commit to somebody before it is made.
type watchesCommits struct {
	inbox.Bus
	watch func(partition int32, next int64)
}

func (w watchesCommits) Consume(ctx context.Context, group string, topics []string, claim func(context.Context, eventbus.Claim) error) error {
	return w.Bus.Consume(ctx, group, topics, func(ctx context.Context, c eventbus.Claim) error {
		return claim(ctx, watchedCommit{c, w.watch})
	})
}

type watchedCommit struct {
	eventbus.Claim
	watch func(partition int32, next int64)
}

func (w watchedCommit) Commit(next int64) error {
	w.watch(w.Partition(), next)
	return w.Claim.Commit(next)
}

// tellsEnd is a bus that calls ending when a claim's context ends.
type tellsEnd struct {
	inbox.Bus
	ending func()
}

func (e tellsEnd) Consume(ctx context.Context, group string, topics []string, claim func(context.Context, eventbus.Claim) error) error {
	return e.Bus.Consume(ctx, group, topics, func(ctx context.Context, c eventbus.Claim) error {
		defer context.AfterFunc(ctx, e.ending)()
		return claim(ctx, c)
	})
}

// scripted is a bus with one claim, made up by the test.
type scripted struct {
	eventbus.Publisher // of the bench's bus
	topic              string
	initial, logEnd    int64
	records            []eventbus.Record
	slow               bool // one record at a time, when asked for it

	mu      sync.Mutex
	commits []int64
}

func (s *scripted) Consume(ctx context.Context, _ string, _ []string, claim func(context.Context, eventbus.Claim) error) error {
	room := len(s.records)
	if s.slow {
		room = 0
	}
	ch := make(chan eventbus.Record, room)
	var sender sync.WaitGroup
	sender.Go(func() { s.send(ctx, ch) })
	err := claim(ctx, scriptedClaim{s, ch})
	<-ctx.Done()
	sender.Wait()
	return err
}

func (s *scripted) send(ctx context.Context, ch chan<- eventbus.Record) {
	defer close(ch)
	for n, r := range s.records {
		r.Offset = s.initial + int64(n)
		select {
		case ch <- r:
		case <-ctx.Done():
			return
		}
	}
	<-ctx.Done()
}

type scriptedClaim struct {
	*scripted
	ch chan eventbus.Record
}

func (c scriptedClaim) Topic() string                   { return c.topic }
func (c scriptedClaim) Partition() int32                { return 0 }
func (c scriptedClaim) InitialOffset() int64            { return c.initial }
func (c scriptedClaim) LogEnd() int64                   { return c.logEnd }
func (c scriptedClaim) Records() <-chan eventbus.Record { return c.ch }

func (c scriptedClaim) Commit(next int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = append(c.commits, next)
	return nil
}

func (s *scripted) committed() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int64(nil), s.commits...)
}

func (b *bench) script(initial, logEnd int64, events ...eventbus.Event) *scripted {
	s := &scripted{Publisher: b.bus, topic: b.topic, initial: initial, logEnd: logEnd}
	for _, e := range events {
		s.records = append(s.records, b.pack(0, e))
	}
	return s
}

func (b *bench) things(n int) []eventbus.Event {
	events := make([]eventbus.Event, n)
	for i := range events {
		events[i] = event(fmt.Sprintf("%d-1", i), "k")
	}
	return events
}

func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s = %v, want %v", what, got, want)
	}
	return nil
}

// The old owner of a partition may still run a batch that the new owner has
// long applied, and more.
func TestZombieBatchChangesNothing(t *testing.T) {
	b := newBench(t, onMemory)
	all := b.things(6)
	b.runOn(b.script(0, 6, all...), inbox.Each(count))
	b.eventually(func() error { return equal("progress", b.progress(0), 6) })

	zombie := b.script(0, 6, all[:3]...)
	b.runOn(zombie, inbox.Each(count))
	b.eventually(func() error {
		c := zombie.committed()
		return equal("zombie's commits end at 3", len(c) > 0 && c[len(c)-1] == 3, true)
	})
	b.wantEqual("progress", b.progress(0), 6)
	b.wantEqual("total", b.number("SELECT n FROM total WHERE k = 'k'"), 6)
}

func TestLossIsAlarmed(t *testing.T) {
	for name, test := range map[string]struct {
		applied, initial, logEnd int64
		losses                   int
	}{
		"goes on where SQL stands":     {applied: 3, initial: 3, logEnd: 3},
		"starts behind SQL":            {applied: 3, initial: 1, logEnd: 3},
		"new group on a trimmed log":   {applied: 0, initial: 7, logEnd: 9},
		"first offset above SQL's":     {applied: 3, initial: 4, logEnd: 9, losses: 1},
		"log ends before SQL's":        {applied: 3, initial: 0, logEnd: 2, losses: 1},
		"log begins anew, and shorter": {applied: 3, initial: 0, logEnd: 0, losses: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, onMemory)
			stop := b.runOn(b.script(0, test.applied, b.things(int(test.applied))...), inbox.Each(count))
			b.eventually(func() error { return equal("progress", b.progress(0), test.applied) })
			stop()
			b.wantEqual("losses at first", b.metric("souk_inbox_loss_total", nil), 0)

			next := b.script(test.initial, test.logEnd, event("next-1", "k"))
			b.runOn(next, inbox.Each(count))
			b.eventually(func() error { return equal("commits", len(next.committed()) > 0, true) })
			b.wantEqual("losses", b.metric("souk_inbox_loss_total", nil), test.losses)
			b.wantEqual("progress", b.progress(0), max(test.applied, test.initial+1))
		})
	}
}
