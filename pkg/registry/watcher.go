package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
)

// List is a service's instances at one moment, by id. It is never changed, so
// two equal pointers are one list.
type List struct {
	Version   int64 // 0 before the first look that found any
	Instances []Instance
}

// Watcher keeps the list of one service. Safe for concurrent use.
type Watcher struct {
	registry *Registry
	service  string
	list     atomic.Pointer[List]
	ready    chan struct{} // closed after the first look
	looked   sync.Once     // closes ready
	running  atomic.Bool
	wake     chan struct{}
}

// Watch makes the Watcher of a service, with an empty list until it runs. An
// error is ErrService.
func (r *Registry) Watch(service string) (*Watcher, error) {
	if err := checkService(service); err != nil {
		return nil, err
	}
	w := &Watcher{registry: r, service: service, ready: make(chan struct{}), wake: make(chan struct{}, 1)}
	w.list.Store(&List{})
	return w, nil
}

// List returns the last good list. It does not block and allocates nothing.
func (w *Watcher) List() *List { return w.list.Load() }

// Ready is closed once Redis has told the list for the first time.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Run keeps the list until ctx ends and returns nil: it looks at once, when a
// change is broadcast, and every Config.Look. While it runs, another call
// returns ErrRunning.
func (w *Watcher) Run(ctx context.Context) error {
	if !w.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer w.running.Store(false)
	sub := w.registry.bus.Subscribe(topic, pubsub.Handler{
		Message: func(m pubsub.Message) {
			if m.Key == w.service && m.Version > w.List().Version {
				w.signal()
			}
		},
		Resync: w.signal,
	})
	defer sub.Close()
	cfg := w.registry.cfg
	looks := redisclient.Outage{Log: cfg.Log.With("service", w.service), Begun: "list of a service is not read", Ended: "list of a service is read again"}
	for ctx.Err() == nil {
		wait, err := cfg.Look, w.look(ctx)
		if ctx.Err() == nil {
			looks.Note(ctx, err)
		}
		if err == nil {
			w.looked.Do(func() { close(w.ready) })
		} else {
			wait /= 10
		}
		w.wait(ctx, wait)
	}
	return nil
}

func (w *Watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // a look is due already
	}
}

func (w *Watcher) wait(ctx context.Context, limit time.Duration) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-t.C:
	}
}

// look reads the list.
func (w *Watcher) look(ctx context.Context) error {
	r := w.registry
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Look)
	defer cancel()
	reply, err := r.run(ctx, "look", w.service)
	r.metrics.looks.WithLabelValues(w.service, outcome(err)).Inc()
	if err != nil || len(reply) < 5 {
		return err
	}
	found := instances(reply[3])
	if whole, _ := reply[2].(int64); whole == 1 {
		w.keep(&List{Version: number(reply[0]), Instances: sorted(found)})
		return nil
	}
	// Redis may have lost the list: who is on ours may yet say that it lives.
	left, _ := reply[4].([]any)
	for _, i := range w.List().Instances {
		if _, listed := found[i.ID]; !listed && !slices.Contains(left, any(i.ID)) {
			found[i.ID] = i
		}
	}
	w.keep(&List{Version: max(number(reply[0]), w.List().Version), Instances: sorted(found)})
	return nil
}

// keep replaces the list by one that differs.
func (w *Watcher) keep(next *List) {
	same := slices.EqualFunc(next.Instances, w.List().Instances, func(a, b Instance) bool {
		return a.ID == b.ID && a.URL == b.URL && a.Weight == b.Weight && a.Version == b.Version && maps.Equal(a.Labels, b.Labels)
	})
	if !same || next.Version != w.List().Version {
		w.list.Store(next)
		w.registry.metrics.instances.WithLabelValues(w.service).Set(float64(len(next.Instances)))
	}
}

// instances decodes what it can; what a later version of this package wrote
// in another form is left out.
func instances(reply any) map[string]Instance {
	texts, _ := reply.([]any)
	found := make(map[string]Instance, len(texts))
	for _, text := range texts {
		var i Instance
		body, _ := text.(string)
		if json.Unmarshal([]byte(body), &i) == nil && i.Validate() == nil {
			found[i.ID] = i
		}
	}
	return found
}

func sorted(found map[string]Instance) []Instance {
	return slices.SortedFunc(maps.Values(found), func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
}
