// Package vitals reads what services tell about themselves on their admin
// listeners, and works out what they did between two readings.
package vitals

import (
	"context"
	"fmt"
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
)

// Listener is the admin listener of one replica.
type Listener struct {
	Service string // unique
	Process string // that it is part of; several may share one
	URL     string // base
}

// PerProcess are the first listeners of each process: what they tell of the Go
// runtime, and their profiles, are the process's.
func PerProcess(all []Listener) []Listener {
	seen := make(map[string]bool)
	var first []Listener
	for _, l := range all {
		if !seen[l.Process] {
			first = append(first, l)
		}
		seen[l.Process] = true
	}
	return first
}

const readWait = 15 * time.Second // of all listeners together, on a machine that is under load

// Reading is what the listeners told at one moment.
type Reading struct {
	listeners []Listener
	metrics   map[string]families // by service
}

// Read asks all listeners side by side. One that does not answer is an error.
func Read(ctx context.Context, listeners []Listener) (Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	found := make([]families, len(listeners))
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range listeners {
		g.Go(func() (err error) {
			if found[i], err = scrape(ctx, l.URL); err != nil {
				err = fmt.Errorf("metrics of %s: %w", l.Service, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Reading{}, err
	}
	r := Reading{listeners: listeners, metrics: make(map[string]families)}
	for i, l := range listeners {
		r.metrics[l.Service] = found[i]
	}
	return r, nil
}

// families are the metrics of one listener, by name.
type families map[string]*dto.MetricFamily

func scrape(ctx context.Context, url string) (families, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s/metrics: %s", url, resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(resp.Body)
}

// sum adds up a metric by one of its labels; a histogram counts with what was
// observed and how often. Label "" adds everything.
func (f families) sum(name, label string) map[string]total {
	sums := make(map[string]total)
	for _, m := range f[name].GetMetric() {
		key := labelOf(m, label)
		t := sums[key]
		t.value += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue() + m.GetHistogram().GetSampleSum()
		t.count += float64(m.GetHistogram().GetSampleCount())
		sums[key] = t
	}
	return sums
}

type total struct{ value, count float64 }

func labelOf(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
