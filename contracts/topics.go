// Package contracts is the only vocabulary services share: topics, event
// types with their frozen step numbers, typed payloads, the partitioner and
// the stable error codes of the public API.
//
// Everything here is a promise to events already written and to clients
// already deployed: add freely, never renumber, rename or reuse.
package contracts

import "hash/fnv"

// One topic per event source; product.changed stands apart because its key is
// the SKU and its readers want nothing else.
const (
	TopicOrder     = "souk.order.v1"
	TopicInventory = "souk.inventory.v1"
	TopicPayment   = "souk.payment.v1"
	TopicPoints    = "souk.points.v1"
	TopicProduct   = "souk.product.v1"
)

// Topics lists every topic, for provisioning.
func Topics() []string {
	return []string{TopicOrder, TopicInventory, TopicPayment, TopicPoints, TopicProduct}
}

// The consumer groups: one per service, and one for order's copy of the prices.
const (
	GroupOrder       = "order"
	GroupOrderPrices = "order-prices"
	GroupInventory   = "inventory"
	GroupPayment     = "payment"
	GroupPoints      = "points"
)

// Groups lists every consumer group, for provisioning.
func Groups() []string {
	return []string{GroupOrder, GroupOrderPrices, GroupInventory, GroupPayment, GroupPoints}
}

// ReadBy lists the topics that a group reads; none for an unknown group.
func ReadBy(group string) []string {
	switch group {
	case GroupOrder:
		return []string{TopicInventory, TopicPayment, TopicPoints}
	case GroupOrderPrices:
		return []string{TopicProduct}
	case GroupInventory, GroupPayment, GroupPoints:
		return []string{TopicOrder}
	default:
		return nil
	}
}

// SentBy names the service that alone sends to a topic; "" for an unknown one.
func SentBy(topic string) string {
	switch topic {
	case TopicOrder:
		return "order"
	case TopicInventory, TopicProduct:
		return "inventory"
	case TopicPayment:
		return "payment"
	case TopicPoints:
		return "points"
	default:
		return ""
	}
}

// Partitions is the number of partitions of each topic: a broker's cost is per
// record and partition, and a service has at most as many consuming replicas.
// Growing it on a living topic breaks the order per key: make a new topic version
// and drain the old one.
const Partitions = 4

// Partition maps an event's subject to a partition of n: FNV-1a (32 bit)
// modulo n. It is frozen: producers of every version must agree.
func Partition(subject string, n int32) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(subject))
	return int32(h.Sum32() % uint32(n))
}
