package psp_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"souk.example/sandbox/psp/internal/psp"
)

// The tokens are a contract with everybody who tests against the sandbox.
func TestTokens(t *testing.T) {
	for token, want := range map[string]psp.Manner{
		"tok_ok":                {Status: psp.Succeeded},
		"tok_declined":          {Status: psp.Failed, FailureCode: "card_declined"},
		"tok_timeout":           {Status: psp.Succeeded, Hangs: 2},
		"tok_reply_lost":        {Status: psp.Succeeded, LosesReply: true},
		"tok_late":              {Status: psp.Processing},
		"tok_duplicate_webhook": {Status: psp.Succeeded, Copies: 3, OlderCopy: true},
		"tok_webhook_first":     {Status: psp.Succeeded, EventFirst: true},
		"4111111111111111":      {Status: psp.Failed, FailureCode: "invalid_token"},
		"":                      {Status: psp.Failed, FailureCode: "invalid_token"},
	} {
		if got := psp.MannerOf(token); got != want {
			t.Errorf("%q is treated as %+v, want %+v", token, got, want)
		}
	}
}

func TestKnobsOutsideTheirRangeAreRefused(t *testing.T) {
	for name, k := range map[string]psp.Knobs{
		"a rate below 0":     {DeclineRate: -0.1},
		"a rate above 1":     {ErrorRate: 1.1},
		"no number":          {TimeoutRate: math.NaN()},
		"negative latency":   {LatencyMin: -1},
		"min above max":      {LatencyMin: 2, LatencyMax: 1},
		"too slow":           {LatencyMax: time.Minute},
		"negative lateness":  {WebhookShuffle: -1},
		"webhooks too late":  {WebhookShuffle: time.Minute},
		"reply loss above 1": {ReplyLossRate: 2},
	} {
		panel := new(psp.Panel)
		if err := panel.Set(k); err == nil || panel.Get() != (psp.Knobs{}) {
			t.Errorf("%s: %v, the knobs are %+v", name, err, panel.Get())
		}
	}
}

// A rate is met over many charges, and what befalls a key is the same each time.
func TestRatesAreMet(t *testing.T) {
	const charges, rate = 2000, 0.3
	declined := func(seed uint64) (n int) {
		w := newWorld(t)
		if err := w.panel.Set(psp.Knobs{DeclineRate: rate, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		for i := range charges {
			if c, err := w.charge(t, "k"+strconv.Itoa(i), psp.Ordinary); err != nil {
				t.Fatal(err)
			} else if c.Status == psp.Failed {
				n++
			}
		}
		return n
	}
	first := declined(1)
	if got := float64(first) / charges; math.Abs(got-rate) > 0.05 {
		t.Errorf("%.2f of the charges were declined, want about %.2f", got, rate)
	}
	if again := declined(1); again != first {
		t.Errorf("the same seed declined %d charges, then %d", first, again)
	}
}
