package bench

import (
	"time"

	"souk.example/cmd/souk/internal/bench/figures"
)

// Allocs is what a process allocated for each order.
type Allocs struct {
	Bytes   float64 `json:"bytes"`
	Objects float64 `json:"objects"`
}

// Batches are averages of the window: the larger, the less an order pays for
// commits and requests.
type Batches struct {
	Intake float64            `json:"intake"` // orders accepted in a transaction
	Inbox  map[string]float64 `json:"inbox"`  // events applied in a transaction, by consumer group
	Packs  map[string]float64 `json:"packs"`  // events in a record, by topic
}

// Behind is what was still to do at the end of the window.
type Behind struct {
	LagRecords map[string]float64 `json:"lag_records"`  // by consumer group
	OutboxAgeS map[string]float64 `json:"outbox_age_s"` // of the oldest pack, by service
}

// Second is one second of the window.
type Second struct {
	Completed int     `json:"completed"`
	P50       float64 `json:"accept_ms_p50"` // of the orders that arrived in it
	P99       float64 `json:"accept_ms_p99"`
}

// detail adds what explains the figures of a run that counts.
func (r *Report) detail(m measurement, b books) {
	completed := float64(len(b.completed))
	r.AllocsPerOrder = make(map[string]Allocs)
	for process, a := range m.account.Allocated {
		r.AllocsPerOrder[process] = Allocs{
			Bytes: figures.Round(figures.Share(a.Bytes, completed), 0), Objects: figures.Round(figures.Share(a.Objects, completed), 1),
		}
	}
	r.Batches = &Batches{
		Intake: figures.Round(figures.Share(b.created, len(b.intakes)), 1), Inbox: m.account.Inbox, Packs: m.account.Packs,
	}
	r.Behind = &Behind{LagRecords: m.account.Lag, OutboxAgeS: m.account.OutboxAge}
	r.PerSecond = perSecond(m, b)
	if m.limits != nil {
		share := figures.Round(figures.Share(m.limits.BoundUSPerOrder, r.CPUUSPerOrder.Total), 3)
		r.Limits, r.BoundUSPerOrder, r.BoundShare = m.limits, &m.limits.BoundUSPerOrder, &share
	}
}

// perSecond cuts the window into its whole seconds.
func perSecond(m measurement, b books) []Second {
	seconds := make([]Second, int(m.ended.At.Sub(m.opened.At)/time.Second))
	of := func(t time.Time) (int, bool) {
		n := int(t.Sub(m.opened.At) / time.Second)
		return n, !t.Before(m.opened.At) && n < len(seconds)
	}
	for _, t := range b.completed {
		if n, in := of(t); in {
			seconds[n].Completed++
		}
	}
	took := make([][]time.Duration, len(seconds))
	for _, s := range m.load.Samples {
		if n, in := of(s.At); in {
			took[n] = append(took[n], s.Took)
		}
	}
	for n := range seconds {
		sorted := figures.Sorted(took[n])
		seconds[n].P50, seconds[n].P99 = figures.Milliseconds(figures.Percentile(sorted, 50)), figures.Milliseconds(figures.Percentile(sorted, 99))
	}
	return seconds
}
