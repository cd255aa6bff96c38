package redisclient

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Quiet stops go-redis from printing every failed dial to standard error,
// which floods it while Redis is away; the callers log what a failure means.
// The logger is the process's own and unguarded: call Quiet at the start of
// main, before the first Open.
func Quiet() { redis.SetLogger(nothing{}) }

type nothing struct{}

func (nothing) Printf(context.Context, string, ...any) {}
