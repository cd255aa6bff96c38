package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
	"souk.example/services/user/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)

type fixture struct {
	db       *database.DB
	users    *store.Users
	sessions *store.Sessions
	alice    user.User
}

func open(t *testing.T) fixture {
	t.Helper()
	db := databasetest.Open(t, migrations.Set())
	f := fixture{db: db, users: store.NewUsers(db), sessions: store.NewSessions(db)}
	f.alice = user.User{ID: 1, Email: "alice@souk.example", Name: "Alice 😀", Role: user.Shopper, PasswordHash: "h", CreatedAt: noon, UpdatedAt: noon}
	if err := f.users.Add(t.Context(), f.alice); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f fixture) login(t *testing.T, id user.SessionID, token user.TokenHash) {
	t.Helper()
	s := user.Session{ID: id, User: f.alice.ID, CreatedAt: noon, RefreshedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	if err := f.sessions.Open(t.Context(), s, token); err != nil {
		t.Fatal(err)
	}
}

func (f fixture) live(t *testing.T) []user.Session {
	t.Helper()
	sessions, err := f.sessions.List(t.Context(), f.alice.ID, 0, 100, noon)
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

func TestUsersRoundTrip(t *testing.T) {
	f := open(t)
	byEmail, err1 := f.users.ByEmail(t.Context(), f.alice.Email)
	byID, err2 := f.users.ByID(t.Context(), f.alice.ID)
	if err := errors.Join(err1, err2); err != nil || byEmail != f.alice || byID != f.alice {
		t.Errorf("got %+v and %+v, %v", byEmail, byID, err)
	}
	if _, err := f.users.ByEmail(t.Context(), "' OR 1=1--"); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	twin := f.alice
	twin.ID = 2
	if err := f.users.Add(t.Context(), twin); !errors.Is(err, user.ErrEmailTaken) {
		t.Errorf("second account with the address: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	f := open(t)
	rename := func(u *user.User) error { return u.Rename("Alicia", noon.Add(time.Second)) }
	u, err := f.users.Update(t.Context(), f.alice.ID, rename)
	if err != nil || u.Name != "Alicia" {
		t.Fatalf("got %+v, %v", u, err)
	}
	if stored, _ := f.users.ByID(t.Context(), f.alice.ID); stored != u {
		t.Errorf("stored %+v", stored)
	}
	if _, err := f.users.Update(t.Context(), f.alice.ID, func(u *user.User) error { return u.Rename("", noon) }); err == nil {
		t.Error("an invalid change went through")
	}
	if stored, _ := f.users.ByID(t.Context(), f.alice.ID); stored != u {
		t.Errorf("a refused change left %+v", stored)
	}
	if _, err := f.users.Update(t.Context(), 99, rename); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestRotate(t *testing.T) {
	f := open(t)
	f.login(t, 10, "one")
	for i, step := range []struct{ used, next user.TokenHash }{{"one", "two"}, {"two", "three"}} {
		s, u, err := f.sessions.Rotate(t.Context(), step.used, step.next, noon.Add(time.Minute))
		if err != nil || s.ID != 10 || u != f.alice || !s.RefreshedAt.Equal(noon.Add(time.Minute)) {
			t.Fatalf("rotation %d: %+v, %+v, %v", i, s, u, err)
		}
	}
	if _, _, err := f.sessions.Rotate(t.Context(), "unknown", "x", noon); !errors.Is(err, user.ErrInvalidRefresh) || len(f.live(t)) != 1 {
		t.Errorf("unknown token: %v, %d sessions", err, len(f.live(t)))
	}
}

func TestReuseEndsTheFamilyAndNoOther(t *testing.T) {
	f := open(t)
	f.login(t, 10, "one")
	f.login(t, 11, "other")
	if _, _, err := f.sessions.Rotate(t.Context(), "one", "two", noon); err != nil {
		t.Fatal(err)
	}
	for _, token := range []user.TokenHash{"one", "two", "one"} { // the thief's, then the owner's
		if _, _, err := f.sessions.Rotate(t.Context(), token, token+"'", noon); !errors.Is(err, user.ErrInvalidRefresh) {
			t.Errorf("%s: %v", token, err)
		}
	}
	if live := f.live(t); len(live) != 1 || live[0].ID != 11 {
		t.Errorf("left: %+v", live)
	}
	if _, _, err := f.sessions.Rotate(t.Context(), "other", "next", noon); err != nil {
		t.Errorf("the other session: %v", err)
	}
}

func TestOneTokenInManyHandsIsGoodOnceAtMost(t *testing.T) {
	f := open(t)
	f.login(t, 10, "one")
	var wg sync.WaitGroup
	results := make(chan error, 8)
	for i := range cap(results) {
		wg.Go(func() {
			_, _, err := f.sessions.Rotate(t.Context(), "one", user.TokenHash(fmt.Sprint("next", i)), noon)
			results <- err
		})
	}
	wg.Wait()
	close(results)
	good := 0
	for err := range results {
		if err == nil {
			good++
		} else if !errors.Is(err, user.ErrInvalidRefresh) {
			t.Error(err)
		}
	}
	if good != 1 || len(f.live(t)) != 0 {
		t.Errorf("%d rotations succeeded, %d sessions left", good, len(f.live(t)))
	}
}

func TestExpiredSessions(t *testing.T) {
	f := open(t)
	f.login(t, 10, "one")
	late := noon.Add(time.Hour)
	if _, _, err := f.sessions.Rotate(t.Context(), "one", "two", late); !errors.Is(err, user.ErrInvalidRefresh) {
		t.Errorf("expired: %v", err)
	}
	if list, err := f.sessions.List(t.Context(), f.alice.ID, 0, 10, late); err != nil || len(list) != 0 {
		t.Errorf("lists %v, %v", list, err)
	}
	s := user.Session{ID: 11, User: f.alice.ID, CreatedAt: late, RefreshedAt: late, ExpiresAt: late.Add(time.Hour)}
	if err := f.sessions.Open(t.Context(), s, "new"); err != nil {
		t.Fatal(err)
	}
	var tokens int
	if err := f.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM refresh_token").Scan(&tokens); err != nil || tokens != 1 || len(f.live(t)) != 1 {
		t.Errorf("the login left %d tokens and %d sessions, %v", tokens, len(f.live(t)), err)
	}
}

func TestClose(t *testing.T) {
	f := open(t)
	f.login(t, 10, "one")
	for _, wrong := range []struct {
		owner user.ID
		id    user.SessionID
	}{{99, 10}, {1, 99}, {1, 0}} {
		if err := f.sessions.Close(t.Context(), wrong.owner, wrong.id); err != nil || len(f.live(t)) != 1 {
			t.Errorf("%+v: %v, %d sessions", wrong, err, len(f.live(t)))
		}
	}
	if err := f.sessions.Close(t.Context(), 1, 10); err != nil || len(f.live(t)) != 0 {
		t.Errorf("got %v, %d sessions", err, len(f.live(t)))
	}
	if _, _, err := f.sessions.Rotate(t.Context(), "one", "two", noon); !errors.Is(err, user.ErrInvalidRefresh) {
		t.Errorf("refresh after logout: %v", err)
	}
}

func TestListPages(t *testing.T) {
	f := open(t)
	for id := range user.SessionID(5) {
		f.login(t, 10+id, user.TokenHash(fmt.Sprint(id)))
	}
	page, err := f.sessions.List(t.Context(), f.alice.ID, 11, 2, noon)
	if err != nil || len(page) != 2 || page[0].ID != 12 || page[1].ID != 13 {
		t.Errorf("got %+v, %v", page, err)
	}
	if others, err := f.sessions.List(t.Context(), 2, 0, 100, noon); err != nil || len(others) != 0 {
		t.Errorf("somebody else sees %+v, %v", others, err)
	}
}

func TestEnsureBulk(t *testing.T) {
	f, ids := open(t), idgen.Static(1)
	emails := make([]user.Email, 2500)
	for i := range emails {
		emails[i] = user.Email(fmt.Sprintf("load-%06d@souk.example", i))
	}
	some, err := f.users.EnsureBulk(t.Context(), ids, emails[100:200], noon)
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.users.EnsureBulk(t.Context(), ids, emails, noon)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.users.EnsureBulk(t.Context(), ids, emails, noon)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[user.ID]bool{}
	for i, u := range all {
		if u.Email != emails[i] || u.ID == 0 || seen[u.ID] || u != again[i] || u.PasswordHash != user.Unusable {
			t.Fatalf("user %d: %+v, then %+v", i, u, again[i])
		}
		seen[u.ID] = true
	}
	if all[100] != some[0] {
		t.Errorf("an account changed: %+v, %+v", some[0], all[100])
	}
}
