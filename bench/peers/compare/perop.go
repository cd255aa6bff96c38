package compare

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"souk.example/bench/peers/engine"
)

// Op is one operation that is timed. It must be safe for concurrent use where
// its figure has more than one goroutine.
type Op func(ctx context.Context) error

// NsPerOp is the unit of PerOp's samples.
var NsPerOp = []string{"ns/op"}

// PerOp makes a Case's Open of an operation: its samples are nanoseconds of
// wall time per operation with so many goroutines doing it, rounded up to a
// multiple of GOMAXPROCS.
func PerOp(goroutines int, open func(ctx context.Context, r *engine.Redis) (Op, func(), error)) func(context.Context, *engine.Redis) (Sample, func(), error) {
	return func(ctx context.Context, r *engine.Redis) (Sample, func(), error) {
		op, done, err := open(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) ([]float64, error) { return timed(ctx, goroutines, op) }, done, nil
	}
}

func timed(ctx context.Context, goroutines int, op Op) ([]float64, error) {
	var first firstError
	result := testing.Benchmark(func(b *testing.B) {
		if goroutines == 1 {
			for b.Loop() {
				first.keep(op(ctx))
			}
			return
		}
		procs := runtime.GOMAXPROCS(0)
		b.SetParallelism((goroutines + procs - 1) / procs)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				first.keep(op(ctx))
			}
		})
	})
	return []float64{float64(result.T.Nanoseconds()) / float64(max(result.N, 1))}, first.err
}

// firstError keeps the first of the errors of many goroutines.
type firstError struct {
	once sync.Once
	err  error
}

func (f *firstError) keep(err error) {
	if err != nil {
		f.once.Do(func() { f.err = err })
	}
}
