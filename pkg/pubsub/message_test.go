package pubsub_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient/redistest"
)

func TestMessageCarriesItsOrigin(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	bus, got := newBus(t, rdb), make(chan pubsub.Message, 1)
	run(t, bus, &inbox{})
	sub := bus.Subscribe("x", pubsub.Handler{Message: func(m pubsub.Message) { got <- m }})
	defer sub.Close()
	if err := bus.Publish(t.Context(), pubsub.Message{Topic: "x", Key: "k", Version: 1 << 60, Status: "changed"}); err != nil {
		t.Fatal(err)
	}
	m := <-got
	if m.Schema != pubsub.Schema || m.Service != "test" || m.Key != "k" || m.Version != 1<<60 || m.Status != "changed" || m.Time.IsZero() {
		t.Errorf("got %+v", m)
	}
}

func TestVersionsOfAKeyOnlyRise(t *testing.T) {
	t.Parallel()
	bus, got := newBus(t, redistest.Open(t)), make(chan pubsub.Message, 20)
	run(t, bus, &inbox{})
	sub := bus.Subscribe("v", pubsub.Handler{Message: func(m pubsub.Message) { got <- m }})
	defer sub.Close()
	for _, m := range []pubsub.Message{
		{Key: "a", Version: 2}, {Key: "a", Version: 1}, {Key: "a", Version: 2}, {Key: "b", Version: 1},
		{Key: "a", Version: 1 << 60}, {Key: "a"}, {Key: "a", Version: 3}, {Key: "end"},
	} {
		m.Topic = "v"
		if err := bus.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []pubsub.Message{{Key: "a", Version: 2}, {Key: "b", Version: 1}, {Key: "a", Version: 1 << 60}, {Key: "a"}, {Key: "end"}} {
		if m := <-got; m.Key != want.Key || m.Version != want.Version {
			t.Errorf("handled %s at %d, want %s at %d", m.Key, m.Version, want.Key, want.Version)
		}
	}
}

// The memory of versions is bounded, and the keys that came last are in it.
func TestVersionsOfOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	bus, err := pubsub.New(redistest.Open(t), pubsub.Config{KeysMax: 10})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	run(t, bus, &inbox{})
	sub := bus.Subscribe("v", pubsub.Handler{Message: func(m pubsub.Message) { got <- m.Key }})
	defer sub.Close()
	for i := range 20 {
		if err := bus.Publish(t.Context(), pubsub.Message{Topic: "v", Key: strconv.Itoa(i), Version: 7}); err != nil {
			t.Fatal(err)
		}
		<-got
	}
	for _, key := range []string{"19", "16", "0", "18"} {
		if err := bus.Publish(t.Context(), pubsub.Message{Topic: "v", Key: key, Version: 7}); err != nil {
			t.Fatal(err)
		}
	}
	if err := bus.Publish(t.Context(), pubsub.Message{Topic: "v", Key: "end"}); err != nil {
		t.Fatal(err)
	}
	if first, second := <-got, <-got; first != "0" || second != "end" {
		t.Errorf("handled %s and %s again, want only 0", first, second)
	}
}

func TestUnknownSchemaIsRefusedAndLoggedOnce(t *testing.T) {
	t.Parallel()
	rdb, in, said, reg := redistest.Open(t), &inbox{}, &strings.Builder{}, prometheus.NewRegistry()
	bus, err := pubsub.New(rdb, pubsub.Config{Log: slog.New(slog.NewTextHandler(said, nil))}, pubsub.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, bus, in)
	for i, body := range []string{
		`[{"schema":2,"topic":"topic","key":"new"}]`, `[{"schema":2,"topic":"topic","key":"new"}]`, `garbage`,
		`[{"schema":3,"topic":["topic"]},{"schema":1,"topic":"topic","key":"known"}]`,
	} {
		before := "-"
		if i > 0 {
			before = "n" + strconv.Itoa(i)
		}
		send(t, rdb, fmt.Sprintf("e %d %s n%d %s", i+1, before, i+1, body))
	}
	send(t, rdb, "not a frame")
	redistest.Eventually(t, "the known message arrives", in.has("known"))
	redistest.Eventually(t, "five are refused", func() bool { return counter(t, reg, "souk_pubsub_refused_total") == 5 })
	stop()
	for _, once := range []string{"schema=2", "schema=3", "schema=0"} {
		if strings.Count(said.String(), once) != 1 {
			t.Errorf("%s stands %d times in the log:\n%s", once, strings.Count(said.String(), once), said)
		}
	}
}

func TestBadMessagesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	rdb := redistest.Dial(t, "127.0.0.1:1") // not asked
	bus := newBus(t, rdb)
	long := strings.Repeat("x", 513)
	for name, c := range map[string]struct {
		m    pubsub.Message
		want error
	}{
		"no topic":         {pubsub.Message{Key: "k"}, pubsub.ErrMessage},
		"long topic":       {pubsub.Message{Topic: long}, pubsub.ErrMessage},
		"long key":         {pubsub.Message{Topic: "t", Key: long}, pubsub.ErrMessage},
		"not UTF-8":        {pubsub.Message{Topic: "t", Key: "\xff"}, pubsub.ErrMessage},
		"negative version": {pubsub.Message{Topic: "t", Version: -1}, pubsub.ErrMessage},
		"oversize":         {pubsub.Message{Topic: "t", Status: strings.Repeat("x", 1<<20)}, pubsub.ErrTooLarge},
	} {
		if err := bus.Publish(t.Context(), pubsub.Message{Topic: "good"}, c.m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, cfg := range []pubsub.Config{{Idle: -1}, {Idle: time.Millisecond - 1}, {QueueMax: -1}, {KeysMax: -1}, {LogMax: -1}, {MaxBytes: -1}, {Channel: long}, {Channel: "}"}, {Channel: "{a}b"}} {
		if _, err := pubsub.New(rdb, cfg); !errors.Is(err, pubsub.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if _, err := pubsub.New(nil, pubsub.Config{}); !errors.Is(err, pubsub.ErrConfig) {
		t.Errorf("no client: %v", err)
	}
}
