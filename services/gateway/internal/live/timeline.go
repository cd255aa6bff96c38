package live

import (
	"slices"
	"time"
)

// entry is one line of an order's timeline, as GET /v1/orders/{id} shows it, and
// whose: what a stream says of it.
type entry struct {
	OrderID string    `json:"order_id"`
	Status  string    `json:"status"`
	At      timestamp `json:"at"`
	Service string    `json:"service"`
	Reason  string    `json:"reason,omitzero"`
}

// timestamp keeps a time as it was written.
type timestamp string

func (t timestamp) time() time.Time {
	at, _ := time.Parse(time.RFC3339, string(t)) // an order that shows no time is an old one
	return at
}

// shown is what a stream reads of an order.
type shown struct {
	ID       string  `json:"id"`
	Status   string  `json:"status"`
	Timeline []entry `json:"timeline"`
}

// open reports whether the order is on its way.
func (o shown) open() bool {
	return !slices.Contains([]string{"COMPLETED", "REJECTED", "CANCELLED", "RETURNED"}, o.Status)
}

// slack is how much earlier than asked for a stream begins: times are the
// database's, and of when a transaction began. What is said twice for it has the
// same order and status.
const slack = 5 * time.Second

// story is what a stream has said. The zero value has said nothing.
type story struct {
	since time.Time // what is older was known before
	said  map[said]struct{}
}

type said struct{ order, status string }

// news returns the entries that were not said yet, oldest order first, and takes
// them for said. Of an order that is on its way when the stream begins, all are.
func (s *story) news(orders []shown) (news []entry) {
	begins := s.said == nil
	if begins {
		s.said = make(map[said]struct{})
	}
	from := s.since.Add(-slack)
	for _, o := range slices.Backward(orders) {
		for _, e := range o.Timeline {
			this := said{o.ID, e.Status}
			if _, before := s.said[this]; before {
				continue
			}
			s.said[this] = struct{}{}
			if begins && o.open() || !e.At.time().Before(from) {
				e.OrderID = o.ID
				news = append(news, e)
			}
		}
	}
	return news
}
