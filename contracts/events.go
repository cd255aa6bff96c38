package contracts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/contracts/pointsv1"
	"souk.example/contracts/productv1"
	"souk.example/pkg/eventbus"
)

// Message is a typed event payload.
type Message interface {
	proto.Message
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// Type is one kind of event. It happens at most once per aggregate, so its
// frozen Step makes the event's id, and an event can be rebuilt from its row
// and sent again under the id it always had. The aggregate is an order, a
// refund, or a version of a product.
type Type struct {
	Name  string
	Topic string
	Step  int
	empty func() Message
}

// The event types. Steps 1–19 belong to order, 20–39 to inventory, 40–59 to
// payment, 60–79 to points; the gaps wait for what comes.
var (
	OrderPlaced     = Type{"order.placed.v1", TopicOrder, 1, func() Message { return new(orderv1.OrderPlaced) }}
	OrderPaymentDue = Type{"order.payment_due.v1", TopicOrder, 2, func() Message { return new(orderv1.OrderPaymentDue) }}
	OrderPaid       = Type{"order.paid.v1", TopicOrder, 3, func() Message { return new(orderv1.OrderPaid) }}
	OrderCompleted  = Type{"order.completed.v1", TopicOrder, 4, func() Message { return new(orderv1.OrderCompleted) }}
	OrderRejected   = Type{"order.rejected.v1", TopicOrder, 5, func() Message { return new(orderv1.OrderRejected) }}
	OrderCancelled  = Type{"order.cancelled.v1", TopicOrder, 6, func() Message { return new(orderv1.OrderCancelled) }}

	// OrderRefundRequested happens once per refund: see NewRefundEvent.
	OrderRefundRequested = Type{"order.refund_requested.v1", TopicOrder, 7, func() Message { return new(orderv1.OrderRefundRequested) }}

	// What a return takes, step by step; its refund is an OrderRefundRequested.
	OrderReturnRequested         = Type{"order.return_requested.v1", TopicOrder, 8, func() Message { return new(orderv1.OrderReturnRequested) }}
	OrderRestockRequested        = Type{"order.restock_requested.v1", TopicOrder, 9, func() Message { return new(orderv1.OrderRestockRequested) }}
	OrderPointsReversalRequested = Type{"order.points_reversal_requested.v1", TopicOrder, 10, func() Message { return new(orderv1.OrderPointsReversalRequested) }}
	OrderReturned                = Type{"order.returned.v1", TopicOrder, 11, func() Message { return new(orderv1.OrderReturned) }}

	InventoryReserved  = Type{"inventory.reserved.v1", TopicInventory, 20, func() Message { return new(inventoryv1.InventoryReserved) }}
	InventoryRejected  = Type{"inventory.rejected.v1", TopicInventory, 21, func() Message { return new(inventoryv1.InventoryRejected) }}
	InventoryRestocked = Type{"inventory.restocked.v1", TopicInventory, 22, func() Message { return new(inventoryv1.InventoryRestocked) }}

	PaymentCaptured = Type{"payment.captured.v1", TopicPayment, 40, func() Message { return new(paymentv1.PaymentCaptured) }}
	PaymentFailed   = Type{"payment.failed.v1", TopicPayment, 41, func() Message { return new(paymentv1.PaymentFailed) }}

	// PaymentRefunded happens once per refund: see NewRefundEvent.
	PaymentRefunded = Type{"payment.refunded.v1", TopicPayment, 42, func() Message { return new(paymentv1.PaymentRefunded) }}

	PointsAwarded  = Type{"points.awarded.v1", TopicPoints, 60, func() Message { return new(pointsv1.PointsAwarded) }}
	PointsFrozen   = Type{"points.frozen.v1", TopicPoints, 61, func() Message { return new(pointsv1.PointsFrozen) }}
	PointsRefused  = Type{"points.refused.v1", TopicPoints, 62, func() Message { return new(pointsv1.PointsRefused) }}
	PointsReversed = Type{"points.reversed.v1", TopicPoints, 63, func() Message { return new(pointsv1.PointsReversed) }}

	// ProductChanged happens once per version of a product: its step is the version.
	ProductChanged = Type{"product.changed.v1", TopicProduct, 0, func() Message { return new(productv1.ProductChanged) }}
)

// Types lists every event type.
func Types() []Type {
	return []Type{
		OrderPlaced, OrderPaymentDue, OrderPaid, OrderCompleted, OrderRejected, OrderCancelled, OrderRefundRequested,
		OrderReturnRequested, OrderRestockRequested, OrderPointsReversalRequested, OrderReturned,
		InventoryReserved, InventoryRejected, InventoryRestocked, PaymentCaptured, PaymentFailed, PaymentRefunded,
		PointsAwarded, PointsFrozen, PointsRefused, PointsReversed, ProductChanged,
	}
}

// TypeNamed finds a type by its name; false for a name this version does not know.
func TypeNamed(name string) (Type, bool) {
	t, ok := byName[name]
	return t, ok
}

// byName is never written to.
var byName = func() map[string]Type {
	types := make(map[string]Type)
	for _, t := range Types() {
		types[t.Name] = t
	}
	return types
}()

// NewEvent makes the event of type t about the aggregate (an order), with the
// id "<aggregate>-<step>" and the aggregate as its subject.
func NewEvent(t Type, aggregate int64, m Message) (eventbus.Event, error) {
	id := eventID(strconv.AppendInt(make([]byte, 0, idRoom), aggregate, 10), t.Step)
	return event(t, id[:strings.LastIndexByte(id, '-')], id, m) // the subject is a part of it
}

// NewRefundEvent makes the event of type t about a refund of an order, with the
// id "<refund>-<step>" and the order as its subject.
func NewRefundEvent(t Type, order int64, refund string, m Message) (eventbus.Event, error) {
	return event(t, strconv.FormatInt(order, 10), eventID([]byte(refund), t.Step), m)
}

// NewProductChanged makes the event of one version of a product; its subject
// is the SKU.
func NewProductChanged(m *productv1.ProductChanged) (eventbus.Event, error) {
	return event(ProductChanged, m.Sku, eventID([]byte(m.Sku), int(m.Version)), m)
}

// idRoom holds an order's id and a step.
const idRoom = 32

func eventID(aggregate []byte, step int) string {
	return string(strconv.AppendInt(append(aggregate, '-'), int64(step), 10))
}

func event(t Type, subject, id string, m Message) (eventbus.Event, error) {
	payload, err := m.MarshalVT()
	if err != nil {
		return eventbus.Event{}, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	return eventbus.Event{ID: id, Type: t.Name, Subject: subject, Payload: payload}, nil
}

// ErrUnknownType is what Decode answers to a type this version does not know.
var ErrUnknownType = errors.New("unknown event type")

// Decode returns the typed payload of e.
func Decode(e eventbus.Event) (Message, error) {
	t, ok := TypeNamed(e.Type)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownType, e.Type)
	}
	m := t.empty()
	if err := m.UnmarshalVT(e.Payload); err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", e.Type, e.ID, err)
	}
	return m, nil
}

// DecodeAs decodes e's payload into a message of the type the caller knows it
// to be, e.g. DecodeAs[orderv1.OrderPlaced](e).
func DecodeAs[T any, M interface {
	*T
	Message
}](e eventbus.Event) (*T, error) {
	m := new(T)
	if err := M(m).UnmarshalVT(e.Payload); err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", e.Type, e.ID, err)
	}
	return m, nil
}
