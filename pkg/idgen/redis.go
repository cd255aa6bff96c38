package idgen

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/redisclient"
)

//go:embed *.lua
var luaFiles embed.FS

type inRedis struct {
	rdb     *redisclient.Client
	scripts redisclient.Scripts
	key     string
}

// InRedis keeps leases in the hash that key names, for processes without a
// database. When Redis has lost the hash or runs anew, maybe with an older copy
// of it (an append-only file of a second ago, a replica that lagged and was
// promoted), and at the very first start, no number is leased for one TTL from
// the first attempt: by then the last of the lost leases has ended. Meanwhile
// leases that Redis knows and that had not ended are renewed; processes whose
// lease it lost have no ids.
//
// Unlike InSQL it relies on Redis: that its clock is not behind that of the lost
// memory, on another server neither; that a master which was replaced grants
// nothing more; and that a new run has a new run id, which scripts can read by
// INFO. Where they cannot, or an older copy is loaded into a running server, an
// older copy is not noticed, and the leases it lacks may be granted twice.
//
// An error is ErrName for an empty key, or ErrConfig for a client that is nil.
func InRedis(rdb *redisclient.Client, key string) (Leases, error) {
	switch {
	case key == "":
		return nil, ErrName
	case rdb == nil:
		return nil, fmt.Errorf("%w: the client is nil", ErrConfig)
	}
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, err
	}
	return inRedis{rdb, scripts, key}, nil
}

func (r inRedis) Take(ctx context.Context, first, end int, owner string, ttl time.Duration) (Grant, error) {
	row, err := r.run(ctx, "take", first, end, ttl.Milliseconds(), owner)
	if err != nil {
		return Grant{}, err
	}
	if len(row) != 5 {
		return Grant{}, ErrNoneFree
	}
	return Grant{Worker: int(row[0]), Term: row[1], After: row[2], HighWater: row[3], Now: database.Time(row[4])}, nil
}

func (r inRedis) Extend(ctx context.Context, held Grant, ttl time.Duration) (Grant, error) {
	row, err := r.run(ctx, "extend", held.Worker, held.Term, ttl.Milliseconds())
	if err != nil {
		return Grant{}, err
	}
	if len(row) != 2 {
		return Grant{}, ErrTaken
	}
	held.HighWater, held.Now = row[0], database.Time(row[1])
	return held, nil
}

func (r inRedis) Free(ctx context.Context, held Grant, used int64) error {
	if err := r.scripts.Run(ctx, r.rdb.Write(), "free", []string{r.key}, held.Worker, held.Term, used).Err(); err != nil {
		return fmt.Errorf("free worker %d: %w", held.Worker, err)
	}
	return nil
}

// run returns the numbers that a script gives as text.
func (r inRedis) run(ctx context.Context, script string, args ...any) ([]int64, error) {
	texts, err := r.scripts.Run(ctx, r.rdb.Write(), script, []string{r.key}, args...).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("%s worker lease: %w", script, err)
	}
	row := make([]int64, len(texts))
	for i, text := range texts {
		if row[i], err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("%s worker lease: %w", script, err)
		}
	}
	return row, nil
}
