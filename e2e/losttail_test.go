package e2e

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"souk.example/contracts"
)

// Kafka comes back without the last batches of every partition of the order
// flow, which it had acknowledged: power was cut, and they had not reached the
// disk. Whoever misses what they told asks again, so every order ends as if
// nothing had happened.
func TestKafkaLosesTheEndOfItsLog(t *testing.T) {
	if !native() || os.Getenv("SOUK_CHAOS") == "" {
		t.Skip("it takes minutes, and native engines: make chaos")
	}
	c := newChaos(t, ownSouk(t, "SOUK_NUDGE_AFTER=5s", "SOUK_ORDER_PAY_WITHIN=2m"), 1)
	t.Log(c.row(fault{name: "Kafka loses the end of its log", inflict: (*chaos).loseTail, accepts: 99, settles: 4 * time.Minute}))
}

func (c *chaos) loseTail() {
	broker := c.engine("kafka")
	kill9(c.t, broker.PID)
	eventually(c.t, patience, "kafka to end", func() bool { return ended(int32(broker.PID)) })
	lost := 0
	for _, topic := range []string{contracts.TopicOrder, contracts.TopicInventory, contracts.TopicPayment, contracts.TopicPoints} {
		logs, err := filepath.Glob(filepath.Join(c.souk.home, "native", "kafka", "data", topic+"-*", "*.log"))
		if err != nil || len(logs) == 0 {
			c.t.Fatalf("no log of %s: %v", topic, err)
		}
		for _, log := range logs {
			lost += cutLast(c.t, log, 5)
		}
	}
	c.t.Logf("%d batches of records are lost", lost)
	if lost < 20 {
		c.t.Errorf("void: only %d batches were there to lose", lost)
	}
	c.souk.infra(c.t, "up")
}

// cutLast takes the last n batches off a segment of a Kafka log, and returns
// how many that were. A batch begins with its first offset, in 8 bytes, and its
// length from there on, in 4 (kafka.apache.org/documentation/#recordbatch).
func cutLast(t *testing.T, path string, n int) int {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var begins []int
	for at := 0; at+12 <= len(raw); {
		length := int(binary.BigEndian.Uint32(raw[at+8:]))
		if length == 0 { // room that was set aside
			break
		}
		begins = append(begins, at)
		at += 12 + length
	}
	last := begins[max(0, len(begins)-n):]
	if len(last) == 0 {
		return 0
	}
	if err := os.Truncate(path, int64(slices.Min(last))); err != nil {
		t.Fatal(err)
	}
	return len(last)
}
