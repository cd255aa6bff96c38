package contracts_test

import (
	"testing"

	"souk.example/contracts"
)

// A subject has one form, so that who is shut out under one name does not pass
// under another.
func TestSubjectsHaveOneForm(t *testing.T) {
	for text, want := range map[string]contracts.Subject{
		"user:7": "user:7", "user:9223372036854775807": "user:9223372036854775807",
		"address:192.0.2.1": "address:192.0.2.1", "address:::ffff:192.0.2.1": "address:192.0.2.1",
		"address:2001:DB8::0:1": "address:2001:db8::1", "address:fe80::1%eth0": "address:fe80::1",
	} {
		if got, ok := contracts.ParseSubject(text); !ok || got != want {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "7", "user:", "user:0", "user:-1", "user:007", "user:+7", "user:9223372036854775808", "address:", "address:localhost", "address:192.0.2.0/24", "nobody:1"} {
		if got, ok := contracts.ParseSubject(text); ok {
			t.Errorf("%s was taken, as %s", text, got)
		}
	}
}
