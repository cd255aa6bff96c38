// Package eventbus is the line between souk and its message broker: events,
// the packs they travel in, and two small ports, [Publisher] and [Consumer].
//
// A record on the broker is a pack: one or more events of one topic, one
// partition and one transaction. Producers see packs, handlers see events.
// Delivery is at least once and a partition keeps its order; nothing here
// promises more, so receivers decide by their own keys what is already done.
//
// Package kafka implements the ports with Kafka, package bustest in memory,
// and bustest.Suite is the contract of both, as tests.
package eventbus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Event is one fact, with the attributes that CloudEvents names. ID is unique
// within Source, and an event that is sent again keeps its ID.
type Event struct {
	ID      string
	Source  string
	Type    string // for example "order.placed.v1"
	Subject string // the key: events of one subject keep their order
	Time    time.Time
	// TraceParent is the W3C trace context of the request that caused the
	// event, or "".
	TraceParent string
	// Nudge marks an event that its sender has sent before and waits on.
	Nudge   bool
	Payload []byte
}

// Record is one pack at its place on the broker. A publisher reads Topic,
// Partition, Value and Replay; Offset and Schema are the consumer's.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Value     []byte
	// Schema is the version of the pack format the producer named, or "" when
	// it named none.
	Schema string
	// Replay names the one group that a record is sent again for; all others
	// skip it. Empty: something has just happened, and all groups are told.
	Replay string
}

// SchemaVersion is the version of the pack format that Encode writes.
const SchemaVersion = "1"

// ContentType names the pack format in the records' headers.
const ContentType = "application/protobuf; proto=souk.events.v1.Pack"

// Events decodes the record. A record of another schema version is refused,
// not guessed at.
func (r Record) Events() ([]Event, error) {
	if r.Schema != "" && r.Schema != SchemaVersion {
		return nil, fmt.Errorf("pack of schema version %q, want %q", r.Schema, SchemaVersion)
	}
	return Decode(r.Value)
}

// Publisher sends records to the partitions they name.
type Publisher interface {
	// Publish blocks until every record is acknowledged by the broker or has
	// failed, or ctx ends. It returns nil when all are acknowledged, else a
	// slice aligned with records. A record whose error is not nil may have
	// been stored all the same: send it again. Records of one partition are
	// stored in the order given. It is safe for concurrent use.
	Publish(ctx context.Context, records []Record) []error
}

// Consumer reads topics as a member of a group.
type Consumer interface {
	// Consume joins the group and calls claim in a goroutine of its own for
	// every partition this member is given, until ctx ends; then it waits for
	// the claims to return, leaves the group and returns nil. An error means
	// that consumption cannot go on. The member's partitions may change while
	// it runs; a claim that returns early, error or not, gives its partition
	// up only until the group hands it out again.
	Consume(ctx context.Context, group string, topics []string, claim func(ctx context.Context, c Claim) error) error
}

// Claim is one partition while it belongs to this member. The function that
// received it must return when its context ends or Records is closed.
type Claim interface {
	Topic() string
	Partition() int32
	// InitialOffset is the offset at which this claim starts to read: the
	// group's committed one, or the oldest of the log.
	InitialOffset() int64
	// LogEnd is the offset the next record of the partition will get, as far
	// as this claim has seen.
	LogEnd() int64
	// Records yields the partition's records in order and is closed when the
	// claim ends.
	Records() <-chan Record
	// Commit has the group go on at the offset next: one above the last record
	// that is done with. It does not wait for the broker, which is told a
	// quarter of a second later, and when a claim ends: whoever is killed
	// meanwhile gets records again. It never lowers what is stored. Once the
	// function that was given the claim has returned, it changes nothing and
	// fails with ErrClaimEnded. It may be called from any goroutine.
	Commit(next int64) error
}

// ErrClaimEnded is returned by Commit on a claim that its member has given up.
// The records come again, to whoever has the partition now.
var ErrClaimEnded = errors.New("eventbus: claim ended")
