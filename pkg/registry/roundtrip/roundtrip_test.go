package roundtrip_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/pkg/registry"
	"souk.example/pkg/registry/balance"
	"souk.example/pkg/registry/roundtrip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a service whose instances behave as told, without a network.
type shop struct {
	mu     sync.Mutex
	answer map[string]func(*http.Request) (*http.Response, error) // by host
	asked  []string
}

func newShop() *shop { return &shop{answer: map[string]func(*http.Request) (*http.Response, error){}} }

func (s *shop) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, req.URL.Host)
	answer := s.answer[req.URL.Host]
	s.mu.Unlock()
	if req.Body != nil {
		defer req.Body.Close()
	}
	if answer == nil {
		return status(http.StatusOK)(req)
	}
	return answer(req)
}

// set says how the instance at host answers from now on.
func (s *shop) set(host string, answer func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[host] = answer
}

// count says how often host was asked since the last count, and forgets it all.
func (s *shop) count() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, host := range s.asked {
		n[host]++
	}
	s.asked = nil
	return n
}

func status(code int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		body := ""
		if req.Body != nil {
			b, _ := io.ReadAll(req.Body)
			body = string(b)
		}
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

var errBroken = errors.New("connection reset")

func broken(*http.Request) (*http.Response, error) { return nil, errBroken }

// refused is what dialling a closed port gives.
func refused(*http.Request) (*http.Response, error) {
	_, err := http.Get("http://127.0.0.1:1/") //nolint:bodyclose // there is none
	return nil, errors.Unwrap(err)
}

func hosts(names ...string) (all []registry.Instance) {
	for _, name := range names {
		all = append(all, registry.Instance{ID: name, URL: "http://" + name})
	}
	return all
}

func static(t testing.TB, instances ...registry.Instance) roundtrip.Source {
	t.Helper()
	source, err := roundtrip.Static(instances...)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func newTransport(t testing.TB, s *shop, cfg roundtrip.Config, names ...string) *roundtrip.Transport {
	t.Helper()
	if cfg.Balancer == nil {
		cfg.Balancer = new(balance.RoundRobin)
	}
	tr, err := roundtrip.New(s, static(t, hosts(names...)...), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// do sends a request through tr and returns the answer's status and body.
func do(t testing.TB, tr http.RoundTripper, method, body string, header ...string) (int, string, error) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://shop/path", reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		req.Header.Set(h, "1")
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), nil
}

func TestRequestsAreSpread(t *testing.T) {
	s := newShop()
	tr := newTransport(t, s, roundtrip.Config{}, "a", "b", "c")
	for range 30 {
		if code, body, err := do(t, tr, "POST", "hello"); code != 200 || body != "hello" || err != nil {
			t.Fatal(code, body, err)
		}
	}
	if n := s.count(); n["a"] != 10 || n["b"] != 10 || n["c"] != 10 {
		t.Error(n)
	}
}

// What may be sent again is, elsewhere and whole; what may not is not.
func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		fails  func(*http.Request) (*http.Response, error)
		method string
		header []string
		again  bool
	}{
		"get, connection broke":   {broken, "GET", nil, true},
		"put, connection broke":   {broken, "PUT", nil, true},
		"delete, 503":             {status(503), "DELETE", nil, true},
		"get, 502":                {status(502), "GET", nil, true},
		"get, 500 is an answer":   {status(500), "GET", nil, false},
		"post, connection broke":  {broken, "POST", nil, false},
		"post, 503":               {status(503), "POST", nil, false},
		"post with key":           {broken, "POST", []string{"Idempotency-Key"}, true},
		"patch with key, 504":     {status(504), "PATCH", []string{"Idempotency-Key"}, true},
		"post that was not sent":  {refused, "POST", nil, true},
		"patch that was not sent": {refused, "PATCH", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop()
			s.set("a", c.fails)
			s.set("b", c.fails)
			tr := newTransport(t, s, roundtrip.Config{}, "a", "b", "c")
			good := 0
			for range 3 { // each is asked first once
				if code, body, err := do(t, tr, c.method, "hello", c.header...); err == nil && code == 200 && body == "hello" {
					good++
				}
			}
			if want := map[bool]int{true: 3, false: 1}[c.again]; good != want {
				t.Errorf("%d of 3 came through, want %d; asked %v", good, want, s.count())
			}
		})
	}
}

// once is a body that can be read only once, as that of a proxied request.
type once struct {
	io.Reader
	closed atomic.Int32
}

func (o *once) Close() error { o.closed.Add(1); return nil }

// A body that can be read only once is sent once; one that nobody has read
// goes to the next instance. Either way it is closed.
func TestBodyThatCanBeReadOnce(t *testing.T) {
	readsAndBreaks := func(req *http.Request) (*http.Response, error) { _, _ = io.ReadAll(req.Body); return nil, errBroken }
	for name, c := range map[string]struct {
		first func(*http.Request) (*http.Response, error)
		want  string
	}{"not connected": {refused, "hello"}, "read": {readsAndBreaks, ""}} {
		s, body := newShop(), &once{Reader: strings.NewReader("hello")}
		s.set("a", c.first)
		tr := newTransport(t, s, roundtrip.Config{Balancer: new(lowest)}, "a", "b")
		req, _ := http.NewRequestWithContext(t.Context(), "PUT", "http://shop/", body)
		got := ""
		if resp, err := tr.RoundTrip(req); err == nil {
			all, _ := io.ReadAll(resp.Body)
			got = string(all)
			resp.Body.Close()
		}
		if n := body.closed.Load(); got != c.want || n != 1 {
			t.Errorf("%s: answer %q, want %q; closed %d times", name, got, c.want, n)
		}
	}
}

func TestBodyIsClosedWhenNobodyTakesIt(t *testing.T) {
	s, body := newShop(), &once{Reader: strings.NewReader("hello")}
	s.set("a", refused)
	for _, tr := range []*roundtrip.Transport{newTransport(t, s, roundtrip.Config{}, "a"), newTransport(t, s, roundtrip.Config{})} {
		body.closed.Store(0)
		req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://shop/", body)
		if resp, err := tr.RoundTrip(req); err == nil {
			resp.Body.Close()
			t.Error("it came through")
		}
		if n := body.closed.Load(); n != 1 {
			t.Errorf("closed %d times", n)
		}
	}
}

// lowest picks the first.
type lowest struct{}

func (lowest) Pick(endpoints []*balance.Endpoint, _ string) *balance.Endpoint { return endpoints[0] }

func gatherer(t *testing.T, c prometheus.Collector) prometheus.Gatherer {
	t.Helper()
	reg := prometheus.NewRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	return reg
}

// Everything fails: retries stay a share of the requests.
func TestRetryBudget(t *testing.T) {
	s := newShop()
	s.set("a", broken)
	s.set("b", broken)
	tr := newTransport(t, s, roundtrip.Config{}, "a", "b")
	for range 1000 {
		_, _, _ = do(t, tr, "GET", "")
	}
	if n := s.count(); n["a"]+n["b"] > 1000+200+10 || n["a"]+n["b"] < 1200 {
		t.Errorf("1000 requests were sent %d times", n["a"]+n["b"])
	}
	if n, err := testutil.GatherAndCount(gatherer(t, tr), "souk_roundtrip_retries_total"); n != 2 || err != nil {
		t.Errorf("retries of %d outcomes are counted, %v", n, err)
	}
}

// An instance that only fails rests, longer each time, and never all of them.
func TestEjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		s.set("a", status(503))
		tr := newTransport(t, s, roundtrip.Config{EjectAfter: 3, EjectFor: time.Second}, "a", "b", "c")
		ask := func() map[string]int {
			for range 30 {
				_, _, _ = do(t, tr, "POST", "")
			}
			return s.count()
		}
		if n := ask(); n["a"] != 3 {
			t.Errorf("it was asked %d times", n["a"])
		}
		if err := testutil.CollectAndCompare(tr, strings.NewReader(`# HELP souk_roundtrip_instances Instances of the service.
# TYPE souk_roundtrip_instances gauge
souk_roundtrip_instances{state="down"} 0
souk_roundtrip_instances{state="ejected"} 1
souk_roundtrip_instances{state="up"} 2
`), "souk_roundtrip_instances"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if n := ask(); n["a"] != 3 {
			t.Errorf("after its rest it was asked %d times", n["a"])
		}
		time.Sleep(time.Second)
		if n := ask(); n["a"] != 0 {
			t.Errorf("the second rest is no longer than the first: %v", n)
		}
		s.set("a", nil)
		time.Sleep(time.Second)
		if n := ask(); n["a"] != 10 {
			t.Errorf("well again, it was asked %v", n)
		}
		s.set("a", broken)
		s.set("b", broken)
		if n := ask(); min(n["a"], n["b"]) > 3 || max(n["a"], n["b"]) <= 3 {
			t.Errorf("two of three fail, and one of them may be out: %v", n)
		}
		s.set("c", broken)
		if n := ask(); n["a"]+n["b"]+n["c"] != 30 || len(n) < 2 {
			t.Errorf("with all of them failing: %v", n)
		}
	})
}

// Three failed checks take an instance out, two good ones bring it back.
func TestChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		tr := newTransport(t, s, roundtrip.Config{CheckPath: "/health"}, "a", "b")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		var path atomic.Value
		unwell := func(req *http.Request) (*http.Response, error) {
			path.Store(req.URL.Path)
			return status(503)(req)
		}
		s.set("a", unwell)
		go func() { done <- tr.Run(ctx) }()
		asked := func() bool {
			synctest.Wait()
			s.count()
			for range 4 {
				_, _, _ = do(t, tr, "HEAD", "")
			}
			return s.count()["a"] > 0
		}
		for i, want := range []bool{true, true, false, false} { // one check each 2 s
			if got := asked(); got != want {
				t.Errorf("after %d failed checks it is asked: %v", i+1, got)
			}
			time.Sleep(2 * time.Second)
		}
		if path.Load() != "/path" && path.Load() != "/health" {
			t.Errorf("asked for %v", path.Load())
		}
		synctest.Wait()
		s.set("a", nil)
		for i, want := range []bool{false, false, true} {
			if got := asked(); got != want {
				t.Errorf("after %d good checks it is asked: %v", i, got)
			}
			time.Sleep(2 * time.Second)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The list may change at any moment, and an instance that stays keeps what is
// known of it.
func TestListChanges(t *testing.T) {
	s := newShop()
	var list atomic.Pointer[registry.List]
	list.Store(&registry.List{Version: 1})
	tr, err := roundtrip.New(s, source{&list}, roundtrip.Config{Balancer: new(balance.RoundRobin), EjectAfter: 1, EjectFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := do(t, tr, "GET", ""); !errors.Is(err, roundtrip.ErrNoInstance) {
		t.Errorf("without instances: %v", err)
	}
	list.Store(&registry.List{Version: 2, Instances: hosts("a", "b")})
	s.set("a", broken)
	for range 4 {
		_, _, _ = do(t, tr, "POST", "")
	}
	s.count()
	list.Store(&registry.List{Version: 3, Instances: hosts("a", "b", "c")})
	for range 10 {
		_, _, _ = do(t, tr, "POST", "")
	}
	if n := s.count(); n["a"] != 0 || n["b"] != 5 || n["c"] != 5 {
		t.Errorf("a had been ejected: %v", n)
	}
}

type source struct {
	list *atomic.Pointer[registry.List]
}

func (s source) List() *registry.List { return s.list.Load() }

// A caller who gives up is no failure of the instance, and nothing is sent again.
func TestCallerGivesUp(t *testing.T) {
	for name, begin := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"by cancelling": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
		"at its deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				s.set("a", hangs)
				tr := newTransport(t, s, roundtrip.Config{EjectAfter: 1, EjectFor: time.Hour}, "a", "b")
				ctx, cancel := begin(t.Context())
				defer cancel()
				for range 2 {
					req, _ := http.NewRequestWithContext(ctx, "GET", "http://shop/", nil)
					if resp, err := tr.RoundTrip(req); err == nil {
						resp.Body.Close()
					}
				}
				if n := s.count(); n["a"] != 1 || n["b"] != 1 {
					t.Errorf("sent %v", n)
				}
				s.set("a", nil)
				for range 10 {
					_, _, _ = do(t, tr, "GET", "")
				}
				if n := s.count(); n["a"] == 0 {
					t.Error("it was ejected")
				}
			})
		})
	}
}

// hangs answers when the caller has given up.
func hangs(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// Through real sockets: in flight until the answer is read, and a process that
// is gone costs nobody an error.
func TestOverHTTP(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	one, two := httptest.NewServer(answer), httptest.NewServer(answer)
	defer two.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	tr, err := roundtrip.New(base, static(t,
		registry.Instance{ID: "one", URL: one.URL}, registry.Instance{ID: "two", URL: two.URL}), roundtrip.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if i == 20 {
			one.CloseClientConnections()
			one.Close()
		}
		if code, body, err := do(t, tr, "PUT", "hello"); code != 200 || body != "hello" || err != nil {
			t.Fatalf("request %d: %d %q %v", i, code, body, err)
		}
	}
}

// A client whose upload breaks off is no failure of the instance, through real
// sockets, where the base's error is what reading the body gave.
func TestUploadThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	tr, err := roundtrip.New(base, static(t, registry.Instance{ID: "one", URL: server.URL}), roundtrip.Config{EjectAfter: 1, MaxEjected: 1})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://shop/", io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(errBroken)))
	if resp, err := tr.RoundTrip(req); !errors.Is(err, errBroken) {
		t.Errorf("got %v, %v", resp, err)
	}
	if err := testutil.CollectAndCompare(tr, strings.NewReader(`# HELP souk_roundtrip_instances Instances of the service.
# TYPE souk_roundtrip_instances gauge
souk_roundtrip_instances{state="down"} 0
souk_roundtrip_instances{state="ejected"} 0
souk_roundtrip_instances{state="up"} 1
`), "souk_roundtrip_instances"); err != nil {
		t.Error(err)
	}
}

func TestStaticRefusesWhatCannotBeAsked(t *testing.T) {
	for name, list := range map[string][]registry.Instance{
		"no URL": {{ID: "a"}}, "no id": {{URL: "http://a"}}, "host only": {{ID: "a", URL: "a:80"}}, "twice": hosts("a", "a"),
	} {
		if _, err := roundtrip.Static(list...); !errors.Is(err, registry.ErrInstance) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []roundtrip.Config{
		{Attempts: -1}, {EjectAfter: -1}, {Down: -1}, {Up: -1}, {EjectFor: -1}, {CheckEvery: -1}, {CheckTimeout: -1},
		{RetryBudget: 1.5}, {MaxEjected: -0.1}, {CheckPath: "readyz"},
	} {
		if _, err := roundtrip.New(nil, static(t), cfg); !errors.Is(err, roundtrip.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if _, err := roundtrip.New(nil, nil, roundtrip.Config{}); !errors.Is(err, roundtrip.ErrConfig) {
		t.Errorf("no source: %v", err)
	}
}
