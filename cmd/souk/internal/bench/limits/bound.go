package limits

import "souk.example/contracts"

// Operation is something that an engine does for an order.
type Operation string

// The operations. Rows are written and read in transactions of batch rows.
const (
	HTTPRequest  Operation = "http_request"  // answered by an empty handler
	RedisSlot    Operation = "redis_slot"    // a user's slot taken and given back, four commands of two pipelines
	RedisScript  Operation = "redis_script"  // an EVALSHA in a pipeline
	KafkaProduce Operation = "kafka_produce" // an event, in packs, acknowledged
	KafkaConsume Operation = "kafka_consume" // an event, in packs, read and decoded
	InsertOrder  Operation = "insert_order"  // a row with the columns and the keys of orders
	InsertRow    Operation = "insert_row"    // a row of half a dozen columns and one key
	UpdateOrder  Operation = "update_order"  // a row of orders moved on as all others are, one statement for the batch
	UpdateRow    Operation = "update_row"    // a row of numbers that is locked, raised as all others are
	UpsertRow    Operation = "upsert_row"    // a row of numbers, raised or made
)

// batch is how many requests or events the flow has in one transaction at best
// (groupcommit.Config.BatchMax), and so the rows of one here.
const batch = 1000

// packed is how many of a batch's events share a pack: it has one for each partition.
const packed = batch / contracts.Partitions

// Course is the way that orders go.
type Course struct {
	Gateway bool // they come through the gateway
	Hot     bool // they are all for one product, not for a thousand
}

// rows is how many rows of products a batch touches, for each order of it: of a
// thousand products, 1,000 orders are for 1000·(1−0.999^1000) different ones.
func (c Course) rows() float64 {
	if c.Hot {
		return 1.0 / batch
	}
	return 0.632
}

func (c Course) requests() float64 {
	if c.Gateway {
		return 2
	}
	return 1
}

// Need is how often an order makes an operation, and why.
type Need struct {
	Operation Operation
	Count     float64
	Why       string
}

// Needs is the whole arithmetic of the bound: what one order of one unit, paid
// from the wallet, must do from POST to COMPLETED in batches that are full.
// What only looks and finds nothing (is it parked? was it decided before?) is
// left out, and so is what a batch does once (progress, leases, commits' flush).
func Needs(c Course) []Need {
	return []Need{
		{HTTPRequest, c.requests(), "POST /v1/orders at the order service, and at the gateway before it"},
		{RedisSlot, 1, "order, holds: Take before the intake, Release once paid"},
		{RedisScript, 0, "order, holds: review.lua, only for users beyond the cap"},
		{KafkaProduce, 7, "order: placed, payment_due, paid, completed; inventory: reserved; payment: captured; points: awarded"},
		{KafkaConsume, 15, "order's four by inventory, payment and points; their three by order"},

		{InsertOrder, 1, "order, store: Insert"},
		{UpdateOrder, 3, "order, store: Save to RESERVED, PAID and COMPLETED, of orders that are remembered"},

		{InsertRow, 1, "inventory, store: reservation"},
		{UpdateOrder, 1, "inventory, store: reservation, committed once paid: all alike"},
		{UpdateRow, 2 * c.rows(), "inventory, store: stock, when reserved and when sold, once for each product of the batch"},
		{InsertRow, 2 * c.rows(), "inventory, store: stock_ledger, as often"},

		{InsertRow, 2, "payment, store: payment and ledger_entry"},
		{UpdateRow, 1, "payment, store: wallet"},

		{InsertRow, 1, "points, store: points_entry"},
		{UpsertRow, 1, "points, store: points_account"},

		{InsertRow, 2 * 7.0 / packed, "outbox: event_log and outbox, a row of each for each pack"},
	}
}

// Counts adds up the needs by operation.
func Counts(c Course) map[Operation]float64 {
	counts := make(map[Operation]float64)
	for _, n := range Needs(c) {
		counts[n.Operation] += n.Count
	}
	return counts
}
