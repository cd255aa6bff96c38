package groupcommit_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/groupcommit"
)

func TestSizesCountEveryBatchOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	sizes, err := groupcommit.Sizes(registry, "doubles")
	if err != nil {
		t.Fatal(err)
	}
	doAll(t.Context(), start(t, groupcommit.Config{BatchMax: 1, Sizes: sizes}, double), 3)
	const want = `
# HELP souk_groupcommit_batch_requests Requests per batch.
# TYPE souk_groupcommit_batch_requests histogram
souk_groupcommit_batch_requests_bucket{committer="doubles",le="1"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="4"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="16"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="64"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="256"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="1024"} 3
souk_groupcommit_batch_requests_bucket{committer="doubles",le="+Inf"} 3
souk_groupcommit_batch_requests_sum{committer="doubles"} 3
souk_groupcommit_batch_requests_count{committer="doubles"} 3
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if _, err := groupcommit.Sizes(registry, "doubles"); err == nil {
		t.Error("two committers of one name")
	}
}
