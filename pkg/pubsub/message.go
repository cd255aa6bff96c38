package pubsub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"
)

// Schema is the version of Message that this package writes. Messages of
// another version are refused, counted, and logged once per version.
const Schema = 1

// Message is one hint. Keep it tiny: in a Redis Cluster every node gets it.
type Message struct {
	Schema  int    `json:"schema"`  // set by Publish
	Service string `json:"service"` // who says it; set by Publish from Config.Service
	Topic   string `json:"topic"`   // what it is about, e.g. "cache:product"
	Key     string `json:"key,omitempty"`
	// Version of Key, where the topic has versions: a subscription skips a
	// message unless it is newer than what it has handled for the key. Zero
	// means that there is none, and nothing is skipped.
	Version int64     `json:"version,omitempty"`
	Status  string    `json:"status,omitempty"` // what happened, in the topic's own words
	Time    time.Time `json:"time"`             // set by Publish when zero
}

func (m Message) validate() error {
	switch {
	case m.Topic == "":
		return fmt.Errorf("%w: no topic", ErrMessage)
	case len(m.Topic) > maxKey || len(m.Key) > maxKey:
		return fmt.Errorf("%w: topic or key is longer than %d bytes", ErrMessage, maxKey)
	case !utf8.ValidString(m.Topic) || !utf8.ValidString(m.Key):
		return fmt.Errorf("%w: topic or key is not UTF-8, which JSON would change", ErrMessage)
	case m.Version < 0:
		return fmt.Errorf("%w: version %d", ErrMessage, m.Version)
	}
	return nil
}

// encode writes the messages as JSON objects separated by commas.
func (b *Bus) encode(messages []Message) ([]byte, error) {
	var out bytes.Buffer
	now := time.Now().UTC()
	for i, m := range messages {
		if err := m.validate(); err != nil {
			return nil, err
		}
		m.Schema, m.Service = Schema, b.cfg.Service
		if m.Time.IsZero() {
			m.Time = now
		}
		object, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMessage, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(object)
	}
	if out.Len() > b.cfg.MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes of messages, at most %d", ErrTooLarge, out.Len(), b.cfg.MaxBytes)
	}
	return out.Bytes(), nil
}

// decode reads a frame's messages and leaves out those that it must refuse.
func (b *Bus) decode(body string) []Message {
	var messages []Message
	if json.Unmarshal([]byte(body), &messages) == nil {
		return b.known(messages)
	}
	// One message may have a shape of the future; its neighbours need not.
	var objects []json.RawMessage
	if err := json.Unmarshal([]byte(body), &objects); err != nil {
		b.refuse(0, err)
		return nil
	}
	messages = nil
	for _, object := range objects {
		var m Message
		if err := json.Unmarshal(object, &m); err != nil {
			b.refuse(schemaOf(object), err)
			continue
		}
		messages = append(messages, m)
	}
	return b.known(messages)
}

func (b *Bus) known(messages []Message) []Message {
	kept := messages[:0]
	for _, m := range messages {
		if m.Schema != Schema {
			b.refuse(m.Schema, nil)
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// schemaOf returns the version of a message that cannot be read, or 0.
func schemaOf(object []byte) int {
	var m struct{ Schema int }
	_ = json.Unmarshal(object, &m)
	return m.Schema
}

func (b *Bus) refuse(schema int, err error) {
	b.metrics.refused.Inc()
	if b.refusal.first(schema) {
		b.cfg.Log.Warn("broadcast refused", "channel", b.cfg.Channel, "schema", schema, "known", Schema, "error", err)
	}
}

// refusals remembers which versions were already complained about.
type refusals struct {
	mu   sync.Mutex
	seen map[int]bool
}

// maxRefusals bounds the log against a sender of random versions.
const maxRefusals = 32

func (r *refusals) first(schema int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[schema] || len(r.seen) >= maxRefusals {
		return false
	}
	if r.seen == nil {
		r.seen = make(map[int]bool)
	}
	r.seen[schema] = true
	return true
}
