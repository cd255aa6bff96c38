package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

func (c *chaos) killServices() {
	for range c.rounds(8) {
		victim := c.anyOf(c.services())
		kill9(c.t, victim.PID)
		c.souk.awaitFree(c.t, portOf(c.t, victim), portOf(c.t, victim)+1000)
		c.wait(time.Duration(1+c.rand.IntN(3)) * time.Second)
		c.up()
	}
}

// pauseReplicas stops holders of leases for longer than a lease lasts, so that
// they wake up as zombies.
func (c *chaos) pauseReplicas() {
	const twoLeases = 7 * time.Second
	for range c.rounds(4) {
		victim := c.anyOf(c.services())
		c.stopped(victim.PID, twoLeases)
	}
}

// stopped stops a process for d.
func (c *chaos) stopped(pid int, d time.Duration) {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	c.wait(d)
}

// restartServices is a rolling restart, of one replica each in a short run:
// nobody is to notice.
func (c *chaos) restartServices() {
	all := c.services()
	if c.short {
		all = slices.DeleteFunc(all, func(s serviceStatus) bool { return s.Name != "psp" && s.Replica == 1 }) // of the provider there is one
	}
	for _, s := range all {
		if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil {
			c.t.Fatal(err)
		}
		if c.rand.IntN(2) == 0 { // up comes after it has ended, or while it still ends
			eventually(c.t, patience, s.Name+" to end", func() bool { return ended(int32(s.PID)) })
		}
		c.up()
	}
}

func (c *chaos) redis() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", c.souk.base+299)})
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

func (c *chaos) flushRedis() {
	client := c.redis()
	for range c.rounds(20) {
		if err := client.FlushAll(c.t.Context()).Err(); err != nil {
			c.t.Error(err)
		}
		c.wait(time.Second)
	}
}

// slowRedis has every command wait up to half a second.
func (c *chaos) slowRedis() {
	client := c.redis()
	for range c.rounds(20) {
		_ = client.Do(c.t.Context(), "CLIENT", "PAUSE", 500, "ALL").Err() // may itself be late
		c.wait(600 * time.Millisecond)
	}
}

func (c *chaos) engine(name string) engineStatus {
	for _, e := range c.souk.engines(c.t) {
		if e.Name == name {
			return e
		}
	}
	c.t.Fatalf("no engine %s", name)
	return engineStatus{}
}

// down kills an engine and starts it again after d.
func (c *chaos) down(name string, d time.Duration) {
	kill9(c.t, c.engine(name).PID)
	c.last(d)
	c.souk.infra(c.t, "up")
}

// pause lets an engine take connections and say nothing for d.
func (c *chaos) pause(name string, d time.Duration) {
	if c.short {
		d /= 4
	}
	c.stopped(c.engine(name).PID, d)
}

func (c *chaos) badProvider() {
	c.souk.misbehave(c.t, map[string]any{
		"seed": 1, "decline_rate": 0.3, "reply_loss_rate": 0.1, "timeout_rate": 0.05, "error_rate": 0.05,
		"webhook_duplicate_rate": 0.3, "webhook_shuffle_ms": 300,
	})
	c.last(20 * time.Second)
	c.souk.misbehave(c.t, map[string]any{})
}

// everything inflicts faults at random, two at a time at most.
func (c *chaos) everything() {
	short := *c
	short.short = true
	kinds := []func(*chaos){
		(*chaos).killServices, (*chaos).pauseReplicas, (*chaos).flushRedis, (*chaos).slowRedis, (*chaos).badProvider,
		func(c *chaos) { c.down("redis", 8*time.Second) },
		func(c *chaos) { c.down("kafka", 8*time.Second) },
		func(c *chaos) { c.pause("kafka", 8*time.Second) },
		func(c *chaos) { c.down("mariadb", 0) },
		func(c *chaos) { c.pause("mariadb", 8*time.Second) },
	}
	for range c.rounds(12) {
		kinds[c.rand.IntN(len(kinds))](&short)
	}
	c.up()
}

// loseReplies has one reply in a hundred lost, by the end of its connection and
// then by silence: what was asked is done, and nobody is told.
func (c *chaos) loseReplies(engine string) {
	for _, silent := range []bool{false, true} {
		lose(engine, 10, silent, func() { c.last(20 * time.Second) })
	}
}

// histories kills services while clients write down what they see of shelves,
// wallets and keys.
func (c *chaos) histories() {
	p := newScript(c.t, c.souk)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.play(c.t, c.rounds(80), 200*time.Millisecond)
	}()
	c.killServices()
	<-done
	p.histories.check(c.t, 16*c.rounds(80))
}
