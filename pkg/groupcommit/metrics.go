package groupcommit

import "github.com/prometheus/client_golang/prometheus"

// Sizes registers with reg, and returns for Config.Sizes, how many requests each
// batch of the committer of that name holds.
func Sizes(reg prometheus.Registerer, name string) (prometheus.Observer, error) {
	sizes := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "souk_groupcommit_batch_requests", Help: "Requests per batch.",
		ConstLabels: prometheus.Labels{"committer": name},
		Buckets:     prometheus.ExponentialBuckets(1, 4, 6), // to 1,024
	})
	return sizes, reg.Register(sizes)
}
