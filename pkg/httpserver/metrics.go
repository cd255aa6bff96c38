package httpserver

import (
	"errors"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// measured counts and times requests by route pattern.
func measured(registry prometheus.Registerer) gin.HandlerFunc {
	requests := register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_http_requests_total",
		Help: "Requests answered, by route pattern, method and status.",
	}, []string{"route", "method", "status"}))
	durations := register(registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "souk_http_request_duration_seconds",
		Help:    "Time from the request's headers to the end of the handler, by route pattern.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route"}))
	return func(c *gin.Context) {
		start := time.Now()
		defer func() { // a handler that panics is counted too
			requests.WithLabelValues(route(c), method(c), strconv.Itoa(c.Writer.Status())).Inc()
			durations.WithLabelValues(route(c)).Observe(time.Since(start).Seconds())
		}()
		c.Next()
	}
}

// register returns the collector that is already there when a second router
// shares the registry.
func register[C prometheus.Collector](registry prometheus.Registerer, collector C) C {
	err := registry.Register(collector)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		return already.ExistingCollector.(C)
	}
	if err != nil {
		panic(err) // the names above clash with another collector: a mistake in the program
	}
	return collector
}
