package kafka

import (
	"context"
	"sync"

	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

// claim is one partition while it belongs to this member.
type claim struct {
	sess    sarama.ConsumerGroupSession
	sc      sarama.ConsumerGroupClaim
	initial int64
	records chan eventbus.Record

	mu    sync.RWMutex
	ended bool
}

func (c *claim) Topic() string                   { return c.sc.Topic() }
func (c *claim) Partition() int32                { return c.sc.Partition() }
func (c *claim) InitialOffset() int64            { return c.initial }
func (c *claim) LogEnd() int64                   { return c.sc.HighWaterMarkOffset() }
func (c *claim) Records() <-chan eventbus.Record { return c.records }

// Commit implements eventbus.Claim. Sarama reports a refusal by the broker to
// the group's log, not here.
func (c *claim) Commit(next int64) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ended {
		return eventbus.ErrClaimEnded
	}
	c.sess.MarkOffset(c.Topic(), c.Partition(), next, "") // never lowers
	return nil
}

// end refuses later commits, because the partition may belong to another member
// from here on, and stores the last ones. When the whole session ends, its Cleanup
// does that once: without a broker each attempt takes seconds.
func (c *claim) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	if c.sess.Context().Err() == nil {
		c.sess.Commit()
	}
}

// forward hands records over until the partition or the session is gone.
func (c *claim) forward(ctx context.Context) {
	defer close(c.records)
	for {
		select {
		case m, ok := <-c.sc.Messages():
			if !ok {
				return
			}
			select {
			case c.records <- record(m):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
