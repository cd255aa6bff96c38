package holds_test

import (
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/holds"
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

// An order taken in, in batches of 64 callers, and released; with and without a
// cap.
func BenchmarkPlace(b *testing.B) {
	const users = 1000
	for name, most := range map[string]int{"no cap": 0, "cap": 100} {
		b.Run(name, func(b *testing.B) {
			rdb := patient(b, redistest.Start(b).Addr())
			l := ledger(b, rdb, holds.Config{Max: most})
			run(b, l)
			s := openWith(b, l)
			var n atomic.Int64
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					o, err := s.place(0, order.UserID(i%users), strconv.FormatInt(i, 10))
					if err != nil {
						b.Error(err)
						return
					}
					l.Release([]order.Release{{Key: o.Order.Key}})
				}
			})
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// A batch of so many users asks for slots and gives them back.
func BenchmarkTakeAndFree(b *testing.B) {
	for _, batch := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			l := ledger(b, patient(b, redistest.Start(b).Addr()), holds.Config{Max: 100})
			var asked []order.Key
			for i := range batch {
				asked = append(asked, keys(order.UserID(i), "some key")...)
			}
			before := cpuTime(b)
			for b.Loop() {
				if !l.Take(b.Context(), asked)[batch-1].Taken {
					b.Fatal("not taken")
				}
				l.Free(b.Context(), asked)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1e3/float64(b.N*batch), "cpu-µs/order")
		})
	}
}
