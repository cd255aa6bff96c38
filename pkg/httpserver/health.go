package httpserver

import (
	"context"
	"io"
	"net/http"
	"time"

	"souk.example/pkg/apperr"
)

const probeTimeout = 2 * time.Second

// Check is one condition of readiness. Probe is called for each request to
// /readyz with a deadline of two seconds; its error is logged, never shown.
// Keep shared engines out of it when there are replicas: one blip of theirs
// would take every replica out of service at once.
type Check struct {
	Name  string
	Probe func(context.Context) error
}

// health answers /livez and /readyz and passes everything else on, HEAD as GET.
type health struct {
	next   http.Handler
	server *Server
	ready  []Check
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.server.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	r = headAsGet(r)
	if r.URL.Path == "/livez" || r.URL.Path == "/readyz" {
		h.probe(w, r)
		return
	}
	h.next.ServeHTTP(w, r)
}

func (h *health) probe(w http.ResponseWriter, r *http.Request) {
	id := requestID(first(r.Header[requestIDHeader]))
	w.Header()[requestIDHeader] = []string{id}
	switch {
	case r.Method != http.MethodGet:
		refuseMethod(w, r, []string{http.MethodGet, http.MethodHead, http.MethodOptions}, id)
	case r.URL.Path == "/livez":
		writeOK(w)
	default:
		h.readyz(w, r, id)
	}
}

func writeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", noStore)
	_, _ = io.WriteString(w, `{"status":"ok"}`)
}

func (h *health) readyz(w http.ResponseWriter, r *http.Request, id string) {
	if h.server.draining.Load() {
		writeProblem(w, http.StatusServiceUnavailable, apperr.New(apperr.Unavailable, "draining", "this server is stopping"), id)
		return
	}
	if failing := h.failing(r.Context()); len(failing) > 0 {
		e := apperr.New(apperr.Unavailable, "not_ready", "this server is not ready").WithFields(failing...)
		writeProblem(w, http.StatusServiceUnavailable, e, id)
		return
	}
	writeOK(w)
}

func (h *health) failing(ctx context.Context) []apperr.Field {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var failing []apperr.Field
	for _, check := range h.ready {
		if err := check.Probe(ctx); err != nil {
			h.server.logger.WarnContext(ctx, "not ready", "check", check.Name, "error", err)
			failing = append(failing, apperr.Field{Field: check.Name, Code: "failing", Detail: "this check fails"})
		}
	}
	return failing
}
