package edge

import (
	"context"
	"encoding/json"
	"net/http"
)

// Own asks one service what it knows of a caller, as if each had asked through its
// own route: the same limits, replicas and repeats. Safe for concurrent use.
type Own struct{ source source }

// NewOwn makes the Own of a service, which limits must not lack if it has any.
func NewOwn(service Service, proxies map[Service]*Proxy, limits Limits) *Own {
	return &Own{source{name: string(service), upstream: proxies[service].upstream, limit: limits[service]}}
}

// Ask gets path, with query, in the name of r's caller. An error is ErrDenied if the
// service refuses the caller; any other may pass.
func (o *Own) Ask(ctx context.Context, r *http.Request, path, query string) (json.RawMessage, error) {
	s := o.source
	s.path, s.query = path, query
	p := s.ask(ctx, r)
	return p.body, p.err
}
