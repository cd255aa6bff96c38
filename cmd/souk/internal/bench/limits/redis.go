package limits

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var luaFiles embed.FS

const (
	slotUsers = 1000        // who take turns
	slotsEach = 100         // more than one ever has
	slotLife  = time.Minute // of a key that a killed run leaves behind
)

// redis measures what order's count of open orders costs, and a script that
// would do the same.
func (m meter) redis(ctx context.Context) (_ []Limit, err error) {
	engine, err := m.engine("redis")
	if err != nil {
		return nil, err
	}
	cfg := m.stack.Redis
	cfg.IOTimeout = stepWait // a pipeline of scripts keeps an embedded Redis busy for longer than a service would wait
	client, err := redisclient.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	defer cleanup(ctx, &err, func(ctx context.Context) error { return forgetSlots(ctx, client.Write()) })
	script, err := slotScript(ctx, client)
	if err != nil {
		return nil, err
	}
	plain, err := m.measure(ctx, RedisSlot, engine, spin(m.cfg.Duration, takeAndFree(client.Write())))
	if err != nil {
		return nil, err
	}
	scripted, err := m.measure(ctx, RedisScript, engine, spin(m.cfg.Duration, takeByScript(client.Write(), script)))
	return []Limit{plain, scripted}, err
}

func slotScript(ctx context.Context, client *redisclient.Client) (*redis.Script, error) {
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	s := scripts["slot"]
	return s, s.Load(ctx, client.Write()).Err()
}

func slotKey(worker, i int) string { return fmt.Sprintf("souk:bench:{%d}", (worker*batch+i)%slotUsers) }

func slotMember(worker, i int) string { return fmt.Sprintf("%08d%08d", worker, i) }

// takeAndFree takes a batch's slots in one pipeline and frees them in another.
func takeAndFree(rdb redis.UniversalClient) step {
	return func(ctx context.Context, worker int) (int, error) {
		till := float64(time.Now().Add(slotLife).UnixMilli())
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range batch {
				key := slotKey(worker, i)
				p.ZAddNX(ctx, key, redis.Z{Score: till, Member: slotMember(worker, i)})
				p.ZCard(ctx, key)
				p.PExpire(ctx, key, slotLife)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		_, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range batch {
				p.ZRem(ctx, slotKey(worker, i), slotMember(worker, i))
			}
			return nil
		})
		return batch, err
	}
}

func takeByScript(rdb redis.UniversalClient, s *redis.Script) step {
	return func(ctx context.Context, worker int) (int, error) {
		now := time.Now()
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range batch {
				s.EvalSha(ctx, p, []string{slotKey(worker, i)}, slotsEach, now.UnixMilli(), now.Add(slotLife).UnixMilli(), slotMember(worker, i))
			}
			return nil
		})
		return batch, err
	}
}

func forgetSlots(ctx context.Context, rdb redis.UniversalClient) error {
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for user := range slotUsers {
			p.Del(ctx, slotKey(0, user))
		}
		return nil
	})
	return err
}
