package inventory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/internal/fxrun"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/eventbus/kafka"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/outbox"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory"
)

// The whole service, from topic to topic, on a broker, a Redis and a database
// of its own.
func TestAPlacedOrderIsAnsweredAndShown(t *testing.T) {
	if os.Getenv("SOUK_TEST_KAFKA_BROKERS") != "" {
		t.Skip("needs topics of its own")
	}
	brokers, dsn, addr := bustest.Brokers(t), "sqlite:"+filepath.Join(t.TempDir(), "inventory.db"), freeAddr(t)
	redis := redistest.Mini(t).Addr()
	_, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	start(t, []string{
		"--database-dsn", dsn, "--kafka-brokers", strings.Join(brokers, ","), "--redis-addrs", redis,
		"--http-addr", addr, "--admin-addr", freeAddr(t), "--jwt-public-keys", public, "--log-level", "error", "--http-drain-delay", "0s",
		"--otlp-endpoint", collector(t, "cache load"), "--trace-sample-ratio", "1", "--inventory-warm-pages", "1",
	})
	seed(t, dsn, redistest.Dial(t, redis),
		inventory.SeedProduct{SKU: "TEA-1", Name: "Teapot", Price: money.Of(100, "CNY"), Stock: 3},
		inventory.SeedProduct{SKU: "TEA-2", Name: "Teapot", Price: money.Of(100, "CNY"), Stock: 7})

	bus := connect(t, brokers)
	place(t, bus, 42, "TEA-1", 2)
	if got, want := answer(t, bus), "42-20 inventory.reserved.v1"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
	// One of the pages is kept warm, and may have been since before the order; the
	// other is loaded when it is asked for.
	await(t, "http://"+addr+"/v1/products/TEA-1", 1)
	await(t, "http://"+addr+"/v1/products/TEA-2", 7)
}

// await waits until a page says that so many are available.
func await(t *testing.T, page string, want int64) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for n := available(t, page); n != want; n = available(t, page) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d available", page, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func start(t *testing.T, args []string) {
	t.Helper()
	cfg, err := config.Load[inventory.Config]("inventory", args, nil)
	if err != nil {
		t.Fatal(err)
	}
	app := fxrun.New(inventory.Module(cfg))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func seed(t *testing.T, dsn string, rdb *redisclient.Client, products ...inventory.SeedProduct) {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret(dsn)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ids := idgen.Static(31)
	box := outbox.New(db, ids, nil, outbox.Config{
		Source: "souk/inventory", Topics: contracts.Topics(), Partitions: contracts.Partitions, Partition: contracts.Partition,
	}, telemetry.Nop())
	if _, err := inventory.Seed(t.Context(), db, rdb, box, ids, products); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, brokers []string) *kafka.Bus {
	t.Helper()
	bus, err := kafka.Open(t.Context(), kafka.Config{Brokers: brokers}, telemetry.Nop().Logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus
}

func place(t *testing.T, bus *kafka.Bus, order int64, sku string, quantity int64) {
	t.Helper()
	e, err := contracts.NewEvent(contracts.OrderPlaced, order, &orderv1.OrderPlaced{
		OrderId: order, Lines: []*orderv1.Line{{Sku: sku, Quantity: quantity, UnitPrice: 100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	value, err := eventbus.Encode("souk/order", time.Now(), []eventbus.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	record := eventbus.Record{Topic: contracts.TopicOrder, Partition: contracts.Partition(e.Subject, contracts.Partitions), Value: value}
	if errs := bus.Publish(t.Context(), []eventbus.Record{record}); errs != nil {
		t.Fatal(errs)
	}
}

// answer waits for the first event on inventory's topic.
func answer(t *testing.T, bus *kafka.Bus) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got string
	err := bus.Consume(ctx, "test", []string{contracts.TopicInventory}, func(ctx context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			events, err := r.Events()
			if err != nil {
				return err
			}
			got = fmt.Sprintf("%s %s", events[0].ID, events[0].Type)
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func available(t *testing.T, url string) int64 {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s, %v", resp.StatusCode, body, err)
	}
	var page struct{ Available int64 }
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	return page.Available
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
