package redisclient_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"souk.example/pkg/redisclient"
)

func TestOutagesAreLoggedWhenTheyBeginAndEnd(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	o := redisclient.Outage{
		Log:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		Begun: "no Redis", Ended: "Redis again",
	}
	o.Note(t.Context(), nil)
	for _, failures := range []int{1, 3} {
		for range failures {
			o.Note(t.Context(), errors.New("refused"))
		}
		o.Note(t.Context(), nil)
		o.Note(t.Context(), nil)
	}
	const want = `level=WARN msg="no Redis" error=refused
level=INFO msg="Redis again" failures=1
level=WARN msg="no Redis" error=refused
level=INFO msg="Redis again" failures=3
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
}

func TestOneOutageOfManyCallersIsOne(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	o := redisclient.Outage{Log: slog.New(slog.NewTextHandler(&log, nil)), Begun: "no Redis", Ended: "Redis again"}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { o.Note(t.Context(), errors.New("refused")) })
	}
	callers.Wait()
	if n := strings.Count(log.String(), "no Redis"); n != 1 {
		t.Errorf("the log tells of %d outages:\n%s", n, log.String())
	}
}

func TestOnlyASuccessBegunAfterTheFailureEndsAnOutage(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	o := redisclient.Outage{Log: slog.New(slog.NewTextHandler(&log, nil)), Begun: "no Redis", Ended: "Redis again"}
	before := o.Begin()
	o.Begin().Note(t.Context(), errors.New("refused"))
	before.Note(t.Context(), nil)
	if strings.Contains(log.String(), "Redis again") {
		t.Errorf("an answer from before the outage ends it:\n%s", log.String())
	}
	o.Begin().Note(t.Context(), nil)
	if n := strings.Count(log.String(), "Redis again"); n != 1 {
		t.Errorf("the log tells of %d ends:\n%s", n, log.String())
	}
}
