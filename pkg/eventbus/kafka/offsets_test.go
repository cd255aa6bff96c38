package kafka

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
)

// session counts the requests to store offsets.
type session struct {
	sarama.ConsumerGroupSession
	ctx    context.Context //nolint:containedctx // it is what a session has
	stored atomic.Int32
}

func (s *session) Context() context.Context   { return s.ctx }
func (s *session) Claims() map[string][]int32 { return nil }
func (s *session) Commit()                    { s.stored.Add(1) }

// Without a broker each attempt to store takes seconds: a session of many
// partitions that ends makes one.
func TestTheEndOfASessionIsStoredOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, sess := &member{}, &session{ctx: ctx}
	if err := m.Setup(sess); err != nil {
		t.Fatal(err)
	}
	cancel()
	for range 12 {
		(&claim{sess: sess}).end()
	}
	if err := m.Cleanup(sess); err != nil {
		t.Fatal(err)
	}
	if n := sess.stored.Load(); n != 1 {
		t.Errorf("stored %d times, want once", n)
	}
}

// Who gets a partition that is taken from a living session reads on from there.
func TestTheEndOfOneClaimIsStoredAtOnce(t *testing.T) {
	sess := &session{ctx: t.Context()}
	(&claim{sess: sess}).end()
	if n := sess.stored.Load(); n != 1 {
		t.Errorf("stored %d times, want once", n)
	}
}

// What was refused is stored by the next attempt, while the session lives.
func TestOffsetsAreStoredFourTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o offsets
		sess := &session{ctx: t.Context()}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go o.keep(ctx)
		o.follow(sess)
		time.Sleep(time.Second + time.Millisecond)
		o.follow(nil)
		time.Sleep(time.Second)
		if n := sess.stored.Load(); n != 4 {
			t.Errorf("stored %d times in the second that the session lived, want 4", n)
		}
	})
}
