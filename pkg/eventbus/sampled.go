package eventbus

import (
	"bytes"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"

	"souk.example/pkg/tracing"
)

// traced is how a trace context of version 00 begins in an event: its field, its
// length and its version.
var traced = append(protowire.AppendVarint(nil, eventTraceParent), traceParentLen, '0', '0', '-')

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
		for f, err := range fields(value) {
			if err != nil || f.tag != packEvents || !maySample(f.bytes) {
				continue
			}
			if e, ok := sampledEvent(f.bytes); ok && !yield(e) {
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
	for f, err := range fields(value) {
		if err != nil {
			break
		}
		switch f.tag {
		case eventType:
			name = f.bytes
		case eventSubject:
			subject = f.bytes
		case eventTraceParent:
			parent = f.bytes
		}
	}
	if !tracing.Sampled(parent) {
		return Event{}, false
	}
	return Event{Type: string(name), Subject: string(subject), TraceParent: string(parent)}, true
}
