package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"souk.example/internal/audit"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redlock"
)

// watchAudit audits round after round until ctx ends, if no other watch does.
func (a *app) watchAudit(ctx context.Context, cfg audit.Config, every time.Duration, metrics string) error {
	gauges := newAuditGauges()
	if metrics != "" {
		stop, err := gauges.serve(ctx, metrics)
		if err != nil {
			return err
		}
		defer stop()
	}
	turn, err := a.newAuditTurn(ctx)
	if err != nil {
		return err
	}
	defer turn.end()
	for {
		var err error
		if turn.mine(ctx) {
			report, failure := a.runAudit(ctx, cfg)
			gauges.set(report, failure)
			err = a.tellAudit(ctx, report, failure, a.printJSONLine)
		} else {
			gauges.reset()
			a.progress.Note("another watch audits")
		}
		if err != nil && ctx.Err() == nil {
			a.progress.Bad("%v", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(every):
		}
	}
}

// auditTurn is held by the one of several watches that audits. An audit only
// reads: two at a time cost twice and harm nothing, so it need not be fenced.
type auditTurn struct {
	redis  *redisclient.Client
	locker *redlock.Locker
	lock   *redlock.Lock
}

func (a *app) newAuditTurn(ctx context.Context) (*auditTurn, error) {
	rdb, err := redisclient.Open(ctx, a.addresses.Redis)
	if err != nil {
		return nil, err
	}
	locker, err := redlock.New(rdb, redlock.Config{})
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &auditTurn{redis: rdb, locker: locker}, nil
}

// mine reports whether this watch is to audit. Without Redis it is.
func (t *auditTurn) mine(ctx context.Context) bool {
	if t.lock != nil && t.lock.Context().Err() == nil {
		return true
	}
	lock, err := t.locker.TryAcquire(ctx, "audit")
	if err == nil {
		t.lock = lock
	}
	return !errors.Is(err, redlock.ErrNotAcquired)
}

func (t *auditTurn) end() {
	if t.lock != nil {
		_ = t.lock.Release() // or it ends by itself
	}
	_ = t.redis.Close()
}

// auditGauges are what a watch shows to Prometheus.
type auditGauges struct {
	registry   *prometheus.Registry
	violations *prometheus.GaugeVec
	clean      prometheus.Gauge
	atRest     prometheus.Gauge
	parked     prometheus.Gauge
	stuck      prometheus.Gauge
	checked    prometheus.Gauge // when, in Unix seconds
	rounds     *prometheus.CounterVec
}

func newAuditGauges() *auditGauges {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	g := &auditGauges{
		registry: prometheus.NewRegistry(),
		violations: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "souk_audit_violations", Help: "Violations that the last round found, by invariant.",
		}, []string{"invariant"}),
		clean:   gauge("souk_audit_clean", "1 when the last round checked everything and found nothing."),
		atRest:  gauge("souk_audit_at_rest", "1 when nothing was under way in the last round."),
		parked:  gauge("souk_audit_parked_messages", "Messages set aside, as of the last round."),
		stuck:   gauge("souk_audit_stuck_returns", "Returns that wait for an operator, as of the last round."),
		checked: gauge("souk_audit_checked_timestamp_seconds", "When everything was last checked."),
		rounds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "souk_audit_rounds_total", Help: "Rounds of this watch by result: clean, violations, failed or idle (another audits).",
		}, []string{"result"}),
	}
	g.registry.MustRegister(g.violations, g.clean, g.atRest, g.parked, g.stuck, g.checked, g.rounds)
	return g
}

// set shows a round. What could not be checked is not clean, and does not hide
// the violations that are known.
func (g *auditGauges) set(r audit.Report, failure error) {
	g.violations.Reset()
	for _, v := range r.Violations {
		g.violations.WithLabelValues(string(v.Invariant)).Inc()
	}
	doc := documentOf(r, failure)
	g.clean.Set(number(doc.Clean))
	g.atRest.Set(number(failure == nil && r.AtRest))
	switch {
	case len(r.Violations) > 0:
		g.rounds.WithLabelValues("violations").Inc()
	case failure != nil:
		g.rounds.WithLabelValues("failed").Inc()
	default:
		g.rounds.WithLabelValues("clean").Inc()
	}
	if failure == nil {
		g.parked.Set(float64(r.Parked))
		g.stuck.Set(float64(r.Stuck))
		g.checked.SetToCurrentTime()
	}
}

// reset shows nothing: another watch knows better.
func (g *auditGauges) reset() {
	g.violations.Reset()
	g.clean.Set(0)
	g.atRest.Set(0)
	g.rounds.WithLabelValues("idle").Inc()
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// serve shows the metrics on addr until stop is called.
func (g *auditGauges) serve(ctx context.Context, addr string) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--metrics %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // returns when it is closed
	}()
	return func() { _ = server.Close(); <-done }, nil
}
