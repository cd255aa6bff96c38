package cloudevents_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/pkg/eventbus"
)

func ExampleFrom() {
	e, _ := contracts.NewEvent(contracts.PaymentCaptured, 7, &paymentv1.PaymentCaptured{OrderId: 7, Amount: 12990, Currency: "CNY"})
	e.Source, e.Time = "souk/payment", time.Unix(0, 0)
	out, _ := json.Marshal(cloudevents.From(e).ID)
	fmt.Println(string(out))
	// Output: "7-40"
}

func TestFromShowsThePayload(t *testing.T) {
	e, err := contracts.NewEvent(contracts.PaymentCaptured, 7, &paymentv1.PaymentCaptured{OrderId: 7, Amount: 12990, Currency: "CNY"})
	if err != nil {
		t.Fatal(err)
	}
	var data map[string]any
	if err := json.Unmarshal(cloudevents.From(e).Data, &data); err != nil {
		t.Fatal(err)
	}
	if data["order_id"] != "7" || data["amount"] != "12990" || data["currency"] != "CNY" {
		t.Errorf("data %v", data)
	}
}

func TestFromHidesWhatACardIsKnownBy(t *testing.T) {
	due := &orderv1.OrderPaymentDue{OrderId: 7, Payable: 12990, PaymentMethod: "card", PaymentToken: "tok_secret"}
	e, err := contracts.NewEvent(contracts.OrderPaymentDue, 7, due)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(cloudevents.From(e).Data); strings.Contains(got, "tok_secret") || !strings.Contains(got, "(hidden)") {
		t.Errorf("data %s", got)
	}
}

func TestFromKeepsWhatItCannotRead(t *testing.T) {
	got := cloudevents.From(eventbus.Event{ID: "7-99", Type: "order.gifted.v9", Payload: []byte{1, 2}})
	if got.Data != nil || len(got.DataBase64) != 2 || got.DataContentType != "application/protobuf" {
		t.Errorf("got %+v", got)
	}
}

func TestPayloadIsWhatFromShows(t *testing.T) {
	due := &orderv1.OrderPaymentDue{OrderId: 7, Payable: 12990, PaymentMethod: "card", PaymentToken: "tok_secret"}
	e, err := contracts.NewEvent(contracts.OrderPaymentDue, 7, due)
	if err != nil {
		t.Fatal(err)
	}
	shown := cloudevents.From(e).Data
	payload, err := cloudevents.Payload(e, []byte(strings.Replace(string(shown), "12990", "12991", 1)))
	if err != nil {
		t.Fatal(err)
	}
	e.Payload = payload
	got, err := contracts.DecodeAs[orderv1.OrderPaymentDue](e)
	if err != nil || got.Payable != 12991 || got.PaymentToken != "tok_secret" || got.OrderId != 7 {
		t.Errorf("%v, %v", got, err)
	}
	for name, data := range map[string]string{"no JSON": "{", "no such field": `{"colour": 1}`, "a wrong type": `{"payable": "much"}`} {
		if _, err := cloudevents.Payload(e, []byte(data)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := cloudevents.Payload(eventbus.Event{Type: "order.gifted.v9"}, []byte(`{}`)); !errors.Is(err, contracts.ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
}
