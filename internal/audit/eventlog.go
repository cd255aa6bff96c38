package audit

import (
	"context"
	"math/bits"
	"strconv"
	"strings"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/eventbus"
)

// stepsPerSource is how many step numbers each source of events owns: order
// 0–19, inventory 20–39 and so on. A step's bit is its place within them.
const stepsPerSource = 20

// steps is the set of event types a service has sent about one order.
type steps uint32

func stepsOf(types ...contracts.Type) steps {
	var s steps
	for _, t := range types {
		s |= 1 << (t.Step % stepsPerSource)
	}
	return s
}

func (s steps) has(t contracts.Type) bool { return s&stepsOf(t) != 0 }
func (s steps) count() int                { return bits.OnesCount32(uint32(s)) }

// told is what a service's event log says about one order. It is small,
// because there is one for every order.
type told struct {
	steps   steps
	version uint16 // the highest any event carries; 0 where events carry none
	refunds uint8  // that were asked for
	points  int64  // that it earned
}

// versioned is a payload that says which version of the order it tells of.
type versioned interface{ GetVersion() int64 }

// readEventLog folds everything the service ever said on a topic, by order. It
// reports packs that do not hold what they should, and pointers to packs that
// do not exist.
func readEventLog(ctx context.Context, q querier, topic string, f *findings) (map[int64]told, error) {
	r := logReader{types: typesOf(topic), log: make(map[int64]told), f: f}
	var id, n int64
	var payload []byte
	err := each(ctx, q, "SELECT id, n, payload FROM event_log ORDER BY id", []any{&id, &n, &payload}, func() error {
		r.open(id, n, payload)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.log, readDanglingPointers(ctx, q, f)
}

// typesOf maps the names of a topic's event types to them.
func typesOf(topic string) map[string]contracts.Type {
	types := map[string]contracts.Type{}
	for _, t := range contracts.Types() {
		if t.Topic == topic {
			types[t.Name] = t
		}
	}
	return types
}

// logReader folds events of one topic by order.
type logReader struct {
	types map[string]contracts.Type
	log   map[int64]told
	f     *findings
}

// open folds what a pack of n events holds.
func (r *logReader) open(id, n int64, payload []byte) {
	events, err := eventbus.Decode(payload)
	if err != nil || int64(len(events)) != n {
		r.f.violated(Events, packSubject(id), "it should hold %d events; decoding gave %d, %v", n, len(events), err)
		return
	}
	r.f.checked.Events += len(events)
	for _, e := range events {
		r.fold(e)
	}
}

func (r *logReader) fold(e eventbus.Event) {
	t, known := r.types[e.Type]
	if !known {
		return // another topic's, or a later version's
	}
	order, err := strconv.ParseInt(e.Subject, 10, 64)
	if err != nil {
		r.f.violated(Events, "event "+e.ID, "subject %q is no order id", e.Subject)
		return
	}
	payload, err := contracts.Decode(e)
	if err != nil {
		r.f.violated(Events, "event "+e.ID, "%v", err)
		return
	}
	entry := r.log[order]
	entry.steps |= stepsOf(t)
	if v, ok := payload.(versioned); ok {
		entry.version = max(entry.version, uint16(v.GetVersion()))
	}
	switch m := payload.(type) {
	case *orderv1.OrderRefundRequested:
		entry.refunds |= refundOf(order, m.RefundId)
	case *pointsv1.PointsAwarded:
		entry.points = m.Points
	}
	r.log[order] = entry
}

// readDanglingPointers finds packs that wait to be published but were never
// logged, which can only be if the two were not written in one transaction.
func readDanglingPointers(ctx context.Context, q querier, f *findings) error {
	var id int64
	return each(ctx, q,
		"SELECT o.id FROM outbox o LEFT JOIN event_log e ON e.id = o.id WHERE e.id IS NULL",
		[]any{&id}, func() error {
			f.violated(Events, packSubject(id), "the outbox points to a pack that was never logged")
			return nil
		})
}

func packSubject(id int64) string { return "pack " + strconv.FormatInt(id, 10) }

// names spells out a set of events of a topic.
func (s steps) names(topic string) string {
	var names []string
	for _, t := range contracts.Types() {
		if t.Topic == topic && s.has(t) {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, " ")
}
