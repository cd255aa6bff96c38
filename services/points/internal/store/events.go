package store

import (
	"context"

	"souk.example/contracts"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/eventbus"
	"souk.example/services/points/internal/points"
)

// emitReplies tells order of each award. The event's id follows from the
// order, so a reply that is sent again is the same event.
func (u unit) emitReplies(ctx context.Context, replies []points.Award) error {
	if len(replies) == 0 {
		return nil
	}
	events := make([]eventbus.Event, len(replies))
	for i, a := range replies {
		e, err := contracts.NewEvent(contracts.PointsAwarded, int64(a.Order), &pointsv1.PointsAwarded{
			OrderId: int64(a.Order), UserId: int64(a.User), Points: a.Points,
		})
		if err != nil {
			return err
		}
		events[i] = e
	}
	return u.outbox.Append(ctx, u.tx, contracts.TopicPoints, events...)
}
