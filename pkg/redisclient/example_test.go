package redisclient_test

import (
	"context"
	"fmt"

	"souk.example/pkg/redisclient"
)

func ExampleOpen() {
	client, err := redisclient.Open(context.Background(), redisclient.Config{Addrs: []string{"127.0.0.1:6379"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = client.Close() }()
	_ = client.Write() // for INCR, DEL, scripts: never retried
	fmt.Println("no connection is needed to open")
	// Output: no connection is needed to open
}
