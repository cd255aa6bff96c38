package provider_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"souk.example/pkg/config"
	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/provider/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "tok_secret_of_a_card"

func call(key string, order payment.OrderID) payment.Call {
	return payment.Call{Key: key, Kind: payment.Charge, Order: order, Amount: money.Of(40, "CNY"), Token: token}
}

func connect(t *testing.T, psp *providertest.PSP, change func(*provider.Config)) (*provider.Client, *provider.Breaker, *bytes.Buffer) {
	t.Helper()
	cfg, log := psp.Config(), &bytes.Buffer{}
	if change != nil {
		change(&cfg)
	}
	client := provider.NewClient(cfg)
	t.Cleanup(client.Close)
	return client, provider.NewBreaker(client, cfg, slog.New(slog.NewJSONHandler(log, nil))), log
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		manner providertest.Manner
		want   payment.Event
		reason string
	}{
		"succeeded":  {providertest.Properly, payment.Succeeded, "declined"},
		"failed":     {providertest.Declining, payment.Declined, "card_declined"},
		"processing": {providertest.Processing, payment.Unsure, "declined"},
	} {
		t.Run(name, func(t *testing.T) {
			psp := providertest.New(t)
			psp.Manner = func(string, string, int) providertest.Manner { return c.manner }
			_, breaker, _ := connect(t, psp, nil)
			for range 2 { // the second is a repetition
				w, err := breaker.Answer(t.Context(), call("1", 1))
				if err != nil || w.Said != c.want || w.Ref != "ch_000001" || w.Order != 1 || w.Amount != money.Of(40, "CNY") || w.Reason != c.reason {
					t.Errorf("got %+v, %v", w, err)
				}
			}
		})
	}
}

// Neither the card nor our key stands in an error or in the log.
func TestErrorsKeepSecrets(t *testing.T) {
	for name, manner := range map[string]providertest.Manner{
		"down": providertest.Down, "lost": providertest.Replyless, "noise": providertest.Garbled, "refused": providertest.Refusing, "hangs": providertest.Hanging,
	} {
		t.Run(name, func(t *testing.T) {
			psp := providertest.New(t)
			psp.Manner = func(string, string, int) providertest.Manner { return manner }
			_, breaker, log := connect(t, psp, func(c *provider.Config) { c.BreakerFailures = 1 })
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := breaker.Answer(ctx, call("1", 1))
			if err == nil || errors.Is(err, payment.ErrNotSent) {
				t.Fatalf("got %v", err)
			}
			for _, text := range []string{err.Error(), log.String()} {
				if strings.Contains(text, token) || strings.Contains(text, providertest.APIKey) {
					t.Errorf("it says %s", text)
				}
			}
		})
	}
}

// A provider that does not answer is left alone, then tried with one call; one
// that refuses is there.
func TestBreaker(t *testing.T) {
	psp := providertest.New(t)
	manner := providertest.Refusing
	psp.Manner = func(string, string, int) providertest.Manner { return manner }
	_, breaker, _ := connect(t, psp, func(c *provider.Config) { c.BreakerFailures, c.BreakerOpen = 3, 200*time.Millisecond })
	for range 5 {
		if _, err := breaker.Answer(t.Context(), call("1", 1)); err == nil || errors.Is(err, payment.ErrNotSent) {
			t.Fatalf("refused: %v", err)
		}
	}
	if breaker.Room() < 1000 {
		t.Fatal("a provider that refuses is left alone")
	}
	manner = providertest.Down
	for range 3 {
		_, _ = breaker.Answer(t.Context(), call("1", 1))
	}
	asked := psp.Requests("1")
	if _, err := breaker.Answer(t.Context(), call("1", 1)); !errors.Is(err, payment.ErrNotSent) || breaker.Room() != 0 || psp.Requests("1") != asked {
		t.Errorf("stopped: %v with room for %d", err, breaker.Room())
	}
	manner = providertest.Properly
	for deadline := time.Now().Add(time.Minute); breaker.Room() == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if n := breaker.Room(); n != 1 {
		t.Errorf("room for %d trials", n)
	}
	if _, err := breaker.Answer(t.Context(), call("1", 1)); err != nil || breaker.Room() < 1000 {
		t.Errorf("tried: %v with room for %d", err, breaker.Room())
	}
}

func TestCallsAreMeasured(t *testing.T) {
	psp := providertest.New(t)
	manners := []providertest.Manner{providertest.Properly, providertest.Declining, providertest.Processing, providertest.Down}
	psp.Manner = func(key, _ string, _ int) providertest.Manner { return manners[key[0]-'1'] }
	_, breaker, _ := connect(t, psp, func(c *provider.Config) { c.BreakerFailures = 1 })
	registry := prometheus.NewRegistry()
	metered, err := provider.NewMetered(breaker, registry)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{"1", "2", "3", "4", "4"} {
		_, _ = metered.Answer(t.Context(), call(key, payment.OrderID(min(i+1, 4))))
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || len(families[0].GetMetric()) != 5 { // with not_sent
		t.Errorf("the outcomes are %v, %v", families, err)
	}
}

func TestList(t *testing.T) {
	psp := providertest.New(t)
	client, _, _ := connect(t, psp, nil)
	for _, key := range []string{"1", "2", "3"} {
		psp.Amend(key, func(c *providertest.Charge) { c.Amount = 40 })
	}
	psp.Amend("no order", func(c *providertest.Charge) { c.Amount = 40 })
	psp.Amend("3", func(c *providertest.Charge) { c.Status = "requires_action" }) // of a later version of their API
	lines, more, err := client.Charges(t.Context(), "ch_000001", 2)
	if err != nil || !more || len(lines) != 2 || lines[0].ID != "ch_000002" || lines[0].Err != nil || lines[1].ID != "ch_000003" || lines[1].Err == nil || lines[1].Made.IsZero() {
		t.Errorf("got %+v, %v, %v", lines, more, err)
	}
	if lines, more, err = client.Charges(t.Context(), "ch_000003", 2); err != nil || more || len(lines) != 1 || lines[0].Order != 0 {
		t.Errorf("got %+v, %v, %v", lines, more, err)
	}
}

// What the provider will never do as it is asked is told from what passes.
func TestRefusals(t *testing.T) {
	for status, want := range map[int]bool{400: true, 401: true, 403: true, 404: true, 422: true, 408: false, 409: false, 425: false, 429: false, 500: false, 503: false} {
		if got := errors.Is(&provider.StatusError{Status: status}, payment.ErrRefused); got != want {
			t.Errorf("%d is a refusal: %t", status, got)
		}
	}
}

func TestConfig(t *testing.T) {
	good := []string{"SOUK_PSP_URL=http://127.0.0.1:8090", "SOUK_PSP_API_KEY=k", "SOUK_PSP_WEBHOOK_SECRETS=a,b"}
	for name, c := range map[string]struct {
		environ []string
		want    string // in the error; "" for none
	}{
		"no provider":     {nil, ""},
		"a provider":      {good, ""},
		"no key":          {[]string{good[0], good[2]}, "SOUK_PSP_API_KEY"},
		"no secrets":      {good[:2], "SOUK_PSP_WEBHOOK_SECRETS"},
		"an empty secret": {append(good[:2:2], "SOUK_PSP_WEBHOOK_SECRETS=a,"), "SOUK_PSP_WEBHOOK_SECRETS"},
		"no URL":          {append(good[1:3:3], "SOUK_PSP_URL=8090"), "SOUK_PSP_URL"},
		"a password":      {append(good[1:3:3], "SOUK_PSP_URL=http://u:hunter2@psp"), "SOUK_PSP_URL"},
	} {
		cfg, err := config.Load[struct{ P provider.Config }]("test", nil, c.environ)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "a provider" {
			if len(cfg.P.WebhookSecrets) != 2 || cfg.P.WebhookSecrets[1].Reveal() != "b" || strings.Contains(config.Redacted(cfg), "[a b]") {
				t.Errorf("%s", config.Redacted(cfg))
			}
			if cfg.P.ValidateProduction() == nil {
				t.Error("production takes short secrets")
			}
		}
	}
	long := strings.Repeat("s", 32)
	cfg := provider.Config{URL: "https://psp", APIKey: config.Secret(long), WebhookSecrets: []config.Secret{config.Secret(long), "short"}, Merchant: "m"}
	if cfg.ValidateProduction() == nil {
		t.Error("production takes a short secret beside a long one")
	}
	cfg.WebhookSecrets = cfg.WebhookSecrets[:1]
	plain := cfg
	if plain.URL = "http://psp"; plain.ValidateProduction() == nil {
		t.Error("production takes a provider without TLS")
	}
	if err := errors.Join(cfg.ValidateProduction(), provider.Config{}.ValidateProduction()); err != nil {
		t.Error(err)
	}
}
