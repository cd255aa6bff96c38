package pubsub

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schema is the version of Message that this package writes. Messages of
// another version are refused and counted.
const Schema = 1

// Message is one hint. Keep it tiny: in a Redis Cluster every node gets it.
type Message struct {
	Schema  int       `json:"schema"`  // set by Publish
	Service string    `json:"service"` // who says it; set by Publish from Config.Service
	Topic   string    `json:"topic"`   // what it is about, e.g. "cache:product"
	Key     string    `json:"key,omitempty"`
	Version int64     `json:"version,omitempty"` // of Key, where the topic has versions
	Status  string    `json:"status,omitempty"`  // what happened, in the topic's own words
	Time    time.Time `json:"time"`              // set by Publish when zero
}

// position is a place in the channel's history.
type position struct {
	epoch string // changes when Redis lost its memory
	seq   int64  // 1 for the first broadcast of an epoch; 0 before it
}

// follows reports whether p is what comes right after last; the zero position
// is that of a channel without history.
func (p position) follows(last position) bool {
	if last == (position{}) {
		return p.seq == 1
	}
	return p.epoch == last.epoch && p.seq == last.seq+1
}

// ahead reports whether something was broadcast after last, or the epoch is
// another one.
func (p position) ahead(last position) bool {
	return p.epoch != last.epoch || p.seq > last.seq
}

var errFrame = errors.New("malformed broadcast")

// parseFrame splits what publish.lua sends: "<epoch> <seq> <JSON array>".
func parseFrame(payload string) (position, []Message, error) {
	epoch, rest, ok := strings.Cut(payload, " ")
	number, body, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return position{}, nil, errFrame
	}
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return position{}, nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	var messages []Message
	if err := json.Unmarshal([]byte(body), &messages); err != nil {
		return position{epoch, seq}, nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	return position{epoch, seq}, messages, nil
}
