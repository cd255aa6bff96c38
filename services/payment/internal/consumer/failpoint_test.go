//go:build failpoints

package consumer_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/idgen"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment/internal/alarm"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

// childDSN tells a process that it is a worker on this database, to be killed.
const (
	childDSN = "SOUK_TEST_CHILD_DSN"
	childPSP = "SOUK_TEST_CHILD_PSP"
)

func newBox(db *database.DB) *outbox.Outbox {
	return outbox.New(db, idgen.Static(2), nil, outbox.Config{
		Source: "souk/payment", Topics: contracts.Topics(), Partitions: partitions, Partition: contracts.Partition,
	}, telemetry.Nop())
}

// TestWorker is no test: it is what the tests below start and kill.
func TestWorker(t *testing.T) {
	dsn := os.Getenv(childDSN)
	if dsn == "" {
		t.Skip("run by others")
	}
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret(dsn)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	alarms, _ := alarm.New(prometheus.NewRegistry(), log)
	bell := payment.NewBell()
	journal := store.NewJournal(db, newBox(db), bell)
	recorder := payment.NewRecorder(journal, alarms, time.Now, groupcommit.Config{}, database.IsTransient)
	cfg := provider.Config{URL: os.Getenv(childPSP), APIKey: providertest.APIKey}
	breaker := provider.NewBreaker(provider.NewClient(cfg), cfg, log)
	go func() { _ = recorder.Run(context.WithoutCancel(t.Context())) }()
	_ = payment.NewCaller(fmt.Sprint("child", os.Getpid()), journal, breaker, recorder, bell, log, quick).Run(context.Background())
}

// plot is what a worker that is killed is about.
type plot struct {
	kind   payment.Kind // whose call it is killed at
	manner func(key, token string, nth int) providertest.Manner
	ends   payment.Status
	facts  [3]int // charges, refunds and events there are at the end
}

// Killed at whatever state of the machine, whatever the provider does with the
// call: the next process goes on, no charge and no refund is lost, none is made
// twice, and order is told once.
func TestKilledAnywhere(t *testing.T) {
	for name, p := range map[string]plot{
		"charge":                       {payment.Charge, nil, payment.Captured, [3]int{1, 0, 1}},
		"charge whose reply is lost":   {payment.Charge, first(1, providertest.Replyless), payment.Captured, [3]int{1, 0, 1}},
		"charge that hangs":            {payment.Charge, first(1, providertest.Hanging), payment.Captured, [3]int{1, 0, 1}},
		"charge decided late":          {payment.Charge, first(1, providertest.Processing), payment.Captured, [3]int{1, 0, 1}},
		"charge that is declined":      {payment.Charge, always(providertest.Declining), payment.Failed, [3]int{1, 0, 1}},
		"refund":                       {payment.Return, nil, payment.Captured, [3]int{1, 1, 2}},
		"refund whose reply is lost":   {payment.Return, refundsOnly(first(1, providertest.Replyless)), payment.Captured, [3]int{1, 1, 2}},
		"refund that is refused first": {payment.Return, refundsOnly(first(1, providertest.Refusing)), payment.Captured, [3]int{1, 1, 2}},
	} {
		for _, place := range []string{"before-claim-commit", "after-claim-commit", "after-reply", "before-result-commit", "after-result-commit"} {
			t.Run(name+", "+place, func(t *testing.T) {
				t.Parallel()
				killedAt(t, p, string(p.kind)+"-"+place)
			})
		}
	}
}

func killedAt(t *testing.T, p plot, place string) {
	t.Helper()
	w := newKillable(t, p.manner)
	if p.kind == payment.Return {
		child := w.start(t)
		w.settle(t)
		w.kill(t, child)
		w.refund(t)
	}
	w.arm(t, place)
	child := w.start(t)
	if err := child.Wait(); child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the worker was not killed: %v", err)
	}
	heir := w.start(t)
	defer w.kill(t, heir)
	w.settle(t)
	w.check(t, p)
}

// decide has the provider make up its mind about the charges that it has.
func (w *killable) decide() {
	for _, c := range w.psp.Charges() {
		if c.Status == "processing" {
			w.psp.Amend(c.Reference, func(c *providertest.Charge) { c.Status = "succeeded" })
		}
	}
}

// refundsOnly leaves charges alone.
func refundsOnly(manner func(string, string, int) providertest.Manner) func(string, string, int) providertest.Manner {
	return func(key, token string, nth int) providertest.Manner {
		if token != "" {
			return providertest.Properly
		}
		return manner(key, token, nth)
	}
}

type killable struct {
	*cards
	dsn        config.Secret
	failpoints string // where places are armed
}

func newKillable(t *testing.T, manner func(key, token string, nth int) providertest.Manner) *killable {
	t.Helper()
	w := &killable{dsn: databasetest.DSN(t), failpoints: t.TempDir()}
	db, err := database.Open(t.Context(), database.Config{DSN: w.dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), outbox.Migrations(), migrations.Set()); err != nil {
		t.Fatal(err)
	}
	w.cards = &cards{world: &world{db: db, said: &log{}}, psp: providertest.New(t), bell: payment.NewBell()}
	w.psp.Manner = manner
	w.journal = store.NewJournal(db, newBox(db), w.bell)
	w.handle = consumer.Orders(payment.NewSettler(payment.Offers{contracts.MethodCard}, time.Now), w.journal)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	return w
}

// arm has the next worker that comes by place die there.
func (w *killable) arm(t *testing.T, place string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.failpoints, place), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *killable) start(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childDSN+"="+w.dsn.Reveal(), childPSP+"="+w.psp.URL, "SOUK_FAILPOINTS="+w.failpoints)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func (w *killable) kill(t *testing.T, child *exec.Cmd) {
	t.Helper()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
}

func (w *killable) refund(t *testing.T) { w.give(t, refundWanted(t, 1, 7, 40)) }

func (w *killable) settle(t *testing.T) {
	t.Helper()
	await(t, "nothing is left to call", func() bool {
		w.decide()
		return w.number(t, "SELECT COUNT(*) FROM provider_call") == 0
	})
}

func (w *killable) check(t *testing.T, p plot) {
	t.Helper()
	w.checkPSP(t)
	charges, refunds, events := len(w.psp.Charges()), len(w.psp.Refunds()), w.number(t, "SELECT SUM(n) FROM event_log")
	if got := [3]int{charges, refunds, int(events)}; got != p.facts {
		t.Errorf("charges, refunds and events: %v, want %v", got, p.facts)
	}
	if got := w.status(t, 1); got != string(p.ends) {
		t.Errorf("the payment is %s, want %s", got, p.ends)
	}
}
