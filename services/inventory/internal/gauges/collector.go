package gauges

import "github.com/prometheus/client_golang/prometheus"

func productsDesc() *prometheus.Desc {
	return prometheus.NewDesc("souk_inventory_products", "Products on sale, by whether a unit is available.", []string{"state"}, nil)
}

func unitsDesc() *prometheus.Desc {
	return prometheus.NewDesc("souk_inventory_units", "Units of all products, by where they are.", []string{"state"}, nil)
}

// Describe implements prometheus.Collector.
func (r *Reporter) Describe(ch chan<- *prometheus.Desc) {
	ch <- productsDesc()
	ch <- unitsDesc()
}

// Collect implements prometheus.Collector. It exports nothing while another
// replica counts.
func (r *Reporter) Collect(ch chan<- prometheus.Metric) {
	t := r.totals.Load()
	if t == nil {
		return
	}
	gauge := func(d *prometheus.Desc, n int64, state string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), state)
	}
	gauge(productsDesc(), t.Products-t.SoldOut, "in_stock")
	gauge(productsDesc(), t.SoldOut, "sold_out")
	gauge(unitsDesc(), t.Available, "available")
	gauge(unitsDesc(), t.Reserved, "reserved")
	gauge(unitsDesc(), t.Sold, "sold")
}
