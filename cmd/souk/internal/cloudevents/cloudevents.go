// Package cloudevents renders souk's events as CloudEvents 1.0 in JSON, for
// people and their tools: https://github.com/cloudevents/spec. What a card is
// known by is not shown.
package cloudevents

import (
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"souk.example/contracts"
	"souk.example/contracts/orderv1"
	"souk.example/pkg/eventbus"
)

// Event is one event in the JSON event format. Data holds the decoded payload;
// that of a type this version does not know stands in DataBase64 instead.
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	TraceParent     string          `json:"traceparent,omitempty"`
	Nudge           bool            `json:"nudge,omitempty"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data,omitempty"`
	DataBase64      []byte          `json:"data_base64,omitempty"`
}

// From renders one event.
func From(e eventbus.Event) Event {
	out := Event{
		SpecVersion: "1.0", ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject,
		Time: e.Time.UTC(), TraceParent: e.TraceParent, Nudge: e.Nudge,
	}
	payload, err := contracts.Decode(e)
	if err == nil {
		hideCard(payload)
		out.Data, err = protojson.MarshalOptions{UseProtoNames: true}.Marshal(payload)
	}
	if err != nil {
		out.DataContentType, out.DataBase64 = "application/protobuf", e.Payload
		return out
	}
	out.DataContentType = "application/json"
	return out
}

// hidden stands where something was that nobody is to read.
const hidden = "(hidden)"

// hideCard keeps what a card is known by out of terminals, logs and tickets.
func hideCard(payload proto.Message) {
	if due, ok := payload.(*orderv1.OrderPaymentDue); ok && due.PaymentToken != "" {
		due.PaymentToken = hidden
	}
}

// Payload encodes data, which is an event's Data as From renders it, as the
// payload of e. What was hidden in it stays as it is in e.
func Payload(e eventbus.Event, data []byte) ([]byte, error) {
	old, err := contracts.Decode(e)
	if err != nil {
		return nil, err
	}
	payload := proto.Clone(old)
	proto.Reset(payload)
	if err := protojson.Unmarshal(data, payload); err != nil {
		return nil, fmt.Errorf("not the payload of %s: %w", e.Type, err)
	}
	restoreCard(payload, old)
	return proto.Marshal(payload)
}

func restoreCard(payload, old proto.Message) {
	due, ok := payload.(*orderv1.OrderPaymentDue)
	was, known := old.(*orderv1.OrderPaymentDue)
	if ok && known && due.PaymentToken == hidden {
		due.PaymentToken = was.PaymentToken
	}
}
