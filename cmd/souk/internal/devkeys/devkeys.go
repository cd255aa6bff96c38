// Package devkeys keeps the key pair that signs access tokens on a developer's
// machine. Production brings its own.
package devkeys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"souk.example/pkg/auth"
	"souk.example/pkg/config"
)

// Keys is a pair in the formats of SOUK_JWT_PRIVATE_KEY and
// SOUK_JWT_PUBLIC_KEYS.
type Keys struct {
	Private config.Secret
	Public  string
}

// Load reads the pair in dir; fs.ErrNotExist when none was made.
func Load(dir string) (Keys, error) {
	private, err := os.ReadFile(privatePath(dir))
	if err != nil {
		return Keys{}, err
	}
	public, err := os.ReadFile(publicPath(dir))
	if err != nil {
		return Keys{}, err
	}
	return Keys{Private: config.Secret(strings.TrimSpace(string(private))), Public: strings.TrimSpace(string(public))}, nil
}

// Ensure returns the pair in dir, making it the first time. Only the owner may
// read the files.
func Ensure(dir string) (Keys, error) {
	keys, err := Load(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	keys.Private, keys.Public, err = auth.GenerateKey()
	if err != nil {
		return Keys{}, fmt.Errorf("make development keys: %w", err)
	}
	// The private key comes last: it is what says that the pair is whole.
	if err := write(publicPath(dir), keys.Public); err != nil {
		return Keys{}, err
	}
	return keys, write(privatePath(dir), keys.Private.Reveal())
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content+"\n"), 0o600)
}

func privatePath(dir string) string { return filepath.Join(dir, "jwt.private") }
func publicPath(dir string) string  { return filepath.Join(dir, "jwt.public") }
