// Package pubsub is not for domain events: it broadcasts hints, such as "drop
// this key", that may be lost and that every process can do without.
//
// It is Redis PUBLISH on one channel, made so that a subscriber knows when it
// has missed something:
//
//   - every broadcast carries an epoch and a sequence number that a script in
//     Redis issues together with the PUBLISH. A gap, or another epoch because
//     Redis was wiped, makes every subscription resync;
//   - a subscriber that hears nothing for Config.Idle sends a PING and demands
//     any frame in return, else it reconnects: a plain subscription does not
//     notice a black-holed connection for more than a minute;
//   - after every connection, and when the last broadcast of a series was
//     lost, it compares its position with the one stored in Redis and resyncs.
//
// A resync means: "you may have missed any number of messages, start from the
// truth", for a cache: drop everything local.
//
// Handlers run on a goroutine per subscription with a bounded queue, so they
// never block the reader; a queue that overflows is emptied and turned into
// one resync.
package pubsub
