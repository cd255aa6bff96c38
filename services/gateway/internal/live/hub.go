// Package live shows customers their orders as they move, as server-sent events
// and over WebSocket.
//
// What a stream says is read from the order service, in the caller's name, when
// order hints over Redis that something of his has moved, and every few seconds in
// case a hint was lost. So a stream says nothing that is not committed, and says all
// of it, a little later when Redis is away.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/overload"
	"souk.example/pkg/redisclient"
)

// Config bounds a Hub.
type Config struct {
	Max     int `env:"SOUK_STREAMS" envDefault:"4000" usage:"most streams of orders at a time"`
	PerUser int `env:"SOUK_STREAMS_PER_USER" envDefault:"10" usage:"most streams of one user at a time"`
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	if c.Max < 1 || c.PerUser < 1 {
		return errors.New("SOUK_STREAMS and SOUK_STREAMS_PER_USER must be at least 1")
	}
	return nil
}

var errTooMany = apperr.New(apperr.TooMany, "too_many_streams", "as many streams are open as you may have").WithRetryAfter(retry)

// Hub wakes the streams of whoever's orders have moved. Make one with NewHub and run
// it; safe for concurrent use.
type Hub struct {
	cfg Config
	rdb *redisclient.Client
	log *slog.Logger

	mu   sync.Mutex
	open int
	ears map[int64]map[*ear]struct{} // by user
}

// NewHub makes a Hub that hears hints through rdb, and registers its figures.
func NewHub(cfg Config, rdb *redisclient.Client, log *slog.Logger, reg prometheus.Registerer) (*Hub, error) {
	h := &Hub{cfg: cfg, rdb: rdb, log: log, ears: make(map[int64]map[*ear]struct{})}
	return h, reg.Register(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "souk_gateway_streams", Help: "Streams of orders that are open."},
		func() float64 { h.mu.Lock(); defer h.mu.Unlock(); return float64(h.open) }))
}

// Run hears hints until ctx ends. A connection that fails is made again; what was
// said meanwhile the streams find out by themselves.
func (h *Hub) Run(ctx context.Context) error {
	hints := h.rdb.Read().Subscribe(ctx, contracts.MovedChannel)
	defer func() { _ = hints.Close() }()
	for heard := hints.Channel(); ; {
		select {
		case <-ctx.Done():
			return nil
		case hint, open := <-heard:
			if !open { // the client was closed before ctx ended
				return nil
			}
			h.hear([]byte(hint.Payload))
		}
	}
}

// hear wakes whoever a hint is for.
func (h *Hub) hear(hint []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == 0 {
		return
	}
	moved, err := contracts.DecodeMoved(hint)
	if err != nil {
		h.log.Warn("a hint is not understood", slog.Any("error", err))
		return
	}
	for _, m := range moved {
		for e := range h.ears[m.UserID] {
			e.hear(m.OrderID)
		}
	}
}

// room says why a user may not open a stream now, if so.
func (h *Hub) room(user int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.roomLocked(user)
}

func (h *Hub) roomLocked(user int64) error {
	if h.open >= h.cfg.Max {
		return overload.ErrOverloaded
	}
	if len(h.ears[user]) >= h.cfg.PerUser {
		return errTooMany
	}
	return nil
}

// listen opens an ear for a user's hints, if there still is room.
func (h *Hub) listen(user int64) (*ear, error) {
	e := &ear{hub: h, user: user, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.roomLocked(user); err != nil {
		return nil, err
	}
	if h.ears[user] == nil {
		h.ears[user] = make(map[*ear]struct{})
	}
	h.ears[user][e] = struct{}{}
	h.open++
	return e, nil
}

// ear is what one stream has heard and not looked into yet.
type ear struct {
	hub  *Hub
	user int64
	wake chan struct{}

	mu    sync.Mutex
	moved map[int64]struct{}
}

func (e *ear) hear(order int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.moved == nil {
		e.moved = make(map[int64]struct{})
	}
	e.moved[order] = struct{}{}
	select {
	case e.wake <- struct{}{}:
	default: // it is awake
	}
}

// take returns the orders heard of since the last call.
func (e *ear) take() map[int64]struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	moved := e.moved
	e.moved = nil
	return moved
}

func (e *ear) close() {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	e.hub.open--
	delete(e.hub.ears[e.user], e)
	if len(e.hub.ears[e.user]) == 0 {
		delete(e.hub.ears, e.user)
	}
}
