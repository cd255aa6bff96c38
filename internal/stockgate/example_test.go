package stockgate_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/internal/stockgate"
	"souk.example/pkg/redisclient"
)

// Inventory publishes that one unit is left; of two orders, one is admitted.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	rdb, err := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = rdb.Close() }()
	gates, err := stockgate.New(rdb)
	if err != nil {
		fmt.Println(err)
		return
	}
	begun := time.Now().Add(time.Hour) // an example that may take its time
	err = gates.Publish(ctx, stockgate.Sheet{Begun: begun, Gates: []stockgate.Gate{{SKU: "LAMP", Available: 1}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	lamp := []stockgate.Line{{SKU: "LAMP", Units: 1}}
	answers, err := gates.Admit(ctx, []stockgate.Ask{{User: 1, Key: "a", Order: 100, Lines: lamp}, {User: 2, Key: "b", Order: 101, Lines: lamp}})
	fmt.Println(answers[0].Verdict == stockgate.Held, answers[1].Verdict == stockgate.Wait, err)
	// Output: true true <nil>
}
