package pubsub

import (
	"errors"
	"strconv"
	"strings"
)

// noFrame is the nonce of a channel without history.
const noFrame = "-"

// position names a frame: its place in the channel's history, and which
// history that is. The nonce alone identifies the frame; epoch and sequence
// say how it relates to others.
type position struct {
	epoch string // changes when Redis lost its memory
	seq   int64  // 1 for the first frame of an epoch, 0 before it
	nonce string // the frame's own, or noFrame
}

// origin is the position of a channel without history.
func origin() position { return position{nonce: noFrame} }

// frame is one broadcast as publish.lua sends it.
type frame struct {
	position
	before string // nonce of the frame before it
	body   string // JSON array of messages
}

var errFrame = errors.New("malformed broadcast")

// parseFrame splits "<epoch> <sequence> <nonce before> <nonce> <body>".
func parseFrame(payload string) (frame, error) {
	parts := strings.SplitN(payload, " ", 5)
	if len(parts) != 5 {
		return frame{}, errFrame
	}
	seq, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return frame{}, errFrame
	}
	return frame{position{parts[0], seq, parts[3]}, parts[2], parts[4]}, nil
}

// parsePosition splits "<epoch> <sequence> <nonce>".
func parsePosition(stored string) (position, error) {
	parts := strings.SplitN(stored, " ", 3)
	if len(parts) != 3 {
		return position{}, errFrame
	}
	seq, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return position{}, errFrame
	}
	return position{parts[0], seq, parts[2]}, nil
}
