package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/overload"
)

const (
	dashboardPath = "/v1/dashboard"
	// partsPatience is how long the services have together. A page that shows
	// most of itself now is worth more than a whole one later.
	partsPatience = 3 * time.Second
)

var errNoPart = apperr.New(apperr.Unavailable, "upstream_unavailable", "none of the services asked is answering").WithRetryAfter(retryDown)

// dashboard answers with what several services know of the caller, each asked at
// the same time. Safe for concurrent use.
type dashboard struct {
	sources []source // orders, wallet, points
	log     *slog.Logger
}

func newDashboard(proxies map[Service]*Proxy, limits Limits, log *slog.Logger) *dashboard {
	return &dashboard{[]source{
		{"orders", "/v1/orders", "limit=5", proxies[Order].upstream, limits[Order]},
		{"wallet", "/v1/wallet", "", proxies[Payment].upstream, limits[Payment]},
		{"points", "/v1/points", "", proxies[Points].upstream, limits[Points]},
	}, log}
}

type dashboardResponse struct {
	Orders  json.RawMessage `json:"orders"`
	Wallet  json.RawMessage `json:"wallet"`
	Points  json.RawMessage `json:"points"`
	Partial []string        `json:"partial"`
}

// handle is the gin handler. What is missing is named in the reply.
func (d *dashboard) handle(c *gin.Context) {
	parts := d.ask(c.Request)
	missing, why := d.missing(parts)
	if len(missing) == len(parts) {
		nothing(c, parts, why)
		return
	}
	d.tell(c.Request, parts)
	c.PureJSON(http.StatusOK, dashboardResponse{parts[0].given(), parts[1].given(), parts[2].given(), missing})
}

// ask asks every source and returns when all have answered or their time is up.
func (d *dashboard) ask(r *http.Request) []part {
	ctx, cancel := context.WithTimeout(r.Context(), patienceWithin(r.Context()))
	defer cancel()
	parts := make([]part, len(d.sources))
	var all sync.WaitGroup
	for i, s := range d.sources {
		all.Go(func() { parts[i] = s.ask(ctx, r) })
	}
	all.Wait()
	return parts
}

// patienceWithin leaves half of the request's time to its reply.
func patienceWithin(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return partsPatience
	}
	return min(partsPatience, time.Until(deadline)/2)
}

// missing names the parts that are not there, never nil, and why.
func (d *dashboard) missing(parts []part) (names []string, why error) {
	names = []string{}
	for i, p := range parts {
		if p.err != nil {
			names = append(names, d.sources[i].name)
			why = errors.Join(why, fmt.Errorf("%s: %w", d.sources[i].name, p.err))
		}
	}
	return names, why
}

// nothing answers when no part is there: with a refusal of the caller as it was
// said, as busy, which is not logged, when all services are, or as down.
func nothing(c *gin.Context, parts []part, why error) {
	for _, p := range parts {
		if p.status != 0 {
			p.refuse(c.Writer)
			return
		}
	}
	if !slices.ContainsFunc(parts, func(p part) bool { return !errors.Is(p.err, errPartBusy) }) {
		httpserver.Shed(c, overload.ErrOverloaded)
		return
	}
	httpserver.Fail(c, errNoPart.With(why))
}

// tell logs what the reply's 200 hides. Services that are busy count what they
// refuse, and need no lines about it.
func (d *dashboard) tell(r *http.Request, parts []part) {
	for i, p := range parts {
		if p.err != nil && !errors.Is(p.err, errPartBusy) {
			d.log.WarnContext(r.Context(), "a part of the dashboard is missing", slog.String("part", d.sources[i].name),
				slog.String("request_id", httpserver.RequestIDFrom(r.Context())), slog.Any("error", p.err))
		}
	}
}
