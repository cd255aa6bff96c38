package httpapi

import (
	"encoding/base64"
	"strconv"

	"souk.example/pkg/apperr"
)

const cursorPrefix = "after:"

// A cursor is the last id seen, opaque to clients so that it may change.
func formatCursor[ID ~int64](last ID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + strconv.FormatInt(int64(last), 10)))
}

func parseCursor[ID ~int64](cursor string) (ID, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(raw) > len(cursorPrefix) && string(raw[:len(cursorPrefix)]) == cursorPrefix {
		id, err := strconv.ParseInt(string(raw[len(cursorPrefix):]), 10, 64)
		if err == nil && id > 0 {
			return ID(id), nil
		}
	}
	return 0, apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: "cursor", Code: "invalid", Detail: "use a next_cursor as it was given"})
}

// cut returns the first items, limit at most, and the cursor of what follows
// them; nil when nothing does. So one more than the limit has to be asked for.
func cut[T any, ID ~int64](items []T, limit int, id func(T) ID) ([]T, *string) {
	if len(items) <= limit {
		return items, nil
	}
	next := formatCursor(id(items[limit-1]))
	return items[:limit], &next
}
