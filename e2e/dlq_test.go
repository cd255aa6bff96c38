package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/kafka"
)

type setAside struct {
	DeadLetters []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Class  string `json:"class"`
		Key    string `json:"key"`
		Type   string `json:"type"`
	} `json:"dead_letters"`
}

// An event of a version that nobody here knows is set aside at once, orders go
// on meanwhile, and it stays until somebody decides about it.
func TestAnUnknownVersionIsSetAside(t *testing.T) {
	const key, group = "4242", "payment"
	shared.publish(t, contracts.TopicOrder, eventbus.Event{ID: key + "-2", Type: "order.payment_due.v2", Subject: key})
	customer := richCustomers(t, shared, 1)[0]
	o := customer.buy(t, product(t, shared, 1), 1)
	if got := customer.settled(t, o.ID, patience); got.Status != "COMPLETED" {
		t.Errorf("an order beside it is %s", got.Status)
	}
	aside := awaitSetAside(t, 1, "--group", group, "--key", key)
	letter := aside.DeadLetters[0]
	if letter.Class != "unknown_version" || letter.Status != "WAITING" || letter.Type != "order.payment_due.v2" {
		t.Errorf("set aside: %+v", letter)
	}
	if r := shared.run("dlq", "discard", letter.ID); r.code == 0 {
		t.Errorf("discarded without a command: %s", r.stderr)
	}
	if r := shared.run("dlq", "discard", letter.ID, "--compensation", "none: no such order"); r.code != 0 {
		t.Fatalf("discard: exit %d\n%s", r.code, r.stderr)
	}
	awaitSetAside(t, 0, "--group", group, "--key", key)
	discarded := awaitSetAside(t, 1, "--group", group, "--key", key, "--status", "DISCARDED")
	if discarded.DeadLetters[0].ID != letter.ID {
		t.Errorf("discarded: %+v", discarded)
	}
}

// What nobody can read is dead at once, and given up in bulk; a dry run leaves it.
func TestWhatNobodyReadsIsDiscardedInBulk(t *testing.T) {
	for n := range 2 {
		shared.send(t, eventbus.Record{Topic: contracts.TopicPayment, Partition: int32(n), Value: []byte("no event of ours")})
	}
	unreadable := []string{"--group", "order", "--class", "undecodable"}
	awaitSetAside(t, 2, append(unreadable, "--status", "DEAD")...)
	discard := append([]string{"dlq", "discard", "--compensation", "none: written by mistake"}, unreadable...)
	if r := shared.run(append(discard, "--dry-run")...); r.code != 0 || strings.Count(r.stdout+r.stderr, "would be discarded") != 2 {
		t.Errorf("dry run: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	awaitSetAside(t, 2, append(unreadable, "--status", "DEAD")...)
	if r := shared.run(discard...); r.code != 0 {
		t.Fatalf("discard: exit %d\n%s", r.code, r.stderr)
	}
	awaitSetAside(t, 2, append(unreadable, "--status", "DISCARDED")...)
	awaitSetAside(t, 0, append(unreadable, "--status", "DEAD")...)
}

func TestTheDeadLetterCommandsSayWhatIsWrong(t *testing.T) {
	for line, want := range map[string]string{
		"dlq show payment/1":                         "there is no dead letter payment/1",
		"dlq show shop/1":                            "is no dead letter's id",
		"dlq show 17":                                "is no dead letter's id",
		"dlq ls --status LOST":                       "no status",
		"dlq ls --group shop":                        "no group",
		"dlq lst":                                    "did you mean",
		"dlq ls --class poisson":                     "no class",
		"dlq ls --limit 0":                           "--limit 0",
		"events tail --limit -1":                     "--limit -1",
		"dlq redrive":                                "which?",
		"dlq redrive payment/1 --group payment":      "not both",
		"dlq redrive payment/1":                      "there is no dead letter payment/1",
		"dlq redrive --group payment --rate 0":       "--rate 0",
		"dlq discard payment/1 --compensation words": "there is no dead letter payment/1",
		"dlq edit payment/1 --data {}":               "there is no dead letter payment/1",
	} {
		r := shared.run(strings.Fields(line)...)
		if r.code == 0 || !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("souk %s: exit %d, %s%s, want %q", line, r.code, r.stdout, r.stderr, want)
		}
	}
}

func awaitSetAside(t *testing.T, n int, filter ...string) setAside {
	t.Helper()
	var got setAside
	for deadline := time.Now().Add(patience); ; {
		got = runJSON[setAside](t, shared, append([]string{"dlq", "ls"}, filter...)...)
		if len(got.DeadLetters) == n {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are set aside, want %d: %+v", len(got.DeadLetters), n, got)
		}
	}
}

// publish puts an event on a topic, as the service order would.
func (s *souk) publish(t *testing.T, topic string, e eventbus.Event) {
	t.Helper()
	value, err := eventbus.Encode("souk/order", time.Now(), []eventbus.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, eventbus.Record{Topic: topic, Partition: contracts.Partition(e.Subject, contracts.Partitions), Value: value})
}

func (s *souk) send(t *testing.T, record eventbus.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	bus, err := kafka.Open(ctx, kafka.Config{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", s.base+312)}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Close() }()
	if errs := bus.Publish(ctx, []eventbus.Record{record}); errs != nil {
		t.Fatal(errs)
	}
}

// What is sent again to everyone concerned changes nothing that was done.
func TestAReplayChangesNothingThatIsDone(t *testing.T) {
	customer := richCustomers(t, shared, 1)[0]
	sku := product(t, shared, 5)
	o := customer.buy(t, sku, 2)
	customer.settled(t, o.ID, patience)
	back := customer.settled(t, customer.buy(t, sku, 3).ID, patience)
	customer.giveBack(t, back.ID).expect(t, http.StatusAccepted)
	customer.returned(t, back.ID)
	before := stock(t, shared, sku)
	for _, group := range contracts.Groups() {
		r := shared.run("replay", "--group", group, "--from", "10s", "--rate", "10000")
		if r.code != 0 {
			t.Fatalf("replay to %s: exit %d\n%s", group, r.code, r.stderr)
		}
	}
	shared.auditClean(t)
	if after := stock(t, shared, sku); after != before {
		t.Errorf("stock was %+v, is %+v", before, after)
	}
}

func TestTheReplayCommandSaysWhatIsWrong(t *testing.T) {
	for line, want := range map[string]string{
		"replay --group shop --from 1h":                                                       "no group",
		"replay --group payment --from 1h --topic souk.points.v1":                             "does not read",
		"replay --group payment --from yesterday":                                             "want a time like",
		"replay --group payment --from 1h --to 2h":                                            "ends",
		"replay --group payment --from 1h --rate 0":                                           "--rate 0",
		"replay --group payment":                                                              "required",
		"replay --group payment --from 2999-01-02T15:00:00Z --to 2999-01-02T15:00:00Z --json": "ends",
	} {
		r := shared.run(strings.Fields(line)...)
		if r.code != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("souk %s: exit %d, %s, want %q", line, r.code, r.stderr, want)
		}
	}
}
