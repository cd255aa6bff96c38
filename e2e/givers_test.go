package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// givers give back a tenth of what is bought, whatever happens meanwhile, but
// never more than so many at a time: each waits until its return is carried out.
type givers struct {
	t    *testing.T
	body []byte
	busy sync.WaitGroup
	room chan struct{}
	over chan struct{} // closed: nobody buys any more

	mu           sync.Mutex
	kept         []placed // to be given back by and by
	acknowledged []placed // returns that souk has accepted
}

const (
	// keepBack is how many orders wait, so that also while nothing is completed
	// there are some to give back.
	keepBack      = 8
	returnsAtOnce = 8
)

func newGivers(t *testing.T) *givers {
	t.Helper()
	body, err := json.Marshal(itDoesNotFit)
	if err != nil {
		t.Fatal(err)
	}
	return &givers{t: t, body: body, room: make(chan struct{}, returnsAtOnce), over: make(chan struct{})}
}

// among passes answers on, and returns orders among them as it does. It ends
// when they end and every return that was asked for is answered.
func (g *givers) among(answers <-chan placed) <-chan placed {
	passed := make(chan placed)
	go func() {
		defer close(passed)
		bought := 0
		for p := range answers {
			if p.status == http.StatusCreated {
				if bought++; bought%10 == 0 {
					g.next(p)
				}
			}
			passed <- p
		}
		close(g.over)
		g.busy.Wait()
	}()
	return passed
}

// next keeps an order and, if there is room, gives back the one that was kept
// for longest.
func (g *givers) next(p placed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = append(g.kept, p)
	if len(g.kept) <= keepBack {
		return
	}
	select {
	case g.room <- struct{}{}:
	default:
		return
	}
	oldest := g.kept[0]
	g.kept = slices.Delete(g.kept, 0, 1)
	g.busy.Go(func() {
		defer func() { <-g.room }()
		if g.giveBack(oldest) {
			g.awaitReturned(oldest)
		}
	})
}

// awaitReturned waits until a return is carried out, while others buy.
func (g *givers) awaitReturned(p placed) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for p.now().Status != "RETURNED" {
		select {
		case <-g.over:
			return
		case <-tick.C:
		}
	}
}

// now is the order as it stands, or none where there is no answer.
func (p placed) now() (o order) {
	r, err := p.by.send(http.MethodGet, "/v1/orders/"+p.id, "", "", nil)
	if err != nil || r.status != http.StatusOK || json.Unmarshal(r.body, &o) != nil {
		return order{}
	}
	return o
}

// keep puts an order back in its place.
func (g *givers) keep(p placed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = slices.Insert(g.kept, 0, p)
}

// giveBack returns an order if it is completed. If not, and if there is no
// answer, it is tried again later, with the same key.
func (g *givers) giveBack(p placed) (acknowledged bool) {
	o := p.now()
	switch o.Status {
	case "CANCELLED":
		return false
	case "COMPLETED", "RETURNING", "RETURNED": // maybe by a request whose answer was lost
	default:
		g.keep(p)
		return false
	}
	r, err := p.by.send(http.MethodPost, "/v1/orders/"+p.id+"/return", "return-of-"+p.id, jsonType, g.body)
	if err != nil || r.status >= 500 {
		g.keep(p)
		return false
	}
	if r.status != http.StatusAccepted {
		g.t.Errorf("return of %s, which is %s: %d %s", p.id, o.Status, r.status, r.body)
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acknowledged = append(g.acknowledged, p)
	return true
}

// allReturned wants every acknowledged return to be carried out. Call it when
// all orders are at rest. Where none was completed in time to be returned before,
// those that were kept are now.
func (g *givers) allReturned() {
	g.t.Helper()
	if len(g.acknowledged) == 0 {
		kept := g.kept
		g.kept = nil
		for _, p := range kept {
			g.giveBack(p)
		}
	}
	if len(g.acknowledged) == 0 {
		g.t.Error("void: nothing was given back")
	}
	for _, p := range g.acknowledged {
		p.by.returned(g.t, p.id)
	}
}
