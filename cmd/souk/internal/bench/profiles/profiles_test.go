package profiles_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/profiles"
	"souk.example/cmd/souk/internal/bench/vitals"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack is a sample: its functions from the innermost, and its value.
type stack struct {
	value int64
	names []string
}

// write writes a profile of one kind of values, among another, to a file.
func write(t *testing.T, kind string, stacks ...stack) string {
	t.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: kind, Unit: "unit"}}}
	known := map[string]*profile.Location{}
	for _, s := range stacks {
		sample := &profile.Sample{Value: []int64{1, s.value}}
		for _, name := range s.names {
			if known[name] == nil {
				id := uint64(len(known) + 1)
				f := &profile.Function{ID: id, Name: name}
				p.Function = append(p.Function, f)
				known[name] = &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
				p.Location = append(p.Location, known[name])
			}
			sample.Location = append(sample.Location, known[name])
		}
		p.Sample = append(p.Sample, sample)
	}
	path := filepath.Join(t.TempDir(), kind)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := p.Write(file); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCostsAreByOrder(t *testing.T) {
	const place, insert, syswrite = "souk.example/services/order.Place", "souk.example/pkg/database.Insert", "syscall.write"
	files := profiles.Files{
		Process: "order-1",
		CPU: write(t, "cpu",
			stack{30_000, []string{syswrite, insert, place}},
			stack{10_000, []string{insert, place}},
			stack{8_000, []string{insert, place, insert, place}}, // recursive: counted once
			stack{2_000, []string{"runtime.gc"}},
		),
		Allocs: write(t, "alloc_space", stack{4096, []string{"strings.Repeat", place}}),
	}
	got, err := profiles.Read(files, 10, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := profiles.Costs{
		Process: "order-1", CPUUS: 5, AllocBytes: 409.6,
		Cumulative: []profiles.Cost{{insert, 4.8}, {place, 4.8}},
		Flat:       []profiles.Cost{{syswrite, 3}, {insert, 1.8}},
		Allocating: []profiles.Cost{{place, 409.6}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatIsNoProfile(t *testing.T) {
	good := write(t, "cpu", stack{1, []string{"f"}})
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]profiles.Files{
		"missing":    {CPU: filepath.Join(t.TempDir(), "none"), Allocs: good},
		"unreadable": {CPU: bad, Allocs: good},
		"other kind": {CPU: good, Allocs: good},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := profiles.Read(f, 1, 1); err == nil {
				t.Error("no error")
			}
		})
	}
}

func admin(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func TestProfilesAreTakenOncePerProcess(t *testing.T) {
	url, dir := admin(t), filepath.Join(t.TempDir(), "new")
	listeners := []vitals.Listener{{Service: "order", Process: "souk", URL: url}, {Service: "user", Process: "souk", URL: url}}
	files, err := profiles.Take(t.Context(), listeners, time.Second, dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if _, err := profiles.Read(files[0], 1, 5); err != nil {
		t.Error(err)
	}
}

func TestTakeSaysWhatIsWrong(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := profiles.Take(t.Context(), []vitals.Listener{{Service: "order", Process: "order-1", URL: s.URL}}, time.Second, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
}
