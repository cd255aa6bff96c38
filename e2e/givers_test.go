package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// givers give back a tenth of what is bought, whatever happens meanwhile.
type givers struct {
	t    *testing.T
	body []byte
	busy sync.WaitGroup

	mu           sync.Mutex
	kept         []placed // to be given back by and by
	acknowledged []placed // returns that souk has accepted
}

// keepBack is how many orders wait, so that also while nothing is completed
// there are some to give back.
const keepBack = 8

func newGivers(t *testing.T) *givers {
	t.Helper()
	body, err := json.Marshal(itDoesNotFit)
	if err != nil {
		t.Fatal(err)
	}
	return &givers{t: t, body: body}
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
		g.busy.Wait()
	}()
	return passed
}

// next keeps an order and gives back the one that was kept for longest.
func (g *givers) next(p placed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = append(g.kept, p)
	if len(g.kept) <= keepBack {
		return
	}
	oldest := g.kept[0]
	g.kept = slices.Delete(g.kept, 0, 1)
	g.busy.Go(func() { g.giveBack(oldest) })
}

// keep puts an order back in its place.
func (g *givers) keep(p placed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = slices.Insert(g.kept, 0, p)
}

// giveBack returns an order if it is completed. If not, and if there is no
// answer, it is tried again later, with the same key.
func (g *givers) giveBack(p placed) {
	var o order
	r, err := p.by.send(http.MethodGet, "/v1/orders/"+p.id, "", "", nil)
	if err == nil && r.status == http.StatusOK {
		err = json.Unmarshal(r.body, &o)
	}
	if err == nil && o.Status == "CANCELLED" {
		return
	}
	if err != nil || !slices.Contains([]string{"COMPLETED", "RETURNING", "RETURNED"}, o.Status) {
		g.keep(p)
		return
	}
	r, err = p.by.send(http.MethodPost, "/v1/orders/"+p.id+"/return", "return-of-"+p.id, jsonType, g.body)
	switch {
	case err != nil || r.status >= 500:
		g.keep(p)
	case r.status != http.StatusAccepted:
		g.t.Errorf("return of %s, which is %s: %d %s", p.id, o.Status, r.status, r.body)
	default:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.acknowledged = append(g.acknowledged, p)
	}
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
