package user

import (
	"strings"
	"unicode"
)

const (
	maxEmail = 254 // RFC 5321, 4.5.3.1.3
	maxLocal = 64
	maxLabel = 63
)

// Email is an address in the one form we keep: trimmed and in lower case.
type Email string

// ParseEmail normalises an address, so that an account cannot be had twice by
// a change of case. Only ASCII is accepted: an address that merely looks like
// another's, written with letters of another alphabet, is refused. (Domains in
// other scripts have an ASCII form, xn--….) Quoted local parts and comments
// are refused too, though RFC 5322 has them.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	address := strings.ToLower(s)
	local, domain, ok := strings.Cut(address, "@")
	// The Kelvin sign is lowered to a plain k: look before lowering.
	if !ok || !isASCII(s) || len(address) > maxEmail || !isLocalPart(local) || !isDomain(domain) {
		return "", &InvalidError{Field: "email", Code: "invalid_email", Detail: "must be an e-mail address in ASCII"}
	}
	return Email(address), nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

func isLocalPart(s string) bool {
	if len(s) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if !consistsOf(atom, "!#$%&'*+/=?^_`{|}~-") {
			return false
		}
	}
	return true
}

func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if len(label) > maxLabel || !consistsOf(label, "-") || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1
}

// consistsOf reports whether s is not empty and made of lower case letters,
// digits and the characters in others.
func consistsOf(s, others string) bool {
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && strings.IndexByte(others, b) < 0 {
			return false
		}
	}
	return s != ""
}
