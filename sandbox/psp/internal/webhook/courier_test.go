package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/config"
	"souk.example/pkg/database/databasetest"
	"souk.example/sandbox/psp/internal/psp"
	"souk.example/sandbox/psp/internal/store"
	"souk.example/sandbox/psp/internal/webhook"
	"souk.example/sandbox/psp/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// merchant takes webhooks and answers the nth as told, 204 otherwise.
type merchant struct {
	*httptest.Server
	answer func(nth int) int

	mu   sync.Mutex
	took []taken
}

type taken struct{ signature, body string }

func newMerchant(t *testing.T, answer func(nth int) int) *merchant {
	m := &merchant{answer: answer}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.took = append(m.took, taken{r.Header.Get("Souk-Signature"), string(body)})
		nth := len(m.took)
		m.mu.Unlock()
		w.WriteHeader(m.answer(nth))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *merchant) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.took)
}

func always(status int) func(int) int { return func(int) int { return status } }

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// start runs a courier until the returned function ends it.
func start(t *testing.T, s *store.Store, c *clock, url string, secrets ...config.Secret) (stop func()) {
	t.Helper()
	courier := webhook.NewCourier(s, webhook.Config{URL: url, Secrets: secrets, Merchant: "shop"}, c.now, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = courier.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func queued(t *testing.T, c *clock) *store.Store {
	t.Helper()
	s := store.New(databasetest.Open(t, migrations.Set()), "shop")
	charge := psp.Charge{ID: "ch_1", Key: "k", Reference: "1", Amount: 7, Currency: "CNY", Status: psp.Succeeded, CreatedAt: c.now(), UpdatedAt: c.now()}
	err := s.InUnit(t.Context(), func(ctx context.Context, u psp.Unit) error {
		return u.Emit(ctx, []psp.Event{{ID: "evt_1", Type: psp.ChargeSucceeded, At: c.now(), DueAt: c.now(), Charge: charge}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func waiting(t *testing.T, s *store.Store) int {
	t.Helper()
	due, err := s.Due(context.WithoutCancel(t.Context()), time.Unix(1<<40, 0), 100)
	if err != nil {
		t.Fatal(err)
	}
	return len(due)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond) // the poll of a condition
	}
}

func TestEverySecretSignsTheBytesThatAreSent(t *testing.T) {
	c := &clock{at: time.Unix(1_790_000_000, 0)}
	m := newMerchant(t, always(http.StatusNoContent))
	s := queued(t, c)
	start(t, s, c, m.URL, "new", "old")
	eventually(t, "the queue to be empty", func() bool { return waiting(t, s) == 0 })
	got := m.took[0]
	want := "t=1790000000,v1=" + mac("new", got.body) + ",v1=" + mac("old", got.body)
	if got.signature != want || !strings.Contains(got.body, `"merchant":"shop"`) || !strings.Contains(got.body, `"reference":"1"`) {
		t.Errorf("signed %s, want %s; the body is %s", got.signature, want, got.body)
	}
}

func mac(secret, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte("1790000000." + body))
	return hex.EncodeToString(h.Sum(nil))
}

func TestAFailingMerchantIsTriedAgainWithGrowingPauses(t *testing.T) {
	c := &clock{at: time.Unix(1_790_000_000, 0)}
	m := newMerchant(t, func(nth int) int {
		if nth < 3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	})
	s := queued(t, c)
	start(t, s, c, m.URL, "secret")
	for attempt, pause := range []time.Duration{time.Second, 2 * time.Second} {
		eventually(t, "an attempt", func() bool { return m.count() == attempt+1 && len(due(t, s, c.now())) == 0 })
		c.forward(pause - time.Millisecond)
		if n := len(due(t, s, c.now())); n != 0 {
			t.Errorf("attempt %d is followed too soon", attempt+1)
		}
		c.forward(time.Millisecond)
	}
	eventually(t, "the queue to be empty", func() bool { return waiting(t, s) == 0 })
	if m.count() != 3 {
		t.Errorf("%d attempts, want 3", m.count())
	}
}

func due(t *testing.T, s *store.Store, at time.Time) []webhook.Delivery {
	t.Helper()
	d, err := s.Due(t.Context(), at, 100)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAMerchantWhoSaysNoIsNotAskedForEver(t *testing.T) {
	c := &clock{at: time.Unix(1_790_000_000, 0)}
	m := newMerchant(t, always(http.StatusUnauthorized))
	s := queued(t, c)
	start(t, s, c, m.URL, "secret")
	eventually(t, "the queue to be empty", func() bool { c.forward(time.Second); return waiting(t, s) == 0 })
	if m.count() != 3 {
		t.Errorf("%d attempts, want 3", m.count())
	}
}

func TestWhatWasNotDeliveredOutlivesTheProvider(t *testing.T) {
	c := &clock{at: time.Unix(1_790_000_000, 0)}
	away := newMerchant(t, always(http.StatusBadGateway))
	s := queued(t, c)
	stop := start(t, s, c, away.URL, "secret")
	eventually(t, "an attempt", func() bool { return away.count() > 0 && len(due(t, s, c.now())) == 0 })
	stop()
	c.forward(time.Minute)
	back := newMerchant(t, always(http.StatusOK))
	start(t, s, c, back.URL, "secret")
	eventually(t, "the queue to be empty", func() bool { return waiting(t, s) == 0 })
	if back.count() != 1 || back.took[0].body != away.took[0].body {
		t.Errorf("delivered %d times: %+v", back.count(), back.took)
	}
}
