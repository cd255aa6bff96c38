//go:build failpoints

package psp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"souk.example/internal/fxrun"
	"souk.example/sandbox/psp"
)

const isProvider = "SOUK_TEST_IS_PROVIDER"

// TestProvider is no test: it is what the test below starts and kills.
func TestProvider(t *testing.T) {
	if os.Getenv(isProvider) == "" {
		t.Skip("run by another")
	}
	if err := fxrun.Main("psp", nil, os.Environ(), psp.Module); err != nil {
		t.Fatal(err)
	}
}

// Killed at whatever state: the next process goes on, what was charged and
// given back stands once, and the merchant hears of both.
func TestKilledAnywhere(t *testing.T) {
	for place, token := range map[string]string{
		"psp-charge-before-commit":  "tok_ok",
		"psp-charge-after-commit":   "tok_ok",
		"psp-late-before-commit":    "tok_late",
		"psp-webhook-before-commit": "tok_ok",
		"psp-webhook-after-commit":  "tok_ok",
		"psp-refund-before-commit":  "tok_ok",
		"psp-refund-after-commit":   "tok_ok",
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, place)
			charge := p.post(t, "/charges", "1", fmt.Sprintf(`{"amount":40,"currency":"CNY","token":%q,"reference":"1"}`, token))
			p.await(t, "charge.succeeded")
			p.post(t, "/refunds", "1:late", fmt.Sprintf(`{"amount":40,"charge":%q,"reference":"1:late"}`, charge["id"]))
			p.await(t, "refund.succeeded")
			p.wantKilled(t)
			if charges, refunds := p.list(t, "/charges"), p.list(t, "/refunds"); len(charges) != 1 || len(refunds) != 1 || charges[0]["refunded"] != 40.0 {
				t.Errorf("charges %v, refunds %v", charges, refunds)
			}
		})
	}
}

// provider is a process that is started again whenever it was killed.
type provider struct {
	url, armed string // the file that arms the place
	environ    []string

	mu    sync.Mutex
	heard map[string]int // webhooks by type
	child *exec.Cmd
	ended chan struct{}
}

func newProvider(t *testing.T, place string) *provider {
	t.Helper()
	p := &provider{heard: map[string]int{}, armed: filepath.Join(t.TempDir(), place)}
	if err := os.WriteFile(p.armed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	merchant := httptest.NewServer(http.HandlerFunc(p.hear))
	addr, dsn := freeAddr(t), "sqlite:"+filepath.Join(t.TempDir(), "psp.db")
	p.url = "http://" + addr + "/v1"
	p.environ = append(os.Environ(), isProvider+"=1", "SOUK_FAILPOINTS="+filepath.Dir(p.armed),
		"SOUK_HTTP_ADDR="+addr, "SOUK_ADMIN_ADDR="+freeAddr(t), "SOUK_DATABASE_DSN="+dsn, "SOUK_PSP_API_KEY=key",
		"SOUK_PSP_WEBHOOK_URL="+merchant.URL, "SOUK_PSP_WEBHOOK_SECRETS=secret", "SOUK_PSP_LATE_AFTER=100ms", "SOUK_HTTP_DRAIN_DELAY=0s")
	p.start(t)
	t.Cleanup(func() {
		_ = p.child.Process.Kill()
		<-p.ended
		merchant.Close()
	})
	return p
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (p *provider) hear(_ http.ResponseWriter, r *http.Request) {
	var event struct{ Type string }
	_ = json.NewDecoder(r.Body).Decode(&event)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[event.Type]++
}

func (p *provider) start(t *testing.T) {
	t.Helper()
	p.child = exec.Command(os.Args[0], "-test.run=^TestProvider$", "-test.timeout=60s")
	p.child.Env = p.environ
	if err := p.child.Start(); err != nil {
		t.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) { _ = c.Wait(); close(ended) }(p.child, p.ended)
}

// revive starts the provider again if it has ended.
func (p *provider) revive(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
		p.start(t)
	default:
	}
}

// eventually asks until ok, and keeps the provider running meanwhile.
func (p *provider) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(50 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		p.revive(t)
		time.Sleep(10 * time.Millisecond) // the poll of a condition
	}
}

func (p *provider) await(t *testing.T, event string) {
	t.Helper()
	p.eventually(t, event, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.heard[event] > 0
	})
}

func (p *provider) wantKilled(t *testing.T) {
	t.Helper()
	p.eventually(t, "the kill", func() bool { _, err := os.Stat(p.armed); return errors.Is(err, os.ErrNotExist) })
	p.eventually(t, "the provider to be back", func() bool { return p.call("GET", "/charges", "", "") != nil })
}

// post repeats a request with its key until it is answered, as a merchant does.
func (p *provider) post(t *testing.T, path, key, body string) (reply map[string]any) {
	t.Helper()
	p.eventually(t, "an answer to "+path, func() bool {
		reply = p.call("POST", path, key, body)
		return reply["id"] != nil
	})
	return reply
}

func (p *provider) list(t *testing.T, path string) (items []map[string]any) {
	t.Helper()
	reply := p.call("GET", path, "", "")
	for _, item := range reply["items"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

// call returns nil when there is no answer.
func (p *provider) call(method, path, key, body string) map[string]any {
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer key")
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var reply map[string]any
	if err != nil || json.NewDecoder(bytes.NewReader(text)).Decode(&reply) != nil {
		return nil
	}
	return reply
}
