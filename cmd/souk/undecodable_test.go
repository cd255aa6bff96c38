package main

import "testing"

// How a record begins is shown, and no secret that stands in it.
func TestTheHeadOfARecord(t *testing.T) {
	for record, want := range map[string]string{
		"":                       "",
		"\x0a\x03abc\xff":        `\n\x03abc\xff`,
		`{"token":"tok_4242"}`:   `{\"token\":\"tok*****\"}`,
		"4111111111111111 12/29": `411************* 12/29`,
		"é":                      `\u00e9`,
	} {
		if got := undecodableFrom([]byte(record)); got.Head != want || got.Bytes != len(record) || len(got.SHA256) != 64 {
			t.Errorf("%q: %+v, want %s", record, got, want)
		}
	}
	if got := undecodableFrom(nil); got != nil {
		t.Errorf("no record: %+v", got)
	}
}
