package inbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"souk.example/pkg/eventbus"
)

// source is one claimed partition, as the funnel sees it.
type source struct {
	claim   eventbus.Claim
	applied int64 // SQL's next_offset when the claim began, or 0

	mu      sync.Mutex
	taken   int64 // the offset after the last record that came into a batch
	done    int64 // the offset after the last record whose batch stands
	ended   bool  // what is not yet in a batch will not come into one
	inHand  int   // records in the batch being applied
	settled chan struct{}
}

// item is one record on its way through the funnel.
type item struct {
	from   *source
	record eventbus.Record
	events []eventbus.Event
	err    error // why the record could not be decoded
}

// read moves a claim's records to the funnel until the claim ends, and then
// waits for those that are being applied, so that they can be committed.
func (i *Inbox) read(ctx context.Context, c eventbus.Claim) error {
	next, err := i.awaitProgress(ctx, c)
	if err != nil {
		return nil // the claim ended before it began
	}
	i.checkLoss(c, next)
	s := &source{claim: c, applied: next, taken: c.InitialOffset(), done: max(next, c.InitialOffset())}
	i.addSource(s)
	defer i.removeSource(s)
	i.forward(ctx, s)
	s.end()
	if !s.awaitSettled(i.cfg.Timeout) {
		i.logger.Warn("inbox gives a partition up before its records in hand are applied",
			slog.String("topic", c.Topic()), slog.Int("partition", int(c.Partition())))
	}
	return nil
}

func (i *Inbox) forward(ctx context.Context, s *source) {
	for r := range s.claim.Records() {
		it := item{from: s, record: r}
		it.events, it.err = r.Events()
		select {
		case i.items <- it:
		case <-ctx.Done():
			return
		}
	}
}

func (i *Inbox) addSource(s *source) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.claims[s] = struct{}{}
}

func (i *Inbox) removeSource(s *source) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.claims, s)
}

// moreComing reports whether any partition holds records that have not yet
// come into a batch.
func (i *Inbox) moreComing() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for s := range i.claims {
		if s.behind() {
			return true
		}
	}
	return false
}

func (s *source) behind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended && s.claim.LogEnd() > s.taken
}

// take counts the record at offset into the batch in hand; it refuses once the
// claim has ended, since whoever has the partition next will get the record.
func (s *source) take(offset int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.inHand++
	s.taken = offset + 1
	return true
}

// settle is called when the batch in hand is through, committed or not.
func (s *source) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inHand = 0
	if s.settled != nil {
		close(s.settled)
		s.settled = nil
	}
}

func (s *source) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// awaitSettled waits until the batch in hand, if any, is through.
func (s *source) awaitSettled(limit time.Duration) bool {
	s.mu.Lock()
	if s.inHand == 0 {
		s.mu.Unlock()
		return true
	}
	settled := make(chan struct{})
	s.settled = settled
	s.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-settled:
		return true
	case <-timer.C:
		return false
	}
}
