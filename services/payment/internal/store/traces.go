package store

import (
	"cmp"
	"strings"
	"sync"

	"souk.example/pkg/tracing"
)

// traces remembers to which trace a call belongs, sampled or not, from the
// transaction that adds it to the one that tells of its end: whoever brings the
// provider's word, the reply or a webhook, the order's trace goes on. Other
// processes' calls and those from before a start are not known here, and then it
// ends: it is not worth a column. Of two generations the older is dropped when
// the younger is full: calls that end elsewhere do not stay for good.
type traces struct {
	mu         sync.Mutex
	young, old map[string]string // traceparents, by the key of the call
}

// tracesMax bounds what is remembered: some 200 bytes each.
const tracesMax = 1 << 15

// keep remembers a call's trace, if it has one.
func (t *traces) keep(key, traceParent string) {
	if traceParent == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(key)
	if t.young == nil || len(t.young) >= tracesMax/2 {
		t.old, t.young = t.young, make(map[string]string)
	}
	t.young[key] = strings.Clone(traceParent) // it may be part of a whole event
}

// find returns a call's trace, "" if none is known.
func (t *traces) find(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return cmp.Or(t.young[key], t.old[key])
}

// forCall is find for the one who makes the call. Where none is known it is a
// new one that is not sampled: the call is a step of some trace, and begins none.
func (t *traces) forCall(key string) string {
	if known := t.find(key); known != "" {
		return known
	}
	return tracing.Unsampled()
}

func (t *traces) forget(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		t.drop(key)
	}
}

func (t *traces) drop(key string) {
	delete(t.young, key)
	delete(t.old, key)
}
