package browse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"
)

// requests are those of a run, whoever is asked.
type requests struct {
	heads []string // "GET …", one for each page
	tails []string // what follows the host's name
	want  int      // status
}

// tagWorkers ask for the pages' tags before the run.
const tagWorkers = 16

func newRequests(ctx context.Context, cfg Config, s Stack) (requests, error) {
	if len(s.SKUs) == 0 {
		return requests{}, errors.New("there is no product to look at; `souk seed` makes some")
	}
	q := requests{want: http.StatusOK, tails: make([]string, len(s.SKUs))}
	for i, sku := range s.SKUs {
		q.heads = append(q.heads, "GET /v1/products/"+url.PathEscape(sku)+" HTTP/1.1\r\nHost: ")
		q.tails[i] = "\r\n\r\n"
	}
	if !cfg.Conditional {
		return q, nil
	}
	q.want = http.StatusNotModified
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(tagWorkers)
	for i, sku := range s.SKUs {
		g.Go(func() error {
			tag, err := tagOf(ctx, "http://"+s.Targets[0]+"/v1/products/"+url.PathEscape(sku))
			q.tails[i] = "\r\nIf-None-Match: " + tag + "\r\n\r\n"
			return err
		})
	}
	return q, g.Wait()
}

// tagOf is the ETag of a page.
func tagOf(ctx context.Context, page string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	tag := resp.Header.Get("ETag")
	if resp.StatusCode != http.StatusOK || tag == "" {
		return "", fmt.Errorf("GET %s: %s, ETag %q", page, resp.Status, tag)
	}
	return tag, nil
}

// compose appends request number n. The pages take turns.
func (q requests) compose(host string) func(dst []byte, n int64) []byte {
	return func(dst []byte, n int64) []byte {
		i := uint64(n) % uint64(len(q.heads))
		return append(append(append(dst, q.heads[i]...), host...), q.tails[i]...)
	}
}
