package bustest

import (
	"context"
	"sync"

	"souk.example/pkg/eventbus"
)

// memoryClaim is one partition while it belongs to a member.
type memoryClaim struct {
	topicPartition
	bus     *MemoryBus
	group   *memoryGroup
	initial int64
	records chan eventbus.Record
	ended   bool // guarded by the bus's mu
}

// newClaim starts at the committed offset, or at the oldest when there is none
// or the log does not hold it. The caller holds the bus's mu.
func (m *memoryMember) newClaim(tp topicPartition) *memoryClaim {
	log := m.bus.log(tp)
	initial, ok := m.group.committed[tp]
	if !ok || initial < log.first || initial > log.end() {
		initial = log.first
		delete(m.group.committed, tp)
	}
	return &memoryClaim{
		topicPartition: tp,
		bus:            m.bus,
		group:          m.group,
		initial:        initial,
		records:        make(chan eventbus.Record),
	}
}

func (c *memoryClaim) Topic() string                   { return c.topic }
func (c *memoryClaim) Partition() int32                { return c.partition }
func (c *memoryClaim) InitialOffset() int64            { return c.initial }
func (c *memoryClaim) Records() <-chan eventbus.Record { return c.records }

func (c *memoryClaim) LogEnd() int64 {
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	return c.bus.log(c.topicPartition).end()
}

func (c *memoryClaim) Commit(next int64) error {
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	if c.ended {
		return eventbus.ErrClaimEnded
	}
	if stored, ok := c.group.committed[c.topicPartition]; !ok || next > stored {
		c.group.committed[c.topicPartition] = next
	}
	return nil
}

// run lends the claim to fn until fn returns.
func (c *memoryClaim) run(ctx context.Context, fn func(ctx context.Context, c eventbus.Claim) error) {
	ctx, cancel := context.WithCancel(ctx)
	var forwarder sync.WaitGroup
	forwarder.Go(func() { c.forward(ctx) })
	_ = fn(ctx, c) // as with a broker, the error only ends the claim
	cancel()
	forwarder.Wait()
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	c.ended = true
}

func (c *memoryClaim) forward(ctx context.Context) {
	defer close(c.records)
	for next := c.initial; ; next++ {
		r, ok := c.read(ctx, next)
		if !ok {
			return
		}
		select {
		case c.records <- r:
		case <-ctx.Done():
			return
		}
	}
}

// read waits for the record at offset next.
func (c *memoryClaim) read(ctx context.Context, next int64) (eventbus.Record, bool) {
	for ctx.Err() == nil {
		c.bus.mu.Lock()
		log, changed := c.bus.log(c.topicPartition), c.bus.changed
		if next >= log.first && next < log.end() {
			r := log.records[next-log.first]
			c.bus.mu.Unlock()
			return r, true
		}
		c.bus.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return eventbus.Record{}, false
}
