package user

import (
	"strings"
	"unicode/utf8"

	"souk.example/pkg/plaintext"
)

const (
	minPassword = 10
	maxPassword = 128
	maxName     = 100
)

// checkPassword holds a new password against the policy: length above all
// (NIST SP 800-63B), in characters, with every byte counting. It runs before
// anything expensive.
func checkPassword(password string, email Email) error {
	weak := func(detail string) error {
		return &InvalidError{Field: "password", Code: "weak_password", Detail: detail}
	}
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword || n > maxPassword:
		return weak("must have 10 to 128 characters")
	case strings.EqualFold(password, string(email)):
		return weak("must not be the e-mail address")
	case strings.Count(password, password[:1]) == len(password):
		return weak("must not repeat one character")
	}
	return nil
}

// couldBePassword tells whether it is worth hashing at all.
func couldBePassword(password string) bool {
	return password != "" && len(password) <= maxPassword*utf8.UTFMax
}

// cleanName trims a name and refuses what could disguise it on a screen.
func cleanName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return "", &InvalidError{Field: "name", Code: "invalid_name", Detail: "must have 1 to 100 characters"}
	}
	if !plaintext.Is(name) {
		return "", &InvalidError{Field: "name", Code: "invalid_name", Detail: "must not hold control characters"}
	}
	return name, nil
}
