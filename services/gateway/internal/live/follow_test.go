package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/services/gateway/internal/edge"
)

// shelf is an order service with some orders, newest first.
type shelf struct {
	mu     sync.Mutex
	orders []shown
	fails  error
	asked  []string
}

func (s *shelf) Ask(_ context.Context, _ *http.Request, path, query string) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, path)
	if s.fails != nil {
		return nil, s.fails
	}
	if path == "/v1/orders" && query == "limit=20" {
		return json.Marshal(map[string]any{"items": s.orders[:min(20, len(s.orders))]})
	}
	for _, o := range s.orders {
		if path == "/v1/orders/"+o.ID {
			return json.Marshal(o)
		}
	}
	return nil, errors.New("no such order")
}

// put places or moves an order.
func (s *shelf) put(id string, statuses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.orders, func(o shown) bool { return o.ID == id })
	if at < 0 {
		s.orders, at = slices.Insert(s.orders, 0, shown{ID: id}), 0
	}
	o := &s.orders[at]
	for _, status := range statuses {
		o.Status = status
		o.Timeline = append(o.Timeline, entry{Status: status, At: timestamp(time.Now().UTC().Format(time.RFC3339Nano)), Service: "order"})
	}
}

func (s *shelf) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

func (s *shelf) wasAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// diary is a listener that keeps what it hears.
type diary struct {
	mu    sync.Mutex
	heard []string
	beats int
}

func (d *diary) tell(news []entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range news {
		d.heard = append(d.heard, e.OrderID+" "+e.Status)
	}
	return nil
}

func (d *diary) beat() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beats++
	return nil
}

// stream is one follower at work.
type stream struct {
	t     *testing.T
	shelf *shelf
	diary *diary
	ear   *ear
	leave context.CancelFunc
	ended chan error
}

// follow begins a stream of user 7's orders.
func follow(t *testing.T, s *shelf, change func(*follower)) *stream {
	hub := &Hub{cfg: Config{Max: 9, PerUser: 9}, ears: make(map[int64]map[*ear]struct{})}
	ear, err := hub.listen(7)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	st := &stream{t, s, new(diary), ear, leave, make(chan error, 1)}
	f := &follower{
		orders: s, ear: st.ear, story: story{since: time.Now()}, expires: time.Now().Add(time.Hour),
		blocked: func() bool { return false },
	}
	if change != nil {
		change(f)
	}
	go func() { st.ended <- f.follow(ctx, st.diary) }()
	synctest.Wait()
	return st
}

// hears waits for so long and checks what was heard since the last time.
func (s *stream) hears(d time.Duration, want ...string) {
	s.t.Helper()
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
	s.diary.mu.Lock()
	defer s.diary.mu.Unlock()
	if !slices.Equal(s.diary.heard, want) {
		s.t.Errorf("heard %q, want %q", s.diary.heard, want)
	}
	s.diary.heard = nil
}

func (s *stream) end() {
	s.leave()
	<-s.ended
}

func TestAStreamTellsEachStepOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put("1", "PENDING", "CANCELLED")
		s.put("2", "PENDING", "RESERVED")
		time.Sleep(time.Minute)
		st := follow(t, s, nil)
		defer st.end()
		st.hears(0, "2 PENDING", "2 RESERVED") // which is on its way; 1 is over
		s.put("3", "PENDING")
		st.ear.hear(3)
		st.hears(spacing, "3 PENDING")
		time.Sleep(spacing)
		s.put("2", "PAID")
		s.wasAsked()
		st.ear.hear(2)
		st.hears(spacing, "2 PAID")
		if asked := s.wasAsked(); !slices.Equal(asked, []string{"/v1/orders/2"}) {
			t.Errorf("of one order asked %q", asked)
		}
		s.put("3", "RESERVED", "PAID")
		st.ear.hear(3)
		st.ear.hear(3)
		st.hears(2*spacing, "3 RESERVED", "3 PAID")
		st.hears(time.Hour / 2)
	})
}

// What a client missed it is told when it comes back, and when a hint is lost.
func TestWhatWasMissedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put("1", "PENDING", "RESERVED", "PAID")
		time.Sleep(time.Minute)
		left := time.Now()
		s.put("1", "COMPLETED")
		time.Sleep(time.Minute)
		st := follow(t, s, func(f *follower) { f.story.since = left })
		defer st.end()
		st.hears(0, "1 COMPLETED")
		s.put("2", "PENDING")
		st.hears(poll, "2 PENDING") // nobody hinted
	})
}

// An order that is not among the newest is told by a hint, but not its past.
func TestAnOldOrderMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		for id := range newest + 2 {
			s.put(fmt.Sprint(id+1), "PENDING", "COMPLETED")
		}
		time.Sleep(time.Minute)
		st := follow(t, s, nil)
		defer st.end()
		s.put("1", "RETURNING")
		st.ear.hear(1)
		st.hears(time.Second, "1 RETURNING")
		s.failWith(errors.New("away"))
		s.put("1", "RETURNED")
		st.ear.hear(1)
		st.hears(5 * time.Second)
		s.failWith(nil)
		st.hears(retry, "1 RETURNED")
	})
}

// The others are told, and it is asked for again.
func TestAnOrderThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		st := follow(t, s, nil)
		defer st.end()
		st.hears(time.Second)
		s.put("2", "PENDING")
		st.ear.hear(1)
		st.ear.hear(2)
		st.hears(spacing, "2 PENDING")
		s.put("1", "PENDING")
		s.wasAsked()
		st.hears(retry, "1 PENDING")
		if asked := s.wasAsked(); !slices.Equal(asked, []string{"/v1/orders/1"}) {
			t.Errorf("asked %q", asked)
		}
	})
}

// One of whom much is hinted costs no more than one look in a while.
func TestManyHintsAreOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.put("1", "PENDING")
		st := follow(t, s, nil)
		defer st.end()
		s.wasAsked()
		for id := range int64(1000) {
			st.ear.hear(id)
			time.Sleep(spacing / 1000)
		}
		st.hears(2*spacing, "1 PENDING")
		if asked := s.wasAsked(); len(asked) > 3 || slices.Contains(asked, "/v1/orders/1") {
			t.Errorf("asked %q", asked)
		}
	})
}

func TestAStreamEnds(t *testing.T) {
	shut := make(chan struct{})
	for name, tt := range map[string]struct {
		change func(*follower)
		cause  func(*shelf)
		want   error
	}{
		"with its token": {change: func(f *follower) { f.expires = time.Now().Add(time.Minute) }, want: errExpired},
		"when the service refuses the caller": {cause: func(s *shelf) {
			s.failWith(fmt.Errorf("%w: no", edge.ErrDenied))
		}, want: errRefused},
		"when the caller is shut out": {change: func(f *follower) {
			f.blocked = func() bool {
				select {
				case <-shut:
					return true
				default:
					return false
				}
			}
		}, cause: func(*shelf) { close(shut) }, want: errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{}
				st := follow(t, s, tt.change)
				if tt.cause != nil {
					tt.cause(s)
				}
				if err := <-st.ended; !errors.Is(err, tt.want) {
					t.Errorf("%v", err)
				}
				st.leave()
			})
		})
	}
}

// A silent stream shows every quarter of a minute that it is alive.
func TestAStreamBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := follow(t, &shelf{}, nil)
		defer st.end()
		st.hears(time.Minute)
		if st.diary.beats < 3 || st.diary.beats > 4 {
			t.Errorf("%d beats in a minute", st.diary.beats)
		}
	})
}

func TestWhatAStreamSays(t *testing.T) {
	text, err := json.Marshal(entry{OrderID: "9", Status: "REJECTED", At: "2026-11-23T06:54:54.121Z", Service: "payment", Reason: "payment_failed"})
	if want := `{"order_id":"9","status":"REJECTED","at":"2026-11-23T06:54:54.121Z","service":"payment","reason":"payment_failed"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
