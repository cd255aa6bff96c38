// Package cachepeers compares souk's cache with the caches that Go programs
// put before a database: go-redis/cache, go-zero's cache, rockscache,
// rueidisaside and eko/gocache.
package cachepeers

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// product is what is cached.
type product struct {
	Name  string
	Price int64
	Tags  []string
}

// ttl is long enough that nothing expires by itself while a probe looks.
const ttl = 10 * time.Minute

type loader func(ctx context.Context) (product, error)

// store is what every cache can do: answer a key, loading it on a miss, and
// forget it after its source has changed.
type store interface {
	get(ctx context.Context, key string, load loader) (product, error)
	drop(ctx context.Context, key string) error
	close()
}

// library opens one process's store on the Redis at addr.
type library struct {
	name string
	open func(ctx context.Context, addr string) (store, error)
}

// Label implements compare.Library.
func (l library) Label() string { return l.name }

var errEmpty = errors.New("empty value")

// encode and decode are for libraries that hold strings; those that encode
// by themselves use JSON too.
func encode(p product, err error) (string, error) {
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(p)
	return string(data), err
}

func decode(data string, err error) (p product, _ error) {
	if err != nil {
		return p, err
	}
	if data == "" {
		return p, errEmpty
	}
	return p, json.Unmarshal([]byte(data), &p)
}
