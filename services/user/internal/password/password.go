// Package password hashes passwords with argon2id (RFC 9106), a bounded number
// at a time: each takes 19 MiB and tens of milliseconds of a processor, so a
// burst of logins must queue, and past the queue be sent away.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/crypto/argon2"

	"souk.example/services/user/internal/user"
)

// OWASP's first recommendation for argon2id (Password Storage Cheat Sheet):
// 19 MiB, two passes, one lane.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltSize  = 16
	keySize   = 32
)

// Config bounds the work. The zero value suits any machine.
type Config struct {
	// Concurrent is how many passwords are hashed at a time; 0 is half the
	// processors, at least one.
	Concurrent int `env:"SOUK_PASSWORD_CONCURRENT" usage:"passwords hashed at a time"`
	// Waiting is how many more may wait; 0 is 64.
	Waiting int `env:"SOUK_PASSWORD_WAITING" usage:"passwords that may wait to be hashed"`
}

func (c Config) withDefaults() Config {
	if c.Concurrent == 0 {
		c.Concurrent = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Waiting == 0 {
		c.Waiting = 64
	}
	return c
}

// Validate reports settings that cannot work.
func (c Config) Validate() error {
	if c.Concurrent < 0 || c.Waiting < 0 {
		return errors.New("password: a limit is negative")
	}
	return nil
}

// Hasher hashes and verifies. Safe for concurrent use.
type Hasher struct {
	places  chan struct{} // one for each password hashed or waiting
	working chan struct{} // one for each password hashed
	decoy   parsed        // is worked through in place of a hash that is none
}

// New makes a Hasher.
func New(cfg Config) *Hasher {
	cfg = cfg.withDefaults()
	return &Hasher{
		places:  make(chan struct{}, cfg.Concurrent+cfg.Waiting),
		working: make(chan struct{}, cfg.Concurrent),
		decoy:   parsed{memoryKiB: memoryKiB, passes: passes, lanes: lanes, salt: make([]byte, saltSize), key: make([]byte, keySize)},
	}
}

// Hash returns password's hash as a PHC string, with a salt of its own. All of
// the password counts. It answers user.ErrBusy at once when the queue is full,
// and ctx's error when the wait outlasts ctx.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := parsed{memoryKiB: memoryKiB, passes: passes, lanes: lanes, salt: make([]byte, saltSize)}
	_, _ = rand.Read(p.salt) // crypto/rand never fails
	var err error
	if p.key, err = h.derive(ctx, password, p, keySize); err != nil {
		return "", err
	}
	return p.String(), nil
}

// Verify reports whether hash is password's. A hash that no password has, or
// that is damaged, takes as long as any other, and is never right.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (bool, error) {
	p, ok := parse(hash)
	if !ok {
		p = h.decoy
	}
	key, err := h.derive(ctx, password, p, uint32(len(p.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && ok, nil
}

func (h *Hasher) derive(ctx context.Context, password string, p parsed, size uint32) ([]byte, error) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, user.ErrBusy
	}
	select {
	case h.working <- struct{}{}:
		defer func() { <-h.working }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memoryKiB, p.lanes, size), nil
}

// parsed is a hash with its parameters.
type parsed struct {
	memoryKiB, passes uint32
	lanes             uint8
	salt, key         []byte
}

const format = "$argon2id$v=19$m=%d,t=%d,p=%d$"

// String is the PHC string format.
func (p parsed) String() string {
	return fmt.Sprintf(format, p.memoryKiB, p.passes, p.lanes) +
		base64.RawStdEncoding.EncodeToString(p.salt) + "$" + base64.RawStdEncoding.EncodeToString(p.key)
}
