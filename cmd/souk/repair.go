package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"souk.example/cmd/souk/internal/replay"
	"souk.example/contracts"
	"souk.example/internal/audit"
	"souk.example/pkg/idgen"
)

// repairRate is how many packs a second a repair sends at most.
const repairRate = 500

// clockSlack is how far from the time in an order's id, and from now, its events
// may be dated: they are by the clock of whoever wrote them, and that may have
// been set wrong. What is read needlessly costs time only.
const clockSlack = 24 * time.Hour

// repair audits, has what was said of the orders that are wrong said again, and
// audits once more.
func (a *app) repair(ctx context.Context, cfg audit.Config) error {
	report, failure := a.runAudit(ctx, cfg)
	orders := concerned(report.Violations)
	if failure != nil || len(orders) == 0 {
		return a.tellAudit(ctx, report, failure, a.printJSON)
	}
	a.progress.Say("%d violations; sending again what was said of %d orders", len(report.Violations), len(orders))
	if err := a.sayAgain(ctx, orders); err != nil {
		return err
	}
	return a.audit(ctx, cfg, a.printJSON)
}

// concerned are the orders that violations name.
func concerned(violations []audit.Violation) map[int64]bool {
	orders := map[int64]bool{}
	for _, v := range violations {
		if id, ok := v.Order(); ok {
			orders[id] = true
		}
	}
	return orders
}

// sayAgain sends every event of some orders to those who read it first.
func (a *app) sayAgain(ctx context.Context, orders map[int64]bool) error {
	bus, err := a.openBus(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = bus.Close() }()
	job := repairJob(orders, time.Now())
	job.Publisher = bus
	for _, topic := range []string{contracts.TopicOrder, contracts.TopicInventory, contracts.TopicPayment, contracts.TopicPoints} {
		sent, err := a.replayTopic(ctx, job, topic)
		if err != nil {
			return fmt.Errorf("send again: %w", err)
		}
		a.progress.Note("%s: %d packs sent again", topic, sent.Packs)
	}
	return nil
}

// repairJob selects all that was ever said of some orders until now.
func repairJob(orders map[int64]bool, now time.Time) replay.Job {
	first := idgen.Parse(slices.Min(slices.Collect(maps.Keys(orders)))).Time
	job := replay.Job{From: first.Add(-clockSlack), To: now.Add(clockSlack), About: map[string]bool{}, Rate: repairRate}
	for id := range orders {
		job.About[strconv.FormatInt(id, 10)] = true
	}
	return job
}
