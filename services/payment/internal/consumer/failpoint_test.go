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

// Killed at whatever state of the machine: the next process goes on, no charge
// and no refund is lost, none is made twice, and order is told once.
func TestKilledAnywhere(t *testing.T) {
	for _, kind := range []string{"charge", "refund"} {
		for _, place := range []string{"before-claim-commit", "after-claim-commit", "after-reply", "before-result-commit", "after-result-commit"} {
			t.Run(kind+"-"+place, func(t *testing.T) {
				t.Parallel()
				w := newKillable(t)
				if kind == "refund" {
					child := w.start(t, "")
					w.settle(t)
					w.kill(t, child)
					w.refund(t)
				}
				child := w.start(t, kind+"-"+place)
				if err := child.Wait(); child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the worker was not killed: %v", err)
				}
				heir := w.start(t, kind+"-"+place) // once is enough
				defer w.kill(t, heir)
				w.settle(t)
				w.check(t, kind)
			})
		}
	}
}

type killable struct {
	*cards
	dsn    config.Secret
	marker string
}

func newKillable(t *testing.T) *killable {
	t.Helper()
	w := &killable{dsn: databasetest.DSN(t), marker: filepath.Join(t.TempDir(), "killed")}
	db, err := database.Open(t.Context(), database.Config{DSN: w.dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), outbox.Migrations(), migrations.Set()); err != nil {
		t.Fatal(err)
	}
	w.cards = &cards{world: &world{db: db, said: &log{}}, psp: providertest.New(t), bell: payment.NewBell()}
	w.journal = store.NewJournal(db, newBox(db), w.bell)
	w.handle = consumer.Orders(payment.NewSettler(payment.Offers{contracts.MethodCard}, time.Now), w.journal)
	w.give(t, dueByCard(t, 1, 40, "tok"))
	return w
}

func (w *killable) start(t *testing.T, failpoint string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childDSN+"="+w.dsn.Reveal(), childPSP+"="+w.psp.URL, "SOUK_FAILPOINT="+failpoint, "SOUK_FAILPOINT_ONCE="+w.marker)
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
	await(t, "nothing is left to call", func() bool { return w.number(t, "SELECT COUNT(*) FROM provider_call") == 0 })
}

func (w *killable) check(t *testing.T, kind string) {
	t.Helper()
	w.checkPSP(t)
	charges, refunds, events := len(w.psp.Charges()), len(w.psp.Refunds()), w.number(t, "SELECT SUM(n) FROM event_log")
	want := map[string][3]int{"charge": {1, 0, 1}, "refund": {1, 1, 2}}[kind]
	if got := [3]int{charges, refunds, int(events)}; got != want {
		t.Errorf("charges, refunds and events: %v, want %v", got, want)
	}
	if n := w.number(t, "SELECT captured FROM payment WHERE status = 'CAPTURED'"); n != 40 {
		t.Errorf("captured %d", n)
	}
}
