package audit_test

import (
	"testing"
)

// BenchmarkAudit tells what an audit costs per order.
func BenchmarkAudit(b *testing.B) {
	s := newShop(b)
	const orders = 500
	s.exec(s.payment, "UPDATE wallet SET balance = 1000000")
	s.exec(s.payment, "UPDATE ledger_entry SET amount = 1000000")
	for id := range int64(orders) {
		s.completed(10_000 + id)
	}
	s.consumeAll()
	b.ResetTimer()
	for b.Loop() {
		if report, err := s.auditAsIs(b.Context()); err != nil || report.Checked.Orders != orders {
			b.Fatalf("%v, %+v", err, report)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/orders, "ns/order")
}
