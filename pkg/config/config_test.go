package config_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/config"
)

type httpConfig struct {
	Addr string        `env:"SOUK_HTTP_ADDR" envDefault:"127.0.0.1:8080" usage:"public listener"`
	Idle time.Duration `env:"SOUK_HTTP_IDLE" envDefault:"1m" usage:"idle connections are closed after"`
}

func (c httpConfig) Validate() error {
	if c.Idle < 0 {
		return errors.New("SOUK_HTTP_IDLE must not be negative")
	}
	return nil
}

type settings struct {
	Name     string // not a setting
	HTTP     httpConfig
	Brokers  []string      `env:"SOUK_BROKERS" usage:"brokers"`
	DSN      config.Secret `env:"SOUK_DSN" usage:"database"`
	Verbose  bool          `env:"SOUK_VERBOSE" usage:"say more"`
	Upstream struct {
		URL string `env:"URL" usage:"where to"`
	} `envPrefix:"SOUK_UPSTREAM_"`
}

func TestLoadPrecedence(t *testing.T) {
	environ := []string{"SOUK_HTTP_ADDR=env:1", "SOUK_HTTP_IDLE=5s", "SOUK_BROKERS=a,b", "SOUK_UPSTREAM_URL=http://x", "HOME=/"}
	got, err := config.Load[settings]("test", []string{"--http-addr", "flag:1", "--verbose"}, environ)
	if err != nil {
		t.Fatal(err)
	}
	if got.HTTP.Addr != "flag:1" || got.HTTP.Idle != 5*time.Second || !got.Verbose {
		t.Errorf("got %+v", got)
	}
	if len(got.Brokers) != 2 || got.Upstream.URL != "http://x" {
		t.Errorf("got %+v", got)
	}
}

func TestLoadDefaults(t *testing.T) {
	got, err := config.Load[settings]("test", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.HTTP.Addr != "127.0.0.1:8080" || got.HTTP.Idle != time.Minute {
		t.Errorf("got %+v", got.HTTP)
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		environ []string
		want    string
	}{
		{"unknown flag", []string{"--nope"}, nil, "nope"},
		{"leftover argument", []string{"serve"}, nil, `"serve"`},
		{"malformed value", nil, []string{"SOUK_HTTP_IDLE=soon"}, "Idle"},
		{"nested validation", nil, []string{"SOUK_HTTP_IDLE=-1s"}, "must not be negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load[settings]("test", tt.args, tt.environ)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestLoadHelp(t *testing.T) {
	_, err := config.Load[settings]("test", []string{"-h"}, nil)
	if !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v, want flag.ErrHelp", err)
	}
}

func TestRedacted(t *testing.T) {
	got := config.Redacted(settings{DSN: "mysql:root:hunter2@tcp(db)/x", HTTP: httpConfig{Addr: "a\nb"}})
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "SOUK_DSN=[redacted]\n") {
		t.Errorf("secret not redacted:\n%s", got)
	}
	if strings.Count(got, "\n") != 6 {
		t.Errorf("want one line per setting:\n%s", got)
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := config.Secret("hunter2")
	encoded, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s)
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%q %#v %+v %x", s, s, s, s), string(encoded), log.String()} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
			t.Errorf("secret printed: %s", text)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal must return the secret")
	}
}

func ExampleLoad() {
	type Config struct {
		Addr string `env:"SOUK_ADDR" envDefault:"127.0.0.1:8080" usage:"listener"`
	}
	cfg, err := config.Load[Config]("demo", []string{"--addr", "127.0.0.1:9000"}, nil)
	fmt.Println(cfg.Addr, err)
	// Output: 127.0.0.1:9000 <nil>
}
