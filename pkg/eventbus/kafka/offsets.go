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

// offsets stores what the claims of a member's session have committed. The zero
// value is ready; safe for concurrent use.
type offsets struct {
	mu   sync.Mutex
	sess sarama.ConsumerGroupSession // nil between sessions
}

func (o *offsets) follow(sess sarama.ConsumerGroupSession) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sess = sess
}

func (o *offsets) session() sarama.ConsumerGroupSession {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sess
}

// keep stores them until ctx ends, and again what was refused; where nothing was
// committed nothing is sent. A rebalance may hold it up.
func (o *offsets) keep(ctx context.Context) {
	tick := time.NewTicker(storeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if sess := o.session(); sess != nil {
				sess.Commit()
			}
		}
	}
}
