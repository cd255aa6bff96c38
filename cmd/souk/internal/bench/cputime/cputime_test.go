package cputime_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
)

func TestReadSeesThisProcessWork(t *testing.T) {
	self := []cputime.Process{{Name: "self", PID: os.Getpid()}}
	before, err := cputime.Read(t.Context(), self)
	if err != nil {
		t.Fatal(err)
	}
	seen := func(r cputime.Reading) bool { return r.Self > 0 && r.Sum() > 0 && r.Machine > 0 }
	var used cputime.Reading
	for deadline := time.Now().Add(10 * time.Second); !seen(used) && time.Now().Before(deadline); {
		now, err := cputime.Read(t.Context(), self)
		if err != nil {
			t.Fatal(err)
		}
		used = now.Since(before)
	}
	if !seen(used) {
		t.Errorf("%+v", used)
	}
}

func TestReadMissesAProcess(t *testing.T) {
	_, err := cputime.Read(t.Context(), []cputime.Process{{Name: "ghost", PID: 1 << 30}})
	if err == nil || !strings.Contains(err.Error(), "ghost") {
		t.Error(err)
	}
}
