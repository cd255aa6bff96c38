package gate_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/internal/stockgate"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/gate"
	"souk.example/services/order/internal/order"
)

// cpuTime is what this process has used; a redis-server beside it is not in it.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A batch asks for units: of what has no gate, of what has one, and then gives
// them back; and of what is sold out.
func BenchmarkAdmit(b *testing.B) {
	rdb := patient(b, redistest.Start(b).Addr())
	publish(b, rdb, nil, stockgate.Gate{SKU: "TEA", Available: 1_000_000}, stockgate.Gate{SKU: "INK"})
	g := newGate(b, rdb, gate.Config{Every: time.Hour}, prometheus.NewRegistry())
	refuses(b, g, ask(1, "INK"))
	for _, batch := range []int{1, 50, 500} {
		for name, sku := range map[string]order.SKU{"no gate": "CUP", "admitted": "TEA", "sold out": "INK"} {
			b.Run(fmt.Sprintf("%s/%d", name, batch), func(b *testing.B) {
				var asks []order.Ask
				for i := range batch {
					asks = append(asks, ask(int64(i), sku))
				}
				before := cpuTime(b)
				for b.Loop() {
					if g.Admit(b.Context(), asks)[0].Held {
						g.Withdraw(b.Context(), asks)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e3/float64(b.N*batch), "µs/order")
				b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1e3/float64(b.N*batch), "cpu-µs/order")
			})
		}
	}
}
