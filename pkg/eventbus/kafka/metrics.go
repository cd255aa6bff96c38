package kafka

import "github.com/rcrowley/go-metrics"

// noMetrics is a registry that measures nothing. Sarama needs one, and its own
// would cost every request a walk through histograms that nobody reads.
// (metrics.UseNilMetrics does the same for the whole process.)
type noMetrics struct{ metrics.Registry }

// GetOrRegister returns the metric that the constructor would return, as its
// kind that does nothing.
func (noMetrics) GetOrRegister(_ string, constructor any) any {
	switch constructor.(type) {
	case func() metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Counter:
		return metrics.NilCounter{}
	case func() metrics.Histogram:
		return metrics.NilHistogram{}
	default:
		return constructor
	}
}

func (noMetrics) Register(string, any) error { return nil }
func (noMetrics) Unregister(string)          {}
func (noMetrics) UnregisterAll()             {}
func (noMetrics) Get(string) any             { return nil }
func (noMetrics) Each(func(string, any))     {}
