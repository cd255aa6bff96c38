package store

import (
	"context"

	"souk.example/contracts"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/eventbus"
	"souk.example/services/points/internal/points"
)

// reasonInsufficient is why points are refused.
const reasonInsufficient = "insufficient_points"

// emitReplies tells order of each freeze, award and reversal. An event's id
// follows from the order, so a reply that is sent again is the same event.
func (u unit) emitReplies(ctx context.Context, d points.Decisions) error {
	events, err := repliesIn(d)
	if err != nil || len(events) == 0 {
		return err
	}
	return u.outbox.Append(ctx, u.tx, contracts.TopicPoints, events...)
}

func repliesIn(d points.Decisions) ([]eventbus.Event, error) {
	events := make([]eventbus.Event, 0, len(d.Freezes)+len(d.Awards)+len(d.Reversals))
	for _, f := range d.Freezes {
		e, err := freezeReply(f)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	for _, a := range d.Awards {
		e, err := contracts.NewEvent(contracts.PointsAwarded, int64(a.Order), &pointsv1.PointsAwarded{
			OrderId: int64(a.Order), UserId: int64(a.User), Points: a.Points,
		})
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	for _, r := range d.Reversals {
		e, err := contracts.NewEvent(contracts.PointsReversed, int64(r.Order), &pointsv1.PointsReversed{
			OrderId: int64(r.Order), UserId: int64(r.User), Taken: r.Taken, Given: r.Given,
		})
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// remind sends the replies again, so that order says what became of the orders.
func (u unit) remind(ctx context.Context, freezes []points.Freeze) error {
	events := make([]eventbus.Event, len(freezes))
	for i, f := range freezes {
		e, err := freezeReply(f)
		if err != nil {
			return err
		}
		e.Nudge = true
		events[i] = e
	}
	return u.outbox.Append(ctx, u.tx, contracts.TopicPoints, events...)
}

// freezeReply is what was decided when order asked: a freeze that has ended
// since was frozen then.
func freezeReply(f points.Freeze) (eventbus.Event, error) {
	id, user := int64(f.Order), int64(f.User)
	if f.Status == points.Refused {
		return contracts.NewEvent(contracts.PointsRefused, id, &pointsv1.PointsRefused{OrderId: id, UserId: user, Reason: reasonInsufficient})
	}
	return contracts.NewEvent(contracts.PointsFrozen, id, &pointsv1.PointsFrozen{OrderId: id, UserId: user, Points: f.Amount})
}
