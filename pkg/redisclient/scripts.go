package redisclient

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Scripts is a package's Lua scripts by the names of their files without
// ".lua". It is read-only after LoadScripts, so safe for concurrent use.
//
// Pass ids and microsecond times to scripts as strings and return them as
// strings: real Redis prints Lua numbers from 1e14 on as 1e+14.
type Scripts map[string]*redis.Script

// LoadScripts reads every *.lua at the root of fsys, usually an embed.FS.
func LoadScripts(fsys fs.FS) (Scripts, error) {
	names, err := fs.Glob(fsys, "*.lua")
	if err != nil {
		return nil, fmt.Errorf("list scripts: %w", err)
	}
	scripts := make(Scripts, len(names))
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read script %s: %w", name, err)
		}
		scripts[strings.TrimSuffix(name, ".lua")] = redis.NewScript(string(src))
	}
	return scripts, nil
}

// Run runs the named script by its SHA and sends the source when the server
// does not know it, as after a restart. All keys stand in keys and share one
// slot. A name that was not loaded is an error of the returned command.
func (s Scripts) Run(ctx context.Context, rdb redis.Scripter, name string, keys []string, args ...any) *redis.Cmd {
	script, ok := s[name]
	if !ok {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(fmt.Errorf("redis script %q is not loaded", name))
		return cmd
	}
	return script.Run(ctx, rdb, keys, args...)
}
