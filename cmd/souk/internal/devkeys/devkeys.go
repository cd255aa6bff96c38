// Package devkeys keeps what services know each other by on a developer's
// machine: the pair that signs access tokens, and what payment and the sandbox
// provider share. Production brings its own.
package devkeys

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"souk.example/pkg/auth"
	"souk.example/pkg/config"
)

// Keys are the formats of SOUK_JWT_PRIVATE_KEY, SOUK_JWT_PUBLIC_KEYS,
// SOUK_PSP_API_KEY and SOUK_PSP_WEBHOOK_SECRETS.
type Keys struct {
	Private   config.Secret
	Public    string
	PSPAPIKey config.Secret
	Webhook   config.Secret
}

// Load reads the keys in dir; fs.ErrNotExist when not all of them were made.
func Load(dir string) (Keys, error) {
	var texts []string
	for _, path := range []string{privatePath(dir), publicPath(dir), apiKeyPath(dir), webhookPath(dir)} {
		text, err := os.ReadFile(path)
		if err != nil {
			return Keys{}, err
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	return Keys{
		Private: config.Secret(texts[0]), Public: texts[1], PSPAPIKey: config.Secret(texts[2]), Webhook: config.Secret(texts[3]),
	}, nil
}

// Ensure returns the keys in dir, making those that are missing. Only the owner
// may read the files.
func Ensure(dir string) (Keys, error) {
	if err := ensurePair(dir); err != nil {
		return Keys{}, fmt.Errorf("make development keys: %w", err)
	}
	for _, path := range []string{apiKeyPath(dir), webhookPath(dir)} {
		if err := unlessThere(path, func() error { return write(path, rand.Text()+rand.Text()) }); err != nil {
			return Keys{}, fmt.Errorf("make development keys: %w", err)
		}
	}
	return Load(dir)
}

func ensurePair(dir string) error {
	return unlessThere(privatePath(dir), func() error {
		private, public, err := auth.GenerateKey()
		if err != nil {
			return err
		}
		// The private key comes last: it is what says that the pair is whole.
		if err := write(publicPath(dir), public); err != nil {
			return err
		}
		return write(privatePath(dir), private.Reveal())
	})
}

func unlessThere(path string, do func() error) error {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return do()
	}
	return err
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content+"\n"), 0o600)
}

func privatePath(dir string) string { return filepath.Join(dir, "jwt.private") }
func publicPath(dir string) string  { return filepath.Join(dir, "jwt.public") }
func apiKeyPath(dir string) string  { return filepath.Join(dir, "psp.api-key") }
func webhookPath(dir string) string { return filepath.Join(dir, "psp.webhook-secret") }
