package pubsub

import (
	"fmt"
	"runtime/debug"
)

// caught, which is deferred where the bus calls what others have written, logs
// and counts a panic in there. On a goroutine of the bus it would end the
// process, whatever the callers recover. What it was about may be private, so
// the log has its type and place only.
func (b *Bus) caught(what, topic string) {
	if p := recover(); p != nil {
		b.metrics.panics.Inc()
		b.cfg.Log.Error("broadcast handler panicked", "channel", b.cfg.Channel,
			"handler", what, "topic", topic, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
}
