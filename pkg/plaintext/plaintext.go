// Package plaintext keeps text that somebody else wrote from disguising itself,
// or what stands beside it, on a screen.
package plaintext

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// disguises reports control characters, line breaks of all kinds among them, and
// the marks that turn the direction of writing around.
func disguises(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// Is reports whether s is one line of valid UTF-8 in which nothing disguises: what
// a service asks of a name or a reason.
func Is(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, disguises) }

// Blank reports whether s shows nothing: it is empty, or spaces and marks without
// a shape.
func Blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

// Escape returns s with what disguises written as \u and four digits, and U+FFFD
// for bytes that are not UTF-8. The result is plain text; a JSON document on one
// line stays the same document.
func Escape(s string) string { return escape(s, disguises) }

func escape(s string, hidden func(rune) bool) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r) // all of them are in the basic plane
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Writer escapes what is written to it, all but line breaks and tabs. Not safe
// for concurrent use.
type Writer struct {
	w    io.Writer
	rest []byte // the beginning of a character whose end is still to come
}

// NewWriter makes a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements io.Writer. The first bytes of a character wait for the others.
func (w *Writer) Write(p []byte) (int, error) {
	text := slices.Concat(w.rest, p)
	whole := len(text) - unfinished(text)
	w.rest = text[whole:]
	if _, err := io.WriteString(w.w, escape(string(text[:whole]), hiddenInText)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func hiddenInText(r rune) bool { return r != '\n' && r != '\t' && disguises(r) }

// unfinished is how many bytes at the end of p may begin a character.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
