// Package balance chooses one of several endpoints for a request.
//
// A [Balancer] sees the endpoints that may be asked now, in a stable order,
// and a request's key where the request has one. Which endpoints may be asked
// is somebody else's business (package roundtrip).
package balance

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Endpoint is somewhere to send requests to. Safe for concurrent use.
type Endpoint struct {
	ID     string
	Weight int // its share of requests, at least 1

	inFlight atomic.Int64
}

// Begin counts a request to the endpoint until the returned func is called,
// once.
func (e *Endpoint) Begin() (end func()) {
	e.inFlight.Add(1)
	return func() { e.inFlight.Add(-1) }
}

// InFlight is the number of requests that began and have not ended.
func (e *Endpoint) InFlight() int64 { return e.inFlight.Load() }

// Balancer chooses endpoints. Safe for concurrent use.
type Balancer interface {
	// Pick returns one of endpoints, which are at least one and ordered by ID.
	// key is the request's, "" where it has none.
	Pick(endpoints []*Endpoint, key string) *Endpoint
}

// away is how long an endpoint must be missing from the lists to be gone. For
// less it may be one that retries pass over because they have asked it.
const away = time.Second

// anywhere is where to start among n when there is no reason to start elsewhere.
func anywhere(n int) int { return rand.IntN(n) }
