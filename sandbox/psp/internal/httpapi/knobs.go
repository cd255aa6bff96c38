package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/sandbox/psp/internal/psp"
)

// knobsJSON are the knobs as the API shows and takes them: all at once.
type knobsJSON struct {
	ErrorRate            float64     `json:"error_rate"`
	TimeoutRate          float64     `json:"timeout_rate"`
	ReplyLossRate        float64     `json:"reply_loss_rate"`
	DeclineRate          float64     `json:"decline_rate"`
	WebhookDuplicateRate float64     `json:"webhook_duplicate_rate"`
	WebhookShuffleMS     int64       `json:"webhook_shuffle_ms"`
	LatencyMS            latencyJSON `json:"latency_ms"`
	Seed                 uint64      `json:"seed"`
}

type latencyJSON struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

func knobsFrom(k psp.Knobs) knobsJSON {
	return knobsJSON{
		ErrorRate: k.ErrorRate, TimeoutRate: k.TimeoutRate, ReplyLossRate: k.ReplyLossRate, DeclineRate: k.DeclineRate,
		WebhookDuplicateRate: k.WebhookDuplicateRate, WebhookShuffleMS: k.WebhookShuffle.Milliseconds(),
		LatencyMS: latencyJSON{k.LatencyMin.Milliseconds(), k.LatencyMax.Milliseconds()}, Seed: k.Seed,
	}
}

func (k knobsJSON) knobs() psp.Knobs {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return psp.Knobs{
		ErrorRate: k.ErrorRate, TimeoutRate: k.TimeoutRate, ReplyLossRate: k.ReplyLossRate, DeclineRate: k.DeclineRate,
		WebhookDuplicateRate: k.WebhookDuplicateRate, WebhookShuffle: ms(k.WebhookShuffleMS),
		LatencyMin: ms(k.LatencyMS.Min), LatencyMax: ms(k.LatencyMS.Max), Seed: k.Seed,
	}
}

func (a *API) getKnobs(c *gin.Context) { c.JSON(http.StatusOK, knobsFrom(a.panel.Get())) }

func (a *API) setKnobs(c *gin.Context) {
	var body knobsJSON
	decoder := json.NewDecoder(c.Request.Body) // httpserver's knows no fractions
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&body)
	if err != nil {
		err = apperr.New(apperr.Invalid, "invalid_knobs", "the body is not the knobs in JSON").With(err)
	} else {
		err = a.panel.Set(body.knobs())
	}
	if err != nil {
		fail(c, err)
		return
	}
	a.getKnobs(c)
}
