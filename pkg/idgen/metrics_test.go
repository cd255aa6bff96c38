package idgen_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/idgen"
)

func TestMetrics(t *testing.T) {
	w := idgen.New(inSQL(t), idgen.Config{})
	held := func(want string) {
		t.Helper()
		err := testutil.CollectAndCompare(w, strings.NewReader("# HELP souk_id_lease_held 1 while ids can be had.\n# TYPE souk_id_lease_held gauge\nsouk_id_lease_held "+want+"\n"), "souk_id_lease_held")
		if err != nil {
			t.Error(err)
		}
	}
	held("0")
	if err := w.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	held("1")
	stop(t, w)
	held("0")
}
