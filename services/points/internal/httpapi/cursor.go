package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"

	"souk.example/pkg/apperr"
	"souk.example/services/points/internal/points"
)

// cursorJSON is what a cursor says: the last entry seen.
type cursorJSON struct {
	Order int64  `json:"o"`
	Rule  string `json:"r"`
	Cause string `json:"c"`
}

// formatCursor makes a cursor, opaque to clients so that it may change. The
// checksum in front finds cursors that were mangled on the way; it keeps
// nothing secret, and a cursor gives access to nothing.
func formatCursor(last points.EntryID) string {
	body, _ := json.Marshal(cursorJSON{Order: int64(last.Order), Rule: last.Rule, Cause: last.Cause}) // always encodes
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	return base64.RawURLEncoding.EncodeToString(append(sum, body...))
}

// parseCursor is the inverse; no cursor starts with the newest entry.
func parseCursor(cursor string) (points.EntryID, error) {
	if cursor == "" {
		return points.EntryID{}, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 4 || binary.BigEndian.Uint32(raw) != crc32.ChecksumIEEE(raw[4:]) {
		return points.EntryID{}, badCursor()
	}
	var last cursorJSON
	if err := json.Unmarshal(raw[4:], &last); err != nil || last.Order <= 0 {
		return points.EntryID{}, badCursor()
	}
	return points.EntryID{Order: points.OrderID(last.Order), Rule: last.Rule, Cause: last.Cause}, nil
}

func badCursor() error {
	return apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: "cursor", Code: "invalid", Detail: "use a next_cursor as it was given"})
}
