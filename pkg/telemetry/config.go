package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"
)

// maxAccessLogDelay is the longest that whoever reads along would wait.
const maxAccessLogDelay = 10 * time.Second

// Config names the service and says where its logs and traces go. The zero
// value logs from info up to standard error and exports no traces.
type Config struct {
	Service string // service.name of traces, "service" in logs
	Version string // of the program; by default the commit that the Go tool recorded
	Env     string `env:"SOUK_ENV" envDefault:"development" usage:"deployment environment: development or production"`

	LogLevel  string `env:"SOUK_LOG_LEVEL" envDefault:"info" usage:"debug, info, warn or error"`
	LogFormat string `env:"SOUK_LOG_FORMAT" envDefault:"auto" usage:"json, text or auto: text on a terminal"`

	// AccessLogDelay bounds how long a line of the access log waits for others to
	// be written with; zero writes each at once. All other lines are.
	AccessLogDelay time.Duration `env:"SOUK_ACCESS_LOG_DELAY" envDefault:"100ms" usage:"how long lines of the access log may wait to be written together, 0 to 10s"`

	// OTLPEndpoint is the base URL of an OTLP/HTTP collector. Empty exports
	// nothing; trace ids are made all the same.
	OTLPEndpoint string `env:"SOUK_OTLP_ENDPOINT" usage:"OTLP/HTTP collector, for example http://127.0.0.1:4318"`
	// SampleRatio is the share, 0 to 1, of new traces that are exported. A
	// caller's decision in traceparent goes first, but at the edge.
	SampleRatio float64 `env:"SOUK_TRACE_SAMPLE_RATIO" envDefault:"0.1" usage:"share of new traces to export, 0 to 1"`

	// Edge says that callers are anybody: their traces go on, and the ratio
	// decides whether they are sampled, whatever they say and whichever
	// trace ids they choose.
	Edge bool `env:"-"`

	// RuntimeMetrics adds the metrics of the Go runtime and of the process.
	// One service per process should have them.
	RuntimeMetrics bool `env:"SOUK_RUNTIME_METRICS" envDefault:"true" usage:"export the metrics of the Go runtime and the process"`

	LogWriter io.Writer `env:"-"` // safe for concurrent use; nil is standard error
}

func (c Config) withDefaults() Config {
	if c.LogWriter == nil {
		c.LogWriter = os.Stderr
	}
	if c.LogLevel == "" {
		c.LogLevel = "info"
	}
	if c.Version == "" {
		c.Version = builtFrom()
	}
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	var errs []error
	if _, err := parseLevel(c.LogLevel); err != nil {
		errs = append(errs, err)
	}
	switch c.Env {
	case "", "development", "production": // a typo must not pass for either
	default:
		errs = append(errs, fmt.Errorf("SOUK_ENV: %q is not development or production", c.Env))
	}
	switch c.LogFormat {
	case "", "auto", "json", "text":
	default:
		errs = append(errs, fmt.Errorf("SOUK_LOG_FORMAT: %q is not json, text or auto", c.LogFormat))
	}
	if !(c.SampleRatio >= 0 && c.SampleRatio <= 1) { // negated so that NaN is refused
		errs = append(errs, errors.New("SOUK_TRACE_SAMPLE_RATIO must be from 0 to 1"))
	}
	if c.AccessLogDelay < 0 || c.AccessLogDelay > maxAccessLogDelay {
		errs = append(errs, errors.New("SOUK_ACCESS_LOG_DELAY must be from 0 to 10s"))
	}
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" && (err != nil || u.Host == "") {
		errs = append(errs, errors.New("SOUK_OTLP_ENDPOINT is not a URL with a host"))
	}
	return errors.Join(errs...)
}

func parseLevel(s string) (slog.Level, error) {
	var level slog.Level
	if s == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("SOUK_LOG_LEVEL: %q is not debug, info, warn or error", s)
	}
	return level, nil
}
