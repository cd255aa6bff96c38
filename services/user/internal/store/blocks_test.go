package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
)

func TestBlocksRoundTrip(t *testing.T) {
	f := open(t)
	blocks := store.NewBlocks(f.db)
	first, err := blocks.Put(t.Context(), user.Block{Subject: "user:7", Reason: "fraud", By: 1})
	if err != nil || first.Since.IsZero() {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := blocks.Put(t.Context(), user.Block{Subject: "user:7", Reason: "chargebacks", By: 2})
	if err != nil || again.Reason != "chargebacks" || again.By != 2 || !again.Since.Equal(first.Since) {
		t.Errorf("another reason: %+v, %v", again, err)
	}
	snapshot, err := blocks.Snapshot(t.Context())
	if err != nil || snapshot.Revision != 2 || len(snapshot.Blocks) != 1 || !snapshot.Blocks["user:7"].Since.Equal(first.Since) {
		t.Errorf("snapshot %+v, %v", snapshot, err)
	}
	if err := blocks.Remove(t.Context(), "user:7"); err != nil {
		t.Error(err)
	}
	if err := blocks.Remove(t.Context(), "user:7"); !errors.Is(err, user.ErrNotBlocked) {
		t.Errorf("twice: %v", err)
	}
	if n, err := blocks.Revision(t.Context()); err != nil || n != 3 {
		t.Errorf("revision %d, %v: what changed nothing must not count", n, err)
	}
}

// A user who is shut out gets no token, and the session that waits for the end
// of it loses nothing.
func TestNoSessionForWhoIsBlocked(t *testing.T) {
	f := open(t)
	blocks, subject := store.NewBlocks(f.db), contracts.UserSubject(int64(f.alice.ID))
	f.login(t, 10, "first")
	if _, err := blocks.Put(t.Context(), user.Block{Subject: subject, Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if err := f.sessions.Open(t.Context(), user.Session{ID: 11, User: f.alice.ID, CreatedAt: noon, ExpiresAt: noon}, "other"); !errors.Is(err, user.ErrBlocked) {
		t.Errorf("login: %v", err)
	}
	if _, _, err := f.sessions.Rotate(t.Context(), "first", "second", noon); !errors.Is(err, user.ErrBlocked) {
		t.Errorf("refresh: %v", err)
	}
	if err := blocks.Remove(t.Context(), subject); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.sessions.Rotate(t.Context(), "first", "second", noon); err != nil {
		t.Errorf("refresh after the block: %v", err)
	}
}

// The bound holds though many add at once, and each change counts.
func TestTheBlockListIsBounded(t *testing.T) {
	f := open(t)
	blocks := store.NewBlocks(f.db)
	fill(t, f.db, contracts.MaxBlocks-1)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = blocks.Put(t.Context(), user.Block{Subject: contracts.UserSubject(int64(100 + i)), Reason: "r"})
		})
	}
	wg.Wait()
	added := 0
	for _, err := range errs {
		switch {
		case err == nil:
			added++
		case !errors.Is(err, user.ErrBlocksFull):
			t.Error(err)
		}
	}
	if n, err := blocks.Revision(t.Context()); added != 1 || err != nil || n != 1 {
		t.Errorf("%d added, revision %d, %v", added, n, err)
	}
}

func fill(t *testing.T, db *database.DB, n int) {
	t.Helper()
	for i := range n {
		if _, err := db.Exec(t.Context(), "INSERT INTO block (subject, reason, blocked_by, since) VALUES (?, 'r', 1, 1)", fmt.Sprintf("address:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
}
