package ordertrace_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/ordertrace"
	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/pointsv1"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/saga"
	ordermigrations "souk.example/services/order/migrations"
	paymentmigrations "souk.example/services/payment/migrations"
	"souk.example/services/points/migrations"
)

const order = int64(377_000_000_123) << 22

// The services' clocks differ: an answer may have a lower id than its order.
func TestAnAnswerWithALowerIDThanTheOrderIsFound(t *testing.T) {
	db := databasetest.Open(t, migrations.Set(), outbox.Migrations(), inbox.Migrations())
	e, err := contracts.NewEvent(contracts.PointsAwarded, order, &pointsv1.PointsAwarded{OrderId: order, Points: 1})
	if err != nil {
		t.Fatal(err)
	}
	logPack(t, db, order-30_000<<22, e)
	entries, err := ordertrace.Collect(t.Context(), map[string]*database.DB{"points": db}, order)
	if err != nil || len(entries) != 1 || entries[0].Event == nil || entries[0].Event.Type != e.Type {
		t.Errorf("%v, %+v", err, entries)
	}
}

// Each service's tables hold what a card is known by only where souk needs it;
// a trace shows everything else.
func TestATraceShowsMoneyAndNoCard(t *testing.T) {
	orders := databasetest.Open(t, ordermigrations.Set(), saga.Migrations(), outbox.Migrations(), inbox.Migrations())
	payments := databasetest.Open(t, paymentmigrations.Set(), outbox.Migrations(), inbox.Migrations())
	insert(t, orders, "orders", map[string]any{
		"id": order, "user_id": 1, "idem_key": "k", "fingerprint": []byte{1}, "status": "CANCELLED", "version": 4, "facts": 0, "items": []byte("[]"),
		"total": 100, "payable": 100, "points_used": 0, "currency": "CNY", "payment_method": "card", "payment_token": secret, "reason": "user_cancelled",
		"created_at": 1, "deadline": 2, "reserved_at": 0, "paid_at": 0, "completed_at": 0, "closed_at": 3,
	})
	insert(t, orders, "dead_letter", map[string]any{
		"id": 1, "grp": "order", "topic": "t", "part": 0, "log_offset": 0, "pos": 0, "k": orderKey(), "event_source": "x", "event_id": "y", "event_type": "z",
		"payload": []byte(secret), "error_class": "", "error": "", "attempts": 1, "next_attempt_at": 0, "status": "WAITING", "resolved_by": "", "copied": 0,
	})
	insert(t, payments, "provider_call", map[string]any{
		"call_key": orderKey(), "kind": "charge", "order_id": order, "amount": 100, "currency": "CNY", "instrument": secret, "attempts": 1, "owner": "", "due_at": 5,
	})
	insert(t, payments, "refund", map[string]any{
		"refund_id": contracts.RefundLate(order), "order_id": order, "status": "REFUNDED", "amount": 100, "currency": "CNY", "provider_ref": "re_1", "created_at": 6, "updated_at": 6,
	})
	insert(t, payments, "ledger_entry", map[string]any{
		"cause": "refund:" + contracts.RefundLate(order), "debit_account": "sales", "credit_account": "psp", "amount": 100, "currency": "CNY", "at": 7,
	})
	insert(t, orders, "saga", map[string]any{
		"id": orderKey(), "type": "return", "step": "restock", "op": "action", "status": "RUNNING", "version": 2, "due": 9, "attempts": 1, "last_error": "",
		"data": []byte("words of the owner's: " + secret), "started_at": 8, "updated_at": 8,
	})
	insert(t, orders, "saga_step", map[string]any{
		"saga_id": orderKey(), "step": "refund", "op": "action", "seq": 0, "status": "DONE", "error": "", "started_at": 9, "ended_at": 9,
	})
	due := &orderv1.OrderPaymentDue{OrderId: order, PaymentToken: secret}
	e, err := contracts.NewEvent(contracts.OrderPaymentDue, order, due)
	if err != nil {
		t.Fatal(err)
	}
	logPack(t, orders, order+1<<22, e)
	entries, err := ordertrace.Collect(t.Context(), map[string]*database.DB{"order": orders, "payment": payments}, order)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, entry := range entries {
		kinds = append(kinds, entry.Kind)
	}
	if got, want := strings.Join(kinds, " "), "dead_letter orders provider_call refund ledger_entry saga saga_step event"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	shown, err := json.Marshal(entries)
	if err != nil || strings.Contains(string(shown), secret) || strings.Contains(string(shown), base64.StdEncoding.EncodeToString([]byte(secret))) {
		t.Errorf("%v, the trace shows the card: %s", err, shown)
	}
	if !strings.Contains(string(shown), `"deadline":"1970-01-01T00:00:00.000002Z"`) || !strings.Contains(string(shown), `"paid_at":null`) {
		t.Errorf("times are not told: %s", shown)
	}
}

const secret = "tok_secret"

func orderKey() string { return strconv.FormatInt(order, 10) }

func insert(t *testing.T, db *database.DB, table string, row map[string]any) {
	t.Helper()
	columns := slices.Sorted(maps.Keys(row))
	var args []any
	for _, c := range columns {
		args = append(args, row[c])
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")
	if _, err := db.Exec(t.Context(), "INSERT INTO "+table+" ("+strings.Join(columns, ",")+") VALUES ("+marks+")", args...); err != nil {
		t.Fatal(err)
	}
}

func logPack(t *testing.T, db *database.DB, id int64, e eventbus.Event) {
	t.Helper()
	pack, err := eventbus.Encode("souk/points", time.Unix(1, 0), []eventbus.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(t.Context(), "INSERT INTO event_log (id, topic, part, n, at, payload) VALUES (?, ?, ?, 1, 1, ?)",
		id, contracts.TopicPoints, contracts.Partition(e.Subject, contracts.Partitions), pack)
	if err != nil {
		t.Fatal(err)
	}
}
