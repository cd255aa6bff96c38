// Package herald tells whoever shows orders to their owners which of them have
// moved. It is a hint: nobody decides by it, and nobody waits for it.
package herald

import (
	"context"
	"log/slog"

	"souk.example/contracts"
	"souk.example/pkg/redisclient"
	"souk.example/services/order/internal/order"
)

const (
	// queueMax bounds the commits that wait for Redis; what comes beyond is not told.
	queueMax = 256
	// hintMax is about how many orders share a hint: 64 KiB.
	hintMax = 4096
)

// Herald publishes hints on contracts.MovedChannel. Make one with New and run it;
// safe for concurrent use.
type Herald struct {
	rdb    *redisclient.Client
	moved  chan []*order.State
	outage redisclient.Outage
}

// New makes a Herald; log is told when Redis stops to answer, and when it does again.
func New(rdb *redisclient.Client, log *slog.Logger) *Herald {
	return &Herald{rdb: rdb, moved: make(chan []*order.State, queueMax), outage: redisclient.Outage{
		Log: log, Begun: "owners hear late of their orders", Ended: "owners hear of their orders again",
	}}
}

// Moved has these orders told of as soon as Run comes to it. It does not block.
func (h *Herald) Moved(orders []*order.State) {
	select {
	case h.moved <- orders:
	default: // who listens looks for itself every few seconds
	}
}

// Run publishes until ctx ends.
func (h *Herald) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case orders := <-h.moved:
			h.tell(ctx, h.gather(orders))
		}
	}
}

// gather adds what waits already.
func (h *Herald) gather(orders []*order.State) []contracts.Moved {
	var told []contracts.Moved
	for {
		for _, s := range orders {
			told = append(told, contracts.Moved{UserID: int64(s.Key.User), OrderID: int64(s.ID)})
		}
		if len(told) >= hintMax {
			return told
		}
		select {
		case orders = <-h.moved:
		default:
			return told
		}
	}
}

func (h *Herald) tell(ctx context.Context, orders []contracts.Moved) {
	err := h.rdb.Write().Publish(h.rdb.Bound(ctx), contracts.MovedChannel, contracts.EncodeMoved(orders)).Err()
	h.outage.Note(ctx, err)
}
