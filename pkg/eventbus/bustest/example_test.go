package bustest_test

import (
	"context"
	"fmt"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
)

func ExampleMemory() {
	bus := bustest.Memory(1)
	ctx, stop := context.WithCancel(context.Background())
	bus.Publish(ctx, []eventbus.Record{{Topic: "greetings", Value: []byte("hello")}})
	_ = bus.Consume(ctx, "readers", []string{"greetings"}, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			fmt.Printf("%s/%d@%d: %s\n", r.Topic, r.Partition, r.Offset, r.Value)
			stop()
		}
		return nil
	})
	// Output: greetings/0@0: hello
}
