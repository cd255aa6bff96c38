package vitals

import "souk.example/cmd/souk/internal/bench/figures"

// Account is what the services did between two readings, and where they stood
// at the second. What no listener tells is absent.
type Account struct {
	Allocated map[string]Allocated // by process
	Inbox     map[string]float64   // events of a transaction on average, by consumer group
	Packs     map[string]float64   // events of a pack on average, by topic
	Lag       map[string]float64   // records not yet applied, by consumer group
	OutboxAge map[string]float64   // s, of the oldest pack not yet published, by service
}

// Allocated is memory that a process has asked for, be it freed or not.
type Allocated struct{ Bytes, Objects float64 }

// Since is the account from before, of the same listeners, to r.
func (r Reading) Since(before Reading) Account {
	a := Account{Allocated: make(map[string]Allocated), OutboxAge: make(map[string]float64)}
	for _, l := range PerProcess(r.listeners) {
		was, is := before.metrics[l.Service], r.metrics[l.Service]
		if is["go_memstats_mallocs_total"] != nil {
			a.Allocated[l.Process] = Allocated{
				Bytes:   is.only("go_memstats_alloc_bytes_total") - was.only("go_memstats_alloc_bytes_total"),
				Objects: is.only("go_memstats_mallocs_total") - was.only("go_memstats_mallocs_total"),
			}
		}
	}
	for _, l := range r.listeners {
		if is := r.metrics[l.Service]; is["souk_outbox_pending_age_seconds"] != nil {
			a.OutboxAge[l.Service] = figures.Round(is.only("souk_outbox_pending_age_seconds"), 3)
		}
	}
	a.Inbox, a.Packs = r.batches(before), r.packs(before)
	a.Lag = values(r.sum("souk_inbox_lag_records", "group"))
	return a
}

func (f families) only(name string) float64 { return f.sum(name, "")[""].value }

// sum adds up all services.
func (r Reading) sum(name, label string) map[string]total {
	sums := make(map[string]total)
	for _, f := range r.metrics {
		for key, t := range f.sum(name, label) {
			sums[key] = total{sums[key].value + t.value, sums[key].count + t.count}
		}
	}
	return sums
}

func (r Reading) batches(before Reading) map[string]float64 {
	const name, label = "souk_inbox_batch_events", "group"
	was, average := before.sum(name, label), make(map[string]float64)
	for group, is := range r.sum(name, label) {
		if batches := is.count - was[group].count; batches > 0 {
			average[group] = figures.Round((is.value-was[group].value)/batches, 1)
		}
	}
	return average
}

func (r Reading) packs(before Reading) map[string]float64 {
	events, packs := "souk_outbox_events_published_total", "souk_outbox_packs_published_total"
	eventsWere, packsWere, packsAre := before.sum(events, "topic"), before.sum(packs, "topic"), r.sum(packs, "topic")
	average := make(map[string]float64)
	for topic, is := range r.sum(events, "topic") {
		if n := packsAre[topic].value - packsWere[topic].value; n > 0 {
			average[topic] = figures.Round((is.value-eventsWere[topic].value)/n, 1)
		}
	}
	return average
}

func values(sums map[string]total) map[string]float64 {
	out := make(map[string]float64, len(sums))
	for key, t := range sums {
		out[key] = t.value
	}
	return out
}
