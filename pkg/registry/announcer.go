package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"souk.example/pkg/redisclient"
)

// leaveLimit bounds the farewell of an Announcer that ends.
const leaveLimit = 2 * time.Second

// Announcer keeps one instance of a service in the registry while it runs.
type Announcer struct {
	registry *Registry
	service  string
	instance Instance
	body     []byte
}

// Announcer makes the Announcer of an instance. An error is ErrService or
// ErrInstance.
func (r *Registry) Announcer(service string, instance Instance) (*Announcer, error) {
	if err := checkService(service); err != nil {
		return nil, err
	}
	if err := instance.Validate(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(instance)
	if err != nil {
		return nil, fmt.Errorf("registry: encode instance: %w", err)
	}
	return &Announcer{registry: r, service: service, instance: instance, body: body}, nil
}

// Run announces the instance until ctx ends, then deregisters it and returns
// nil, or why it could not: the instance is then gone after the TTL. A beat
// that fails is tried again soon, so an outage of Redis shorter than the TTL
// is not noticed by anybody. Run once; the id is spent afterwards, and running
// again returns ErrDeregistered.
func (a *Announcer) Run(ctx context.Context) error {
	cfg := a.registry.cfg
	beats := redisclient.Outage{Log: cfg.Log.With("service", a.service), Begun: "heartbeats fail", Ended: "heartbeats arrive again"}
	for ctx.Err() == nil {
		wait := cfg.Beat
		gone, err := a.beat(ctx)
		if gone {
			return ErrDeregistered
		}
		if ctx.Err() == nil {
			beats.Note(ctx, err)
		}
		if err != nil {
			wait /= 10
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return a.leave(context.WithoutCancel(ctx))
}

// beat reports whether the instance has deregistered.
func (a *Announcer) beat(ctx context.Context) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.registry.cfg.Beat)
	defer cancel()
	reply, err := a.registry.run(ctx, "beat", a.service, a.instance.ID, a.body)
	a.registry.metrics.beats.WithLabelValues(a.service, outcome(err)).Inc()
	if err != nil || len(reply) < 3 {
		return false, err
	}
	left, _ := reply[2].(int64)
	return left == 1, nil
}

func (a *Announcer) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	_, err := a.registry.run(ctx, "leave", a.service, a.instance.ID)
	return err
}
