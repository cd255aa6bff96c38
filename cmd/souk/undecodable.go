package main

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// undecodable says of a record what tells its format and its origin.
type undecodable struct {
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Head is how it begins, with escapes as in Go for what is not ASCII text.
	// Of each longer word only the beginning is shown: nobody knows what a
	// record holds that nothing can read.
	Head string `json:"head"`
}

const (
	shownBytes = 64
	shownWord  = 3
)

var longWord = regexp.MustCompile(`[A-Za-z0-9_+/=-]{6,}`)

// undecodableFrom is nil for no record.
func undecodableFrom(record []byte) *undecodable {
	if record == nil {
		return nil
	}
	sum := sha256.Sum256(record)
	head := longWord.ReplaceAllStringFunc(string(record[:min(shownBytes, len(record))]), func(word string) string {
		return word[:shownWord] + strings.Repeat("*", len(word)-shownWord)
	})
	quoted := strconv.QuoteToASCII(head)
	return &undecodable{Bytes: len(record), SHA256: hex.EncodeToString(sum[:]), Head: quoted[1 : len(quoted)-1]}
}
