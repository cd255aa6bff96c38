package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// engineOffsets are where clients look for the engines, counted from the port
// base.
var engineOffsets = map[string]int{"mariadb": 226, "redis": 299, "kafka": 312}

// behind is how far above that they listen when proxies stand between.
const behind = 2000

// startProxies begins to pass on what is sent to a port base's engines; Kafka's
// advertised listener is a proxy too.
func startProxies(t *testing.T, base int) {
	t.Helper()
	toxics.Register("lose_reply", new(loseReply))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for engine, offset := range engineOffsets {
		at := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
		p := toxiproxy.NewProxy(server, engine, at(base+offset), at(base+offset+behind))
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(`{"type": "lose_reply", "attributes": {"engine": "` + engine + `"}}`)); err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
	}
}

// proxiedSouk is a souk of its own whose services reach engines by proxies.
func proxiedSouk(t *testing.T, env ...string) *souk {
	t.Helper()
	s, err := newSouk(filepath.Dir(shared.bin), filepath.Join(t.TempDir(), "home"), append(env, fmt.Sprintf("SOUK_ENGINES_BEHIND=%d", behind))...)
	if err != nil {
		t.Fatal(err)
	}
	startProxies(t, s.base)
	t.Cleanup(s.end)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	return s
}

// loseReply is a toxic that stands in every connection and mostly does nothing:
// what was asked is done, and now and then nobody is told. (It is never taken
// out: toxiproxy 2.5 panics when the connection ends at that moment.)
type loseReply struct {
	Engine string `json:"engine"`
}

// losses is how likely a reply of each engine is lost, and in which way.
var losses = map[string]*loss{"mariadb": {}, "redis": {}, "kafka": {}}

type loss struct {
	perThousand atomic.Int64
	silent      atomic.Bool // the connection says nothing any more, instead of ending
}

// lose has replies of an engine lost while during runs.
func lose(engine string, perThousand int64, silent bool, during func()) {
	of := losses[engine]
	of.silent.Store(silent)
	of.perThousand.Store(perThousand)
	defer of.perThousand.Store(0)
	during()
}

// Pipe implements toxics.Toxic.
func (l *loseReply) Pipe(stub *toxics.ToxicStub) {
	defer stub.Close()
	of := losses[l.Engine]
	for piece := range stub.Input {
		if rand.Int64N(1000) >= of.perThousand.Load() {
			stub.Output <- piece
			continue
		}
		for of.silent.Load() && <-stub.Input != nil { // until the other side ends
		}
		return
	}
}
