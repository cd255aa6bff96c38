package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// storeEvery is how far a group's offsets on the broker lag behind what it has
// committed. A request to store some costs the broker as much as one to store
// records, so a member makes one for all its partitions, and not one per
// partition and batch: at 5,000 orders a second those were 300.
const storeEvery = 250 * time.Millisecond

// offsets knows in which sessions of a member something was committed that is
// not stored yet. The zero value is ready; safe for concurrent use.
type offsets struct {
	mu     sync.Mutex
	behind map[sarama.ConsumerGroupSession]struct{}
}

func (o *offsets) moved(sess sarama.ConsumerGroupSession) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.behind == nil {
		o.behind = make(map[sarama.ConsumerGroupSession]struct{})
	}
	o.behind[sess] = struct{}{}
}

// keep stores what was committed until ctx ends. A rebalance may hold it up.
// What a claim committed last is stored by its end.
func (o *offsets) keep(ctx context.Context) {
	tick := time.NewTicker(storeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.store()
		}
	}
}

func (o *offsets) store() {
	o.mu.Lock()
	behind := o.behind
	o.behind = nil
	o.mu.Unlock()
	for sess := range behind {
		sess.Commit()
	}
}
