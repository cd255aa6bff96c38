package payment

import (
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"souk.example/contracts"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
	"souk.example/pkg/waitlist"
	"souk.example/services/payment/internal/alarm"
	"souk.example/services/payment/internal/consumer"
	"souk.example/services/payment/internal/httpapi"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/store"
)

func newJournal(db *database.DB, box *outbox.Outbox, bell payment.Bell) *store.Journal {
	return store.NewJournal(db, box, bell)
}

func newTeller(s *store.Store, ids *idgen.Worker) *payment.Teller {
	return payment.NewTeller(s, ids, time.Now)
}

func newInbox(db *database.DB, bus inbox.Bus, ids *idgen.Worker, j *store.Journal, cfg Config, t *telemetry.Telemetry) *inbox.Inbox {
	in := cfg.Inbox
	in.Group, in.Types, in.Topics = contracts.GroupPayment, consumer.Types(), contracts.ReadBy(contracts.GroupPayment)
	return inbox.New(db, bus, ids, in, consumer.Orders(payment.NewSettler(offers(cfg), time.Now), j), t)
}

func offers(cfg Config) payment.Offers {
	if cfg.Provider.Offered() {
		return payment.Offers{contracts.MethodWallet, contracts.MethodCard}
	}
	return payment.Offers{contracts.MethodWallet}
}

// newProvider is the provider as those see it who make calls and who read its list.
func newProvider(lc fx.Lifecycle, cfg Config, t *telemetry.Telemetry) (payment.Provider, payment.Statement, error) {
	if !cfg.Provider.Offered() {
		return provider.None{}, provider.None{}, nil
	}
	client := provider.NewClient(cfg.Provider)
	lc.Append(fx.StopHook(client.Close))
	metered, err := provider.NewMetered(provider.NewBreaker(client, cfg.Provider, t.Logger), t.Registry)
	return provider.NewTraced(metered, t.Tracer), client, err
}

func newAlarms(t *telemetry.Telemetry) (*alarm.Alarms, error) {
	return alarm.New(t.Registry, t.Logger)
}

func newRecorder(j *store.Journal, alarms *alarm.Alarms, cfg Config, t *telemetry.Telemetry) (*payment.Recorder, error) {
	words := cfg.Words
	sizes, err := groupcommit.Sizes(t.Registry, "words")
	words.Sizes = sizes
	return payment.NewRecorder(j, alarms, time.Now, words, database.IsTransient,
		groupcommit.Traced(t.Tracer, "record words", payment.Word.Subject)), err
}

func newCaller(j *store.Journal, p payment.Provider, r *payment.Recorder, bell payment.Bell, log *slog.Logger, cfg Config) *payment.Caller {
	return payment.NewCaller(rand.Text(), j, p, r, bell, log, cfg.Calls)
}

func newReconciler(j *store.Journal, s payment.Statement, r *payment.Recorder, alarms *alarm.Alarms, log *slog.Logger, cfg Config) *payment.Reconciler {
	return payment.NewReconciler(rand.Text(), j, s, r, alarms, log, time.Now, cfg.Reconcile)
}

// newWatcher looks now and then: nobody is in a hurry who has waited for minutes.
func newWatcher(j *store.Journal, cfg Config, log *slog.Logger) *waitlist.Watcher {
	return j.Watcher(cfg.NudgeAfter, waitlist.Config{Every: 2 * time.Second}, log)
}

func newRouter(cfg Config, t *telemetry.Telemetry, v *auth.Verifier, teller *payment.Teller, s *store.Store, words *payment.Recorder) *gin.Engine {
	r := httpserver.NewRouter(cfg.Base.HTTP, t)
	httpapi.New(teller, s, words, httpapi.Webhooks{
		Verifier: provider.NewVerifier(cfg.Provider.WebhookSecrets, time.Now), Merchant: cfg.Provider.Merchant,
	}).Register(r, v)
	return r
}
