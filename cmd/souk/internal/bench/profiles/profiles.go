// Package profiles takes the CPU and allocation profiles of services while they
// work, and says what an order costs by function.
package profiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"souk.example/cmd/souk/internal/bench/vitals"
)

// Files are a process's profiles, as `go tool pprof` reads them.
type Files struct {
	Process string `json:"process"`
	CPU     string `json:"cpu"`    // path
	Allocs  string `json:"allocs"` // path, of what was allocated meanwhile
}

// Take has every process profile itself for the duration, to the second, and
// writes what comes of it into dir, which is made. It blocks for as long.
func Take(ctx context.Context, listeners []vitals.Listener, d time.Duration, dir string) ([]Files, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	all := make([]Files, 0, len(listeners))
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range vitals.PerProcess(listeners) {
		f := Files{Process: l.Process, CPU: filepath.Join(dir, l.Process+".cpu.pb.gz"), Allocs: filepath.Join(dir, l.Process+".allocs.pb.gz")}
		all = append(all, f)
		for path, kind := range map[string]string{f.CPU: "profile", f.Allocs: "allocs"} {
			url := fmt.Sprintf("%s/debug/pprof/%s?seconds=%d", l.URL, kind, max(1, int(d.Seconds())))
			g.Go(func() error { return fetch(ctx, url, path) })
		}
	}
	return all, g.Wait()
}

// fetch writes what a URL answers to a file, whole or not at all.
func fetch(ctx context.Context, url, path string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("GET %s: %s: %s", url, resp.Status, why)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return errors.Join(fmt.Errorf("GET %s", url), err)
	}
	return os.WriteFile(path, data, 0o644)
}
