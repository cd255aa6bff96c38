package throttle_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/ratelimit"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/user/internal/throttle"
	"souk.example/services/user/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door knows one password; every login that reaches it is counted.
type door struct {
	throttle.Doorkeeper
	logins atomic.Int32
	other  error // instead of looking at the password
}

func (d *door) Login(_ context.Context, _, password string) (user.Grant, error) {
	d.logins.Add(1)
	switch {
	case d.other != nil:
		return user.Grant{}, d.other
	case password != "right":
		return user.Grant{}, user.ErrInvalidCredentials
	}
	return user.Grant{AccessToken: "token"}, nil
}

// guarded allows three failures, and no more while the test lasts.
func guarded(t *testing.T, d *door) (logins *throttle.Logins, keys func() []string) {
	t.Helper()
	mini := redistest.Mini(t)
	limiter, err := ratelimit.New(redistest.Dial(t, mini.Addr()), ratelimit.Config{
		Name: "login", Limit: ratelimit.Limit{Rate: 1, Per: time.Hour, Burst: 3}, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return throttle.NewLogins(d, limiter), mini.Keys
}

func isTooMany(err error) bool {
	_, ok := errors.AsType[*throttle.TooManyError](err)
	return ok
}

func TestGuessingIsStopped(t *testing.T) {
	d := &door{}
	logins, keys := guarded(t, d)
	for range 20 { // of these none counts
		if _, err := logins.Login(t.Context(), "bob@souk.example", "right"); err != nil {
			t.Fatal(err)
		}
	}
	for _, email := range []string{"alice@souk.example", "ALICE@Souk.Example", " alice@souk.example"} {
		if _, err := logins.Login(t.Context(), email, "wrong"); !errors.Is(err, user.ErrInvalidCredentials) {
			t.Fatal(err)
		}
	}
	before := d.logins.Load()
	_, err := logins.Login(t.Context(), "alice@souk.example", "right")
	if tooMany, ok := errors.AsType[*throttle.TooManyError](err); !ok || tooMany.Limit.RetryAfter <= 0 || tooMany.Limit.Limit != 3 {
		t.Errorf("after three failures: %v", err)
	}
	if d.logins.Load() != before {
		t.Error("the password was looked at all the same")
	}
	if _, err := logins.Login(t.Context(), "bob@souk.example", "right"); err != nil {
		t.Errorf("another account: %v", err)
	}
	for _, key := range keys() {
		if strings.Contains(strings.ToLower(key), "alice") || strings.Contains(key, "souk.example") {
			t.Errorf("Redis knows an address: %s", key)
		}
	}
}

// Many guesses at once are no way around the limit.
func TestGuessesAtOnceAreBounded(t *testing.T) {
	d := &door{}
	logins, _ := guarded(t, d)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { _, _ = logins.Login(t.Context(), "alice@souk.example", "wrong") })
	}
	wg.Wait()
	if n := d.logins.Load(); n != 3 {
		t.Errorf("%d passwords were looked at, want 3", n)
	}
}

// What is not a wrong password does not count against the account.
func TestOnlyWrongPasswordsCount(t *testing.T) {
	for name, other := range map[string]error{"busy": user.ErrBusy, "blocked": user.ErrBlocked, "a failure": errors.New("no database")} {
		t.Run(name, func(t *testing.T) {
			d := &door{other: other}
			logins, _ := guarded(t, d)
			for range 10 {
				if _, err := logins.Login(t.Context(), "alice@souk.example", "x"); !errors.Is(err, other) {
					t.Fatal(err)
				}
			}
		})
	}
}

// What cannot be an address has no account and no limit of its own.
func TestNoAddress(t *testing.T) {
	logins, keys := guarded(t, &door{})
	for range 10 {
		if _, err := logins.Login(t.Context(), "' OR 1=1--", "x"); isTooMany(err) {
			t.Fatal(err)
		}
	}
	if len(keys()) != 0 {
		t.Errorf("Redis keeps %v", keys())
	}
}
