package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"

	"souk.example/internal/embedded"
)

func Example() {
	dir, _ := os.MkdirTemp("", "embedded-")
	defer os.RemoveAll(dir)
	engines, err := embedded.Start(embedded.Config{Dir: dir, Topics: []string{"orders"}, Partitions: 4}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engines.Close()

	rdb := redis.NewClient(&redis.Options{Addr: engines.RedisAddr()})
	defer rdb.Close()
	fmt.Println(rdb.Ping(context.Background()).Val())
	// Output: PONG
}
