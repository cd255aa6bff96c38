package blocklist

import (
	"net/netip"
	"strconv"
	"strings"
)

// Subject is who may be shut out: "user:" and an id, or "address:" and an IP
// address.
type Subject string

// User is the subject of a user.
func User(id int64) Subject { return Subject("user:" + strconv.FormatInt(id, 10)) }

// Address is the subject of a client's address; false when it is none. IPv4 in
// IPv6's clothes is IPv4.
func Address(text string) (Subject, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	return Subject("address:" + addr.Unmap().WithZone("").String()), true
}

// ParseSubject reads a subject in the one form that it has.
func ParseSubject(text string) (Subject, bool) {
	kind, name, _ := strings.Cut(text, ":")
	switch kind {
	case "user":
		id, err := strconv.ParseInt(name, 10, 64)
		return Subject(text), err == nil && id > 0 && User(id) == Subject(text)
	case "address":
		return Address(name)
	}
	return "", false
}
