package eventbus

import (
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Tags of fields in pack.proto. One that is not here, a known number with
// another kind included, is passed over.
const (
	bytesField  = uint64(protowire.BytesType)
	varintField = uint64(protowire.VarintType)

	packSource = 1<<3 | bytesField
	packTime   = 2<<3 | varintField
	packEvents = 3<<3 | bytesField

	eventID          = 1<<3 | bytesField
	eventType        = 2<<3 | bytesField
	eventSubject     = 3<<3 | bytesField
	eventTraceParent = 4<<3 | bytesField
	eventNudge       = 5<<3 | varintField
	eventPayload     = 6<<3 | bytesField
)

// Decode unpacks what Encode packed, and refuses what lacks something that Encode
// always writes. Fields that it does not know, a later version's, are passed over.
// The payloads are parts of value, which must not change while they
// are in use.
//
// A group unpacks every event of its topics and passes over many, so this is
// done by hand: one object per event, where generated code makes six.
func Decode(value []byte) ([]Event, error) {
	events, err := decode(value)
	if err != nil {
		return nil, fmt.Errorf("decode pack: %w", err)
	}
	return events, nil
}

func decode(value []byte) ([]Event, error) {
	source, at := "", time.UnixMicro(0).UTC()
	events := make([]Event, 0, countEvents(value))
	for f, err := range fields(value) {
		if err != nil {
			return nil, err
		}
		switch f.tag {
		case packSource:
			source = string(f.bytes)
		case packTime:
			at = time.UnixMicro(int64(f.varint)).UTC()
		case packEvents:
			events = append(events, Event{})
			if err := events[len(events)-1].decode(f.bytes); err != nil {
				return nil, err
			}
		}
	}
	for i := range events {
		events[i].Source, events[i].Time = source, at
	}
	return events, check(source, events)
}

func countEvents(value []byte) (n int) {
	for f, err := range fields(value) {
		if err == nil && f.tag == packEvents {
			n++
		}
	}
	return n
}

// decode reads an event. Its texts are parts of one copy of it.
func (e *Event) decode(value []byte) error {
	text := string(value)
	for f, err := range fields(value) {
		if err != nil {
			return err
		}
		end := f.start + len(f.bytes)
		switch f.tag {
		case eventID:
			e.ID = text[f.start:end]
		case eventType:
			e.Type = text[f.start:end]
		case eventSubject:
			e.Subject = text[f.start:end]
		case eventTraceParent:
			e.TraceParent = text[f.start:end]
		case eventNudge:
			e.Nudge = f.varint != 0
		case eventPayload:
			e.Payload = value[f.start:end:end]
		}
	}
	return nil
}

// field is one of a message's fields.
type field struct {
	tag    uint64
	start  int    // of bytes, in the message
	bytes  []byte // also of text and messages
	varint uint64
}

// fields yields a message's fields, up to what is none; that is an error.
func fields(message []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for at := 0; at < len(message); {
			f, n := fieldAt(message, at)
			if n < 0 {
				yield(f, protowire.ParseError(n))
				return
			}
			if !yield(f, nil) {
				return
			}
			at = n
		}
	}
}

// fieldAt reads the field that begins at a place in the message, and where the
// next one does; below 0 there is none.
func fieldAt(message []byte, at int) (f field, next int) {
	number, kind, n := protowire.ConsumeTag(message[at:])
	if n < 0 {
		return f, n
	}
	f.tag = protowire.EncodeTag(number, kind)
	at += n
	switch kind {
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(message[at:])
		f.start = at + n - len(f.bytes)
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(message[at:])
	default:
		n = protowire.ConsumeFieldValue(number, kind, message[at:])
	}
	if n < 0 {
		return f, n
	}
	return f, at + n
}
