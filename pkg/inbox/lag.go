package inbox

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// lags is the collector of how far an inbox is behind. It asks the claims when
// it is asked: a figure set after each batch would stand still when no batch
// succeeds, and outlive its claim.
type lags struct {
	inbox *Inbox
	desc  *prometheus.Desc
}

func newLags(i *Inbox) *lags {
	return &lags{i, prometheus.NewDesc("souk_inbox_lag_records", "Records of a partition that are not yet applied.",
		[]string{"topic", "partition"}, prometheus.Labels{"group": i.cfg.Group})}
}

// Describe implements prometheus.Collector.
func (l *lags) Describe(to chan<- *prometheus.Desc) { to <- l.desc }

// Collect implements prometheus.Collector.
func (l *lags) Collect(to chan<- prometheus.Metric) {
	for at, lag := range l.inbox.lag() {
		to <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, float64(lag), at.topic, strconv.Itoa(int(at.partition)))
	}
}

// lag is how many records of each partition that is being read are not applied.
func (i *Inbox) lag() map[topicPartition]int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	lag := make(map[topicPartition]int64, len(i.claims))
	for s := range i.claims {
		at := topicPartition{s.claim.Topic(), s.claim.Partition()}
		lag[at] = max(lag[at], s.lag())
	}
	return lag
}

func (s *source) lag() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.claim.LogEnd()-s.done)
}

// reach notes that SQL holds what comes before the offset next.
func (s *source) reach(next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = max(s.done, next)
}
