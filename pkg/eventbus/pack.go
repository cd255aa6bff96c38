package eventbus

import (
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/eventbus/packpb"
)

// Encode packs events, which take source and at as their own: Source and Time
// of the events given are not read. Times are kept to the microsecond.
func Encode(source string, at time.Time, events []Event) ([]byte, error) {
	pack := &packpb.Pack{
		Source: source,
		TimeUs: at.UnixMicro(),
		Events: make([]*packpb.Event, len(events)),
	}
	for i, e := range events {
		pack.Events[i] = &packpb.Event{
			Id:          e.ID,
			Type:        e.Type,
			Subject:     e.Subject,
			Traceparent: e.TraceParent,
			Nudge:       e.Nudge,
			Payload:     e.Payload,
		}
	}
	if err := check(pack); err != nil {
		return nil, fmt.Errorf("encode pack: %w", err)
	}
	value, err := pack.MarshalVT()
	if err != nil {
		return nil, fmt.Errorf("encode pack: %w", err)
	}
	return value, nil
}

// Decode unpacks what Encode packed, and refuses anything that Encode would
// not write. The events share no memory with value.
func Decode(value []byte) ([]Event, error) {
	pack := &packpb.Pack{}
	if err := pack.UnmarshalVT(value); err != nil {
		return nil, fmt.Errorf("decode pack: %w", err)
	}
	if err := check(pack); err != nil {
		return nil, fmt.Errorf("decode pack: %w", err)
	}
	at := time.UnixMicro(pack.TimeUs).UTC()
	events := make([]Event, len(pack.Events))
	for i, e := range pack.Events {
		events[i] = Event{
			ID:          e.Id,
			Source:      pack.Source,
			Type:        e.Type,
			Subject:     e.Subject,
			Time:        at,
			TraceParent: e.Traceparent,
			Nudge:       e.Nudge,
			Payload:     e.Payload,
		}
	}
	return events, nil
}

// check holds a pack to the format's promises: a source, at least one event,
// and on each the attributes that receivers route and deduplicate by.
func check(pack *packpb.Pack) error {
	if pack.Source == "" {
		return errors.New("pack names no source")
	}
	if len(pack.Events) == 0 {
		return errors.New("pack holds no events")
	}
	for i, e := range pack.Events {
		if e.GetId() == "" || e.GetType() == "" || e.GetSubject() == "" {
			return fmt.Errorf("event %d lacks its id, type or subject", i)
		}
	}
	return nil
}
