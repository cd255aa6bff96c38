package native

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"souk.example/pkg/config"
)

// passwords keeps one generated password per database account, in files that
// only their owner may read. A password is letters and digits: nothing in it
// needs quoting in SQL or in a DSN.
type passwords struct{ dir string }

func (p passwords) path(user string) string { return filepath.Join(p.dir, "mariadb-"+user) }

// load returns fs.ErrNotExist when the account has none.
func (p passwords) load(user string) (config.Secret, error) {
	raw, err := os.ReadFile(p.path(user))
	return config.Secret(strings.TrimSpace(string(raw))), err
}

// ensure makes the password the first time. The caller holds the home's lock.
func (p passwords) ensure(user string) (config.Secret, error) {
	password, err := p.load(user)
	if !errors.Is(err, fs.ErrNotExist) {
		return password, err
	}
	password = config.Secret(rand.Text())
	partial := p.path(user) + ".partial"
	if err := os.WriteFile(partial, []byte(password.Reveal()+"\n"), 0o600); err != nil {
		return "", err
	}
	return password, os.Rename(partial, p.path(user))
}
