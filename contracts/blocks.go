package contracts

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// BlockListState names the replicated state through which the user service,
// which owns the list, tells every edge who is shut out.
const BlockListState = "blocks"

// MaxBlocks bounds the list, which is sent whole to every edge.
const MaxBlocks = 2000

// BlockList is who is shut out, as it stood in SQL at a revision. One that was
// handed out is never changed.
type BlockList struct {
	Revision int64             `json:"revision"` // rises with every change
	Blocks   map[Subject]Block `json:"blocks"`
}

// Block is since when somebody is shut out. Why is not for the edge to know.
type Block struct {
	Since time.Time `json:"since"`
}

// Subject is who may be shut out: "user:" and an id, or "address:" and an IP
// address.
type Subject string

// UserSubject is the subject of a user.
func UserSubject(id int64) Subject { return Subject("user:" + strconv.FormatInt(id, 10)) }

// AddressSubject is the subject of a client's address; false when it is none.
// IPv4 in IPv6's clothes is IPv4.
func AddressSubject(text string) (Subject, bool) {
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
		return Subject(text), err == nil && id > 0 && UserSubject(id) == Subject(text)
	case "address":
		return AddressSubject(name)
	}
	return "", false
}
