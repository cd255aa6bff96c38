package eventbus

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"souk.example/pkg/eventbus/packpb"
)

// Encode packs events, which take source and at as their own: Source and Time
// of the events given are not read. Times are kept to the microsecond.
func Encode(source string, at time.Time, events []Event) ([]byte, error) {
	if err := check(source, events); err != nil {
		return nil, fmt.Errorf("encode pack: %w", err)
	}
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
	value, err := pack.MarshalVT()
	if err != nil {
		return nil, fmt.Errorf("encode pack: %w", err)
	}
	return value, nil
}

// Longest attributes, in bytes: receivers keep them in SQL columns.
const (
	maxSource    = 64
	maxAttribute = 255
)

// check holds a pack to the format's promises: a source, at least one event,
// and on each the attributes that receivers route and deduplicate by.
func check(source string, events []Event) error {
	if !isName(source, maxSource) {
		return fmt.Errorf("pack's source must be 1 to %d bytes of text", maxSource)
	}
	if len(events) == 0 {
		return errors.New("pack holds no events")
	}
	for i, e := range events {
		if !isName(e.ID, maxAttribute) || !isName(e.Type, maxAttribute) || !isName(e.Subject, maxAttribute) {
			return fmt.Errorf("id, type and subject of event %d must be 1 to %d bytes of text", i, maxAttribute)
		}
	}
	return nil
}

func isName(s string, maxLen int) bool {
	return s != "" && len(s) <= maxLen && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
