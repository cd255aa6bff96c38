package eventbus

import (
	"bytes"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"

	"souk.example/pkg/tracing"
)

// Numbers of fields in pack.proto.
const (
	packEvents       = 3
	eventType        = 2
	eventSubject     = 3
	eventTraceParent = 4
)

// traced is how a trace context of version 00 begins in an event: its field, its
// length and its version.
var traced = append(protowire.AppendTag(nil, eventTraceParent, protowire.BytesType), traceParentLen, '0', '0', '-')

// traceParentLen is that of a trace context of version 00.
const traceParentLen = 55

// Sampled yields the events of a pack whose traces are sampled, without their
// payloads, their ids, their source and their time. It reads no more than it
// must, so that others cost next to nothing, and no memory. In what Decode would
// refuse it finds what it can.
func Sampled(value []byte) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		if !maySample(value) {
			return
		}
		for number, field := range fields(value) {
			if number != packEvents || !maySample(field) {
				continue
			}
			if e, ok := sampledEvent(field); ok && !yield(e) {
				return
			}
		}
	}
}

// maySample reports whether anything in value looks like a sampled event's trace
// context; a payload may look like one too.
func maySample(value []byte) bool {
	for {
		at := bytes.Index(value, traced)
		if at < 0 {
			return false
		}
		value = value[at+2:]
		if len(value) >= traceParentLen && tracing.Sampled(value[:traceParentLen]) {
			return true
		}
	}
}

func sampledEvent(value []byte) (e Event, sampled bool) {
	var name, subject, parent []byte
	for number, field := range fields(value) {
		switch number {
		case eventType:
			name = field
		case eventSubject:
			subject = field
		case eventTraceParent:
			parent = field
		}
	}
	if !tracing.Sampled(parent) {
		return Event{}, false
	}
	return Event{Type: string(name), Subject: string(subject), TraceParent: string(parent)}, true
}

// fields yields a message's fields of bytes and text.
func fields(message []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(message) > 0 {
			number, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			message = message[n:]
			var field []byte
			if kind == protowire.BytesType {
				field, n = protowire.ConsumeBytes(message)
			} else {
				n = protowire.ConsumeFieldValue(number, kind, message)
			}
			if n < 0 || field != nil && !yield(number, field) {
				return
			}
			message = message[n:]
		}
	}
}
