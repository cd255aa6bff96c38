// Package bustest tests what is built on eventbus, and eventbus's own
// implementations: [Memory] is a bus without a broker, [Kafka] one on a broker
// inside the test process, and [Suite] is the contract that both hold.
package bustest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"souk.example/pkg/eventbus"
)

// Bus is what a test needs of a bus: both ports and a view of the broker.
type Bus interface {
	eventbus.Publisher
	eventbus.Consumer
	// LogEnd returns, per partition, the offset its next record will get.
	LogEnd(ctx context.Context, topic string) (map[int32]int64, error)
	// Committed returns a group's offsets; a partition without one is absent.
	Committed(ctx context.Context, group string, topics ...string) (map[string]map[int32]int64, error)
}

// Name returns a name for a topic or a group that no other test and no earlier
// run has used, of the characters that Kafka takes and kfake does not check.
func Name(t testing.TB, what string) string {
	test := strings.Map(legal, t.Name())
	return fmt.Sprintf("%s.%s.%s", what, test[:min(len(test), 200)], strings.ToLower(rand.Text()[:10]))
}

func legal(r rune) rune {
	if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_') {
		return r
	}
	return '-'
}
