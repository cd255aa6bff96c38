package user

import (
	"fmt"
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

func cleanName(name string) (string, error) {
	cleaned, invalid := cleanText(name, "name", "invalid_name", 1, maxName)
	if invalid != nil {
		return "", invalid
	}
	return cleaned, nil
}

// cleanText trims a text and refuses what could disguise it on a screen. The
// length is in characters; the field and the code are those of the error.
func cleanText(text, field, code string, shortest, longest int) (string, *InvalidError) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < shortest || n > longest || shortest > 0 && plaintext.Blank(text) {
		return "", &InvalidError{Field: field, Code: code, Detail: fmt.Sprintf("must have %d to %d characters", shortest, longest)}
	}
	if !plaintext.Is(text) {
		return "", &InvalidError{Field: field, Code: code, Detail: "must not hold control characters"}
	}
	return text, nil
}
