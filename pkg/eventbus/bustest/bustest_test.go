package bustest_test

import (
	"testing"

	"go.uber.org/goleak"

	"souk.example/pkg/eventbus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	bustest.Suite(t, func(testing.TB, ...string) bustest.Bus { return bustest.Memory(4) })
}

func TestKafka(t *testing.T) {
	bustest.Suite(t, func(t testing.TB, topics ...string) bustest.Bus { return bustest.Kafka(t, topics...) })
}
