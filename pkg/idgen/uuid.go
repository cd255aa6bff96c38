package idgen

import "github.com/google/uuid"

// UUIDv4 returns a random UUID (RFC 9562, section 5.4), for what must not be
// guessed and needs no order.
func UUIDv4() uuid.UUID { return uuid.New() }

// UUIDv7 returns a UUID that begins with the time in milliseconds (RFC 9562,
// section 5.7). Those of one process rise; those of others are ordered only by
// their clocks. Its Time method tells the time.
func UUIDv7() uuid.UUID { return uuid.Must(uuid.NewV7()) } // fails only without randomness, which Go has always
