package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/user"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func verify(t *testing.T, h *password.Hasher, pw, hash string) bool {
	t.Helper()
	ok, err := h.Verify(t.Context(), pw, hash)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestEveryByteCounts(t *testing.T) {
	h := password.New(password.Config{})
	base := strings.Repeat("a", 72)
	hash, err := h.Hash(t.Context(), base+"1")
	if err != nil {
		t.Fatal(err)
	}
	if !verify(t, h, base+"1", hash) {
		t.Error("the right password is refused")
	}
	for _, wrong := range []string{base + "2", base, base + "1 ", strings.ToUpper(base + "1"), ""} {
		if verify(t, h, wrong, hash) {
			t.Errorf("%q is accepted", wrong)
		}
	}
	again, err := h.Hash(t.Context(), base+"1")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are equal: %v", err)
	}
}

// A hash written today must verify for ever.
func TestGoldenHash(t *testing.T) {
	const golden = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$quyusfeeuAGbpiw09i+j4VKJ+I/5h3mugd4HghmS/x8"
	if !verify(t, password.New(password.Config{}), "correct horse battery", golden) {
		t.Error("a stored hash no longer verifies")
	}
}

func TestDamagedHashesAreNeverRight(t *testing.T) {
	h := password.New(password.Config{})
	for _, hash := range []string{
		"", user.Unusable, "plaintext", "$2a$10$abcdefghijklmnopqrstuv",
		"$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$",
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAECAwQFBgcICQoLDA0ODw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=0,t=0,p=0$$",
	} {
		if verify(t, h, "", hash) || verify(t, h, hash, hash) {
			t.Errorf("%q is accepted", hash)
		}
	}
}

func TestFullQueueIsBusyAtOnce(t *testing.T) {
	const concurrent, waiting = 1, 3
	h := password.New(password.Config{Concurrent: concurrent, Waiting: waiting})
	results := make(chan error, 50)
	for range cap(results) {
		go func() {
			_, err := h.Hash(context.WithoutCancel(t.Context()), "some password")
			results <- err
		}()
	}
	var done, busy int
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			done++
		case errors.Is(err, user.ErrBusy):
			busy++
		default:
			t.Error(err)
		}
	}
	if done < concurrent+waiting || busy == 0 {
		t.Errorf("%d done, %d busy", done, busy)
	}
	if _, err := h.Hash(t.Context(), "some password"); err != nil {
		t.Errorf("after the burst: %v", err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	h := password.New(password.Config{Concurrent: 1, Waiting: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error)
	go func() {
		_, err := h.Hash(t.Context(), "long enough to be in the way")
		done <- err
	}()
	for { // until one of our own has to wait
		_, err := h.Hash(ctx, "x")
		if errors.Is(err, context.Canceled) {
			break
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func BenchmarkHash(b *testing.B) {
	h := password.New(password.Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
