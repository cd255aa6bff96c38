package outbox_test

import (
	"context"
	"fmt"
	"testing"

	"souk.example/pkg/database"
)

// BenchmarkLoneEvent measures one event from the begin of its transaction to
// its arrival at an idle relay's broker.
func BenchmarkLoneEvent(b *testing.B) {
	s := newShop(b)
	p := s.run(nil)
	s.until("the relay owns all", func() bool { return p.owned(b) == partitions })
	arrived := make(chan struct{}, 1)
	s.broker.announce(arrived)
	for b.Loop() {
		s.emit(p, 1, "lone")
		<-arrived
	}
}

// BenchmarkAppend measures the commit of 500 events of 200 bytes in one
// transaction, per event.
func BenchmarkAppend(b *testing.B) {
	s := newShop(b)
	p := s.process(nil)
	batch := events(0, names("e", 500)...)
	for i := range batch {
		batch[i].Subject = fmt.Sprint(i)
		batch[i].Payload = make([]byte, 200)
	}
	for b.Loop() {
		err := p.db.InTx(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			return p.Append(ctx, tx, topic, batch...)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/event")
}
