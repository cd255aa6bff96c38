package contracts_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/contracts/pointsv1"
	"souk.example/contracts/productv1"
	"souk.example/pkg/eventbus"
)

var write = flag.Bool("write-golden", false, "write golden files for event types that have none; never rewrites one")

// sampleOf is an event payload with every field set.
func sampleOf(name string) contracts.Message {
	switch name {
	case contracts.OrderPlaced.Name:
		return &orderv1.OrderPlaced{
			OrderId: 90071992547409931, UserId: 42, Version: 1, Currency: "CNY", Total: 25980, Payable: 25880, PointsUsed: 100,
			Lines:         []*orderv1.Line{{Sku: "SKU-0001", Quantity: 2, UnitPrice: 12990}},
			PaymentMethod: "wallet", DeadlineUs: 1790000000000000,
		}
	case contracts.OrderPaymentDue.Name:
		return &orderv1.OrderPaymentDue{OrderId: 90071992547409931, UserId: 42, Version: 2, Payable: 25880, Currency: "CNY", PaymentMethod: "wallet"}
	case contracts.OrderPaid.Name:
		return &orderv1.OrderPaid{OrderId: 90071992547409931, UserId: 42, Version: 3, Payable: 25880, Currency: "CNY", PointsUsed: 100}
	case contracts.OrderCompleted.Name:
		return &orderv1.OrderCompleted{OrderId: 90071992547409931, UserId: 42, Version: 4}
	case contracts.OrderRejected.Name:
		return &orderv1.OrderRejected{OrderId: 90071992547409931, UserId: 42, Version: 2, Reason: "out_of_stock"}
	case contracts.OrderCancelled.Name:
		return &orderv1.OrderCancelled{OrderId: 90071992547409931, UserId: 42, Version: 3, Reason: "payment_failed"}
	case contracts.OrderReturnRequested.Name:
		return &orderv1.OrderReturnRequested{OrderId: 90071992547409931, UserId: 42, Version: 5}
	case contracts.OrderRestockRequested.Name:
		return &orderv1.OrderRestockRequested{OrderId: 90071992547409931, UserId: 42, Version: 7}
	case contracts.OrderPointsReversalRequested.Name:
		return &orderv1.OrderPointsReversalRequested{OrderId: 90071992547409931, UserId: 42, Version: 8}
	case contracts.OrderReturned.Name:
		return &orderv1.OrderReturned{OrderId: 90071992547409931, UserId: 42, Version: 9}
	case contracts.InventoryRestocked.Name:
		return &inventoryv1.InventoryRestocked{OrderId: 90071992547409931}
	case contracts.PointsReversed.Name:
		return &pointsv1.PointsReversed{OrderId: 90071992547409931, UserId: 42, Taken: 258, Given: 100}
	case contracts.InventoryReserved.Name:
		return &inventoryv1.InventoryReserved{OrderId: 90071992547409931}
	case contracts.InventoryRejected.Name:
		return &inventoryv1.InventoryRejected{OrderId: 90071992547409931, Reason: "out_of_stock", Sku: "SKU-0001"}
	case contracts.PaymentCaptured.Name:
		return &paymentv1.PaymentCaptured{OrderId: 90071992547409931, Amount: 25880, Currency: "CNY"}
	case contracts.PaymentFailed.Name:
		return &paymentv1.PaymentFailed{OrderId: 90071992547409931, Reason: "insufficient_funds"}
	case contracts.PointsAwarded.Name:
		return &pointsv1.PointsAwarded{OrderId: 90071992547409931, UserId: 42, Points: 258}
	case contracts.OrderRefundRequested.Name:
		return &orderv1.OrderRefundRequested{OrderId: 90071992547409931, UserId: 42, Version: 4, RefundId: "90071992547409931:late", Amount: 25880, Currency: "CNY", Reason: "user_cancelled"}
	case contracts.PaymentRefunded.Name:
		return &paymentv1.PaymentRefunded{OrderId: 90071992547409931, RefundId: "90071992547409931:late", Amount: 25880, Currency: "CNY"}
	case contracts.PointsFrozen.Name:
		return &pointsv1.PointsFrozen{OrderId: 90071992547409931, UserId: 42, Points: 100}
	case contracts.PointsRefused.Name:
		return &pointsv1.PointsRefused{OrderId: 90071992547409931, UserId: 42, Reason: "insufficient_points"}
	case contracts.ProductChanged.Name:
		return &productv1.ProductChanged{Sku: "SKU-0001", Version: 7, Name: "Teapot", Price: 12990, Currency: "CNY", Withdrawn: true}
	}
	return nil
}

// An event written by any version that was ever released decodes for ever, to
// the same meaning: the golden files are never rewritten.
func TestGoldenEventsDecode(t *testing.T) {
	for _, typ := range contracts.Types() {
		t.Run(typ.Name, func(t *testing.T) {
			want := sampleOf(typ.Name)
			path := filepath.Join("testdata", typ.Name+".bin")
			if _, err := os.Stat(path); os.IsNotExist(err) && *write {
				writeGolden(t, path, want)
			}
			payload, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("no golden file (add it with -write-golden): %v", err)
			}
			got, err := contracts.Decode(eventbus.Event{Type: typ.Name, Payload: payload})
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("golden %s decodes to %s, want %s", typ.Name, protojson.Format(got), protojson.Format(want))
			}
			written, err := got.MarshalVT()
			if err != nil || !bytes.Equal(written, payload) {
				t.Errorf("%s is written otherwise than it was: %x, was %x (%v)", typ.Name, written, payload, err)
			}
		})
	}
}

func writeGolden(t *testing.T, path string, m contracts.Message) {
	t.Helper()
	payload, err := m.MarshalVT()
	if err == nil {
		err = os.WriteFile(path, payload, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The table is the contract: an id made of a step that has moved would be
// taken for another event.
func TestTypesAreFrozen(t *testing.T) {
	frozen := map[string]struct {
		topic string
		step  int
	}{
		"order.placed.v1":                    {"souk.order.v1", 1},
		"order.payment_due.v1":               {"souk.order.v1", 2},
		"order.paid.v1":                      {"souk.order.v1", 3},
		"order.completed.v1":                 {"souk.order.v1", 4},
		"order.rejected.v1":                  {"souk.order.v1", 5},
		"order.cancelled.v1":                 {"souk.order.v1", 6},
		"order.refund_requested.v1":          {"souk.order.v1", 7},
		"order.return_requested.v1":          {"souk.order.v1", 8},
		"order.restock_requested.v1":         {"souk.order.v1", 9},
		"order.points_reversal_requested.v1": {"souk.order.v1", 10},
		"order.returned.v1":                  {"souk.order.v1", 11},
		"inventory.restocked.v1":             {"souk.inventory.v1", 22},
		"points.reversed.v1":                 {"souk.points.v1", 63},
		"inventory.reserved.v1":              {"souk.inventory.v1", 20},
		"inventory.rejected.v1":              {"souk.inventory.v1", 21},
		"payment.captured.v1":                {"souk.payment.v1", 40},
		"payment.failed.v1":                  {"souk.payment.v1", 41},
		"payment.refunded.v1":                {"souk.payment.v1", 42},
		"points.frozen.v1":                   {"souk.points.v1", 61},
		"points.refused.v1":                  {"souk.points.v1", 62},
		"points.awarded.v1":                  {"souk.points.v1", 60},
		"product.changed.v1":                 {"souk.product.v1", 0},
	}
	if len(frozen) != len(contracts.Types()) {
		t.Errorf("%d types, %d frozen: freeze the new one here", len(contracts.Types()), len(frozen))
	}
	for _, typ := range contracts.Types() {
		if f := frozen[typ.Name]; f.topic != typ.Topic || f.step != typ.Step {
			t.Errorf("%s is %s step %d, frozen as %+v", typ.Name, typ.Topic, typ.Step, f)
		}
	}
}

func TestPartitionIsFrozen(t *testing.T) {
	for subject, want := range map[string][2]int32{ // of 4, of 64
		"":                  {1, 5},
		"90071992547409931": {0, 32},
		"SKU-0001":          {2, 50},
		"FLASH-01":          {3, 63},
	} {
		if got := [2]int32{contracts.Partition(subject, 4), contracts.Partition(subject, 64)}; got != want {
			t.Errorf("Partition(%q) = %v, want %v", subject, got, want)
		}
	}
}

func TestEventIdentity(t *testing.T) {
	e, err := contracts.NewEvent(contracts.OrderPaid, 77, &orderv1.OrderPaid{OrderId: 77})
	if err != nil || e.ID != "77-3" || e.Subject != "77" || e.Type != "order.paid.v1" {
		t.Errorf("event is %+v, %v", e, err)
	}
	r, err := contracts.NewRefundEvent(contracts.PaymentRefunded, 77, contracts.RefundLate(77), &paymentv1.PaymentRefunded{OrderId: 77})
	if err != nil || r.ID != "77:late-42" || r.Subject != "77" {
		t.Errorf("event is %+v, %v", r, err)
	}
	p, err := contracts.NewProductChanged(&productv1.ProductChanged{Sku: "SKU-0001", Version: 9})
	if err != nil || p.ID != "SKU-0001-9" || p.Subject != "SKU-0001" {
		t.Errorf("event is %+v, %v", p, err)
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := contracts.Decode(eventbus.Event{Type: "order.placed.v2"}); err == nil {
		t.Error("an unknown version was decoded")
	}
	if _, err := contracts.DecodeAs[orderv1.OrderPaid](eventbus.Event{Type: "order.paid.v1", Payload: []byte{0xff}}); err == nil {
		t.Error("garbage was decoded")
	}
}
