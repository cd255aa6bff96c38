package telemetry_test

import (
	"bytes"
	"testing"

	"souk.example/pkg/telemetry"
)

func TestTheBuildShowsAsAMetric(t *testing.T) {
	for version, want := range map[string]string{"abc123": "abc123", "": "unknown"} { // tests are built of no commit
		tel := newTelemetry(t, telemetry.Config{Version: version, LogWriter: &bytes.Buffer{}})
		families, err := tel.Registry.Gather()
		if err != nil || len(families) != 1 || families[0].GetName() != "souk_build_info" {
			t.Fatalf("families %v, %v", families, err)
		}
		labels := families[0].GetMetric()[0].GetLabel()
		if len(labels) != 2 || labels[1].GetName() != "revision" || labels[1].GetValue() != want || labels[0].GetName() != "go" {
			t.Errorf("labels %v, want revision %s", labels, want)
		}
	}
}
