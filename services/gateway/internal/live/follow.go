package live

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"souk.example/services/gateway/internal/edge"
)

const (
	// spacing is the shortest time from one look to the next: what moves within it
	// is told together.
	spacing = 50 * time.Millisecond
	// poll is after how long a stream looks although nothing was hinted.
	poll = 10 * time.Second
	// retry is after how long it looks again that got no answer.
	retry = time.Second
	// beat is the longest silence: shorter than what load balancers take for death.
	beat = 15 * time.Second
	// hintsMax is how many orders are looked at one by one; of more, the newest are.
	hintsMax = 5
	// newest is how many of the newest orders are looked at.
	newest = 20
)

// Why a stream ended that its listener did not leave.
var (
	errExpired = errors.New("the access token has expired")
	errRefused = errors.New("the caller is refused")
)

// Orders asks the order service in a caller's name.
type Orders interface {
	Ask(ctx context.Context, r *http.Request, path, query string) (json.RawMessage, error)
}

// listener is the other end of a stream.
type listener interface {
	tell(news []entry) error
	beat() error
}

// follower tells one listener what becomes of one caller's orders.
type follower struct {
	orders  Orders
	request *http.Request // the caller's
	ear     *ear
	story   story
	expires time.Time   // of the caller's token
	blocked func() bool // whether the caller is shut out by now

	all    bool               // the newest orders are to be looked at, whatever was hinted
	hinted map[int64]struct{} // orders that are to be looked at
}

// follow returns when ctx ends, the listener fails, or the caller may hear no more.
func (f *follower) follow(ctx context.Context, to listener) error {
	expiry := time.NewTimer(time.Until(f.expires))
	defer expiry.Stop()
	beats := time.NewTicker(beat)
	defer beats.Stop()
	f.all, f.hinted = true, make(map[int64]struct{})
	for {
		again, err := f.look(ctx, to)
		if err != nil {
			return err
		}
		if err := f.rest(ctx, to, again, expiry.C, beats.C); err != nil {
			return err
		}
	}
}

// look tells what is new, and returns when to look again at the latest.
func (f *follower) look(ctx context.Context, to listener) (again time.Duration, err error) {
	if f.blocked() {
		return 0, errRefused
	}
	orders, err := f.moved(ctx)
	switch {
	case errors.Is(err, edge.ErrDenied):
		return 0, errRefused
	case err != nil:
		again = retry
	default:
		again = poll
	}
	if news := f.story.news(orders); len(news) > 0 {
		return again, to.tell(news)
	}
	return again, nil
}

// moved reads the orders that may have moved. With an error it returns those that
// it could read; the others it reads when it is called again.
func (f *follower) moved(ctx context.Context) ([]shown, error) {
	ctx, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	maps.Copy(f.hinted, f.ear.take())
	var page struct{ Items []shown }
	if f.all || len(f.hinted) == 0 || len(f.hinted) > hintsMax {
		if err := f.ask(ctx, "/v1/orders", "limit="+strconv.Itoa(newest), &page); err != nil {
			return nil, err
		}
	}
	f.all = false
	if len(f.hinted) > hintsMax {
		clear(f.hinted)
		return page.Items, nil
	}
	orders, err := f.hintedBut(ctx, page.Items)
	return append(page.Items, orders...), err
}

// hintedBut reads the hinted orders that are not among those known, and forgets the
// hints of what it could read.
func (f *follower) hintedBut(ctx context.Context, known []shown) (orders []shown, err error) {
	for id := range f.hinted {
		path := strconv.FormatInt(id, 10)
		if !slices.ContainsFunc(known, func(o shown) bool { return o.ID == path }) {
			var order shown
			if failed := f.ask(ctx, "/v1/orders/"+path, "", &order); failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			orders = append(orders, order)
		}
		delete(f.hinted, id)
	}
	return orders, err
}

func (f *follower) ask(ctx context.Context, path, query string, into any) error {
	body, err := f.orders.Ask(ctx, f.request, path, query)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// rest returns when it is time to look again.
func (f *follower) rest(ctx context.Context, to listener, again time.Duration, expired, beats <-chan time.Time) error {
	look, soon := time.NewTimer(again), time.NewTimer(spacing)
	defer look.Stop()
	defer soon.Stop()
	var wake <-chan struct{} // once soon is over
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-expired:
			return errExpired
		case <-beats:
			if err := to.beat(); err != nil {
				return err
			}
		case <-soon.C:
			wake = f.ear.wake
		case <-wake:
			return nil
		case <-look.C:
			return nil
		}
	}
}
