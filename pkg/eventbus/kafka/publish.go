package kafka

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"souk.example/pkg/eventbus"
)

// slot is where the outcome of one record goes: its index in its call.
type slot struct {
	index    int
	outcomes chan<- outcome
}

type outcome struct {
	index int
	err   error
}

// errUnanswered stands for a record whose outcome the caller did not wait for.
var errUnanswered = errors.New("kafka: record not acknowledged in time")

// Publish implements eventbus.Publisher. Records that are published while a
// batch is on its way travel together in the next one.
func (b *Bus) Publish(ctx context.Context, records []eventbus.Record) []error {
	// Room for every outcome: the readers never wait for a caller that left.
	outcomes := make(chan outcome, len(records))
	errs := make([]error, len(records))
	sent := 0
	for i, r := range records {
		errs[i] = errUnanswered
		if b.send(ctx, message(r, slot{i, outcomes})) {
			sent++
		}
	}
	failed := sent < len(records)
	for range sent {
		select {
		case o := <-outcomes:
			errs[o.index] = o.err
			failed = failed || o.err != nil
		case <-ctx.Done():
			return withCause(errs, ctx.Err())
		}
	}
	if !failed {
		return nil
	}
	return withCause(errs, ctx.Err())
}

func (b *Bus) send(ctx context.Context, m *sarama.ProducerMessage) bool {
	select {
	case b.producer.Input() <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

// withCause adds to the unanswered records why nobody waited for them.
func withCause(errs []error, cause error) []error {
	for i, err := range errs {
		if errors.Is(err, errUnanswered) {
			errs[i] = errors.Join(errUnanswered, cause)
		}
	}
	return errs
}

func (b *Bus) readSuccesses() {
	for m := range b.producer.Successes() {
		resolve(m, nil)
	}
}

func (b *Bus) readErrors() {
	for e := range b.producer.Errors() {
		resolve(e.Msg, e.Err)
	}
}

func resolve(m *sarama.ProducerMessage, err error) {
	if s, ok := m.Metadata.(slot); ok {
		s.outcomes <- outcome{s.index, err}
	}
}
