// Package pubsub is not for domain events: it broadcasts hints, such as "drop
// this key", that may be lost and that every process can do without.
//
// It is Redis PUBLISH on one channel, made so that a subscriber knows when it
// has missed something, and mostly gets it back:
//
//   - every frame carries an epoch, a sequence number, a nonce of its own and
//     the nonce of the frame before it, put there by the script that sends it.
//     A number alone would not do: a Redis that comes back with an older memory
//     (AOF everysec, a replica that lagged) issues the same numbers again, for
//     other messages;
//   - the same script keeps the last frames in a capped stream. A subscriber
//     that missed some reads them there, if its own last frame still stands
//     before them; otherwise every subscription resyncs. A frame that is too
//     large, or that a full Redis (maxmemory) has no room for, is sent without,
//     and whoever missed it resyncs;
//   - a subscriber that hears nothing for Config.Idle sends a PING and demands
//     any frame in return, else it reconnects: a plain subscription does not
//     notice a black-holed connection for more than a minute. It also compares
//     its position with the stored one, as nothing follows a lost last frame.
//
// A resync means: "you may have missed any number of messages, start from the
// truth", for a cache: drop everything local.
//
// # Delivery
//
// Frames are handled in order. A message may come twice around a resync; one
// with a version comes once, and not after a newer one of its key, as long as
// the subscription remembers the key (Config.KeysMax). Handlers run on a
// goroutine per subscription with a bounded queue, so they never block the
// reader; a queue that overflows is emptied and turned into one resync.
//
// # Cost
//
// A frame is one script call of four commands; concurrent calls of Publish
// share a frame of up to 64 KiB. It works on one server, across a failover and
// in a Redis Cluster, where it is plain PUBLISH: every node gets every frame,
// so keep messages tiny. (Sharded channels, SPUBLISH, would save that and need
// Redis 7 everywhere.)
//
// # State
//
// [State] is a value that every process reads and few change, such as a
// blacklist or feature flags, kept in Redis and followed by these broadcasts.
package pubsub
