package pubsub

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// frameBytes is the size up to which waiting messages share a frame, and
	// up to which a frame is kept in the log: so the log's size is bounded.
	frameBytes = 64 << 10
	// sendTimeout bounds the sending of one frame.
	sendTimeout = 5 * time.Second
)

// outbox gathers what concurrent callers publish: while one frame is under
// way, the next fills (group commit). The zero value is ready.
type outbox struct {
	mu      sync.Mutex
	sending bool
	waiting []*parcel
}

// parcel is what one call of Publish sends.
type parcel struct {
	body []byte
	sent chan error // buffered: the caller may have left
}

// send queues body and waits until publish has sent it, or ctx ends. The queue
// is bounded by the number of callers, each of which waits for one.
func (o *outbox) send(ctx context.Context, body []byte, publish func(context.Context, []byte) error) error {
	p := &parcel{body: body, sent: make(chan error, 1)}
	o.mu.Lock()
	o.waiting = append(o.waiting, p)
	if !o.sending {
		o.sending = true
		// It ends when nothing waits, sendTimeout after the last caller at
		// the latest. A frame belongs to many callers, so none may cancel it.
		go o.run(context.WithoutCancel(ctx), publish)
	}
	o.mu.Unlock()
	select {
	case err := <-p.sent:
		return err
	case <-ctx.Done():
		o.drop(p)
		return context.Cause(ctx)
	}
}

// drop takes back what was not sent yet: who gives up leaves nothing behind,
// so that an outage of Redis fills no queue.
func (o *outbox) drop(p *parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.waiting, p); i >= 0 {
		o.waiting = slices.Delete(o.waiting, i, i+1)
	}
}

func (o *outbox) run(ctx context.Context, publish func(context.Context, []byte) error) {
	for {
		batch, body := o.next()
		if len(batch) == 0 {
			return
		}
		err := publish(ctx, body)
		for _, p := range batch {
			p.sent <- err
		}
	}
}

// next takes what fits one frame, at least one parcel; none ends the sending.
func (o *outbox) next() ([]*parcel, []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, size := 0, 0
	for n < len(o.waiting) && (n == 0 || size+len(o.waiting[n].body) < frameBytes) {
		size += len(o.waiting[n].body) + 1
		n++
	}
	if n == 0 {
		o.sending, o.waiting = false, nil
		return nil, nil
	}
	batch := slices.Clone(o.waiting[:n])
	o.waiting = slices.Delete(o.waiting, 0, n)
	return batch, join(batch, size+1)
}

func join(batch []*parcel, size int) []byte {
	body := make([]byte, 0, size)
	for i, p := range batch {
		body = append(body, "[,"[min(i, 1)])
		body = append(body, p.body...)
	}
	return append(body, ']')
}

// publish sends one frame.
func (b *Bus) publish(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	keys := []string{b.positionKey(), b.logKey()}
	keep := b.cfg.LogMax
	if len(body) > frameBytes {
		keep = 0
	}
	err := b.scripts.Run(ctx, b.rdb.Write(), "publish", keys, rand.Text(), body, b.cfg.Channel, keep).Err()
	if err != nil {
		return fmt.Errorf("send frame: %w", err)
	}
	b.metrics.frames.Inc()
	return nil
}
