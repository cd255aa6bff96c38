package httpserver

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/tracing"
)

// measured counts and times requests by route pattern.
func measured(registry prometheus.Registerer) gin.HandlerFunc {
	requests := register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_http_requests_total",
		Help: "Requests answered, by route pattern, method and status.",
	}, []string{"route", "method", "status"}))
	durations := register(registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "souk_http_request_duration_seconds",
		Help:    "Time from the end of the request to the end of the handler, by route pattern.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route"}))
	all := seriesSet{requests: requests, durations: durations, known: make(map[labels]*series)}
	return func(c *gin.Context) {
		r := requestOf(c)
		defer func() { // a handler that panics is counted too
			s := all.of(labels{route(c), method(c), c.Writer.Status()})
			s.requests.Inc()
			tracing.Observe(r, s.durations, time.Since(r.start).Seconds())
		}()
		c.Next()
	}
}

// refusals counts what never gets to a router.
func refusals(registry prometheus.Registerer) *prometheus.CounterVec {
	return register(registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "souk_http_refused_total",
		Help: "Requests that could not be read, by status: too large, too late, or not HTTP.",
	}, []string{"status"}))
}

// labels are those of a request's metrics.
type labels struct {
	route, method string
	status        int
}

// series are what a request with certain labels adds to.
type series struct {
	requests  prometheus.Counter
	durations prometheus.Observer
}

// seriesSet remembers the series of labels, which the vectors would look for
// among all by a hash of each label. There are as many as there are series.
type seriesSet struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	mu        sync.RWMutex
	known     map[labels]*series
}

func (a *seriesSet) of(l labels) *series {
	a.mu.RLock()
	s := a.known[l]
	a.mu.RUnlock()
	if s != nil {
		return s
	}
	s = &series{
		requests:  a.requests.WithLabelValues(l.route, l.method, strconv.Itoa(l.status)),
		durations: a.durations.WithLabelValues(l.route),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[l] = s // another's are the same
	return s
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
