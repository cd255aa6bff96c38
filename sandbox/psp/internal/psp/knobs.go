package psp

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"souk.example/pkg/apperr"
)

// Knobs make ordinary charges misbehave at a rate. What befalls a charge
// follows from the seed and its key, so a run can be repeated. Rates are 0 to
// 1; the zero value is a provider without fault.
type Knobs struct {
	ErrorRate            float64 // a call is answered 503, without effect; each call anew
	TimeoutRate          float64 // the first call hangs, without effect
	ReplyLossRate        float64
	DeclineRate          float64
	WebhookDuplicateRate float64
	WebhookShuffle       time.Duration // webhooks are late by up to this
	LatencyMin           time.Duration
	LatencyMax           time.Duration
	Seed                 uint64
}

// Validate refuses what is no rate and no time.
func (k Knobs) Validate() error {
	for _, rate := range []float64{k.ErrorRate, k.TimeoutRate, k.ReplyLossRate, k.DeclineRate, k.WebhookDuplicateRate} {
		if !(rate >= 0 && rate <= 1) {
			return apperr.New(apperr.Unprocessable, "invalid_knobs", "rates are 0 to 1")
		}
	}
	const longest = 10 * time.Second
	if k.LatencyMin < 0 || k.LatencyMax < k.LatencyMin || k.LatencyMax > longest || k.WebhookShuffle < 0 || k.WebhookShuffle > longest {
		return apperr.New(apperr.Unprocessable, "invalid_knobs", "latencies are 0 to 10 s, min up to max")
	}
	return nil
}

// manner is how the knobs treat an ordinary charge.
func (k Knobs) manner(key string) Manner {
	m := MannerOf(Ordinary)
	if k.draw("decline", key) < k.DeclineRate {
		m.Status, m.FailureCode = Failed, codeDeclined
	}
	if k.draw("timeout", key) < k.TimeoutRate {
		m.Hangs = 1
	}
	m.LosesReply = k.draw("reply", key) < k.ReplyLossRate
	if k.draw("duplicate", key) < k.WebhookDuplicateRate {
		m.Copies, m.OlderCopy = 3, true
	}
	return m
}

// outOfOrder tells whether the nth call with a key is answered 503.
func (k Knobs) outOfOrder(key string, nth int) bool {
	return k.draw("error", key+"#"+strconv.Itoa(nth)) < k.ErrorRate
}

func (k Knobs) latency() time.Duration {
	return k.LatencyMin + within(k.LatencyMax-k.LatencyMin)
}

func (k Knobs) shuffle() time.Duration { return within(k.WebhookShuffle) }

// within is a random time from 0 up to d.
func within(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// draw is a number from 0 up to 1 that what and key decide.
func (k Knobs) draw(what, key string) float64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, what+"\x00"+key)
	return rand.New(rand.NewPCG(k.Seed, h.Sum64())).Float64()
}

// Panel holds the knobs. Safe for concurrent use; the zero value is a provider
// without fault.
type Panel struct {
	mu    sync.Mutex
	knobs Knobs
}

// Set turns all the knobs.
func (p *Panel) Set(k Knobs) error {
	if err := k.Validate(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.knobs = k
	return nil
}

// Get reads them.
func (p *Panel) Get() Knobs {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.knobs
}
