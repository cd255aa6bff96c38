package redlock

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

// forgetAfter is how long a channel that nobody waits at stays subscribed.
const forgetAfter = time.Second

// waitRoom is where the callers of one Locker wait, with one subscription per
// node for all of them. Its goroutines start with the first who waits.
type waitRoom struct {
	nodes  []*redisclient.Client
	ctx    context.Context // of the listeners, ends with close
	cancel context.CancelFunc
	start  sync.Once
	ended  sync.WaitGroup

	mu      sync.Mutex
	queues  map[string]*queue // by channel, which is the key of the lock
	changed []chan struct{}   // one per node
}

func newWaitRoom(nodes []*redisclient.Client) *waitRoom {
	r := &waitRoom{nodes: nodes, queues: make(map[string]*queue)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for range nodes {
		r.changed = append(r.changed, make(chan struct{}, 1))
	}
	return r
}

func (r *waitRoom) close() {
	r.cancel()
	r.start.Do(func() {}) // nobody starts them any more
	r.ended.Wait()
}

// enter has the caller wait at channel until leave. Whatever is published
// there once its subscription stands wakes a waiter, now or later.
func (r *waitRoom) enter(channel string) *queue {
	r.start.Do(func() {
		for i, node := range r.nodes {
			r.ended.Go(func() { r.listen(node.Read(), r.changed[i]) })
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	q, known := r.queues[channel]
	if !known {
		q = newQueue()
		r.queues[channel] = q
		for _, changed := range r.changed {
			signal(changed)
		}
	}
	q.waiters++
	return q
}

func (r *waitRoom) leave(q *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.waiters--
	q.left = time.Now()
}

// listen keeps one subscription to every channel somebody waits at. Only this
// goroutine subscribes and unsubscribes, so the two are never out of order.
// go-redis connects again by itself, and waits for a hung connection for
// longer than a waiter does for its timer.
func (r *waitRoom) listen(rdb redis.UniversalClient, changed <-chan struct{}) {
	ps := rdb.Subscribe(r.ctx)
	defer func() { _ = ps.Close() }()
	heard := ps.ChannelWithSubscriptions()
	tick := time.NewTicker(forgetAfter)
	defer tick.Stop()
	subscribed := make(map[string]bool)
	for {
		r.subscribe(ps, subscribed)
		select {
		case <-r.ctx.Done():
			return
		case <-changed:
		case <-tick.C:
			r.forget()
		case message, open := <-heard:
			if !open { // the client was closed
				return
			}
			r.wake(message)
		}
	}
}

// subscribe makes subscribed equal to the channels there are. An error is left
// to the connection's own retries, which include what failed here.
func (r *waitRoom) subscribe(ps *redis.PubSub, subscribed map[string]bool) {
	var add, drop []string
	r.mu.Lock()
	for channel := range r.queues {
		if !subscribed[channel] {
			add = append(add, channel)
			subscribed[channel] = true
		}
	}
	for channel := range subscribed {
		if r.queues[channel] == nil {
			drop = append(drop, channel)
			delete(subscribed, channel)
		}
	}
	r.mu.Unlock()
	if len(add) > 0 {
		_ = ps.Subscribe(r.ctx, add...)
	}
	if len(drop) > 0 {
		_ = ps.Unsubscribe(r.ctx, drop...)
	}
}

// forget drops the channels that nobody has waited at lately.
func (r *waitRoom) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.queues, func(_ string, q *queue) bool {
		return q.waiters == 0 && time.Since(q.left) > forgetAfter
	})
}

// wake wakes who waits at the channel of a message. A subscription that has
// just come to stand does so too: what was published before it is lost.
func (r *waitRoom) wake(message any) {
	var channel string
	switch m := message.(type) {
	case *redis.Message:
		channel = m.Channel
	case *redis.Subscription:
		channel = m.Channel
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[channel]; q != nil {
		q.wake()
	}
}
