// Package redlock keeps work from being done twice at the same time: a lock in
// Redis, or in the majority of several, with a watchdog that renews it, a
// context that ends before the lock can, and a fencing token. [Elector] has one
// of many processes lead by it.
//
// # What it promises
//
// The lock itself is for efficiency. A process that sleeps past its expiry, or
// a Redis that lost its memory, lets two holders run at a time, as any lock
// with an expiry does (M. Kleppmann, "How to do distributed locking", 2016).
// The context of a [Lock] is cancelled, with [ErrLost] as its cause, before the
// key can expire, so a holder that minds its context stops in time unless it
// sleeps.
//
// Correctness comes from the fence. It is issued in the script that takes the
// lock, as max(last + 1, the server's time in µs), so the fences of a name
// strictly increase in the order of its holders, also after FLUSHALL and on a
// Redis that was replaced empty, unless its clock is then behind the last
// fence. Whatever the holder writes to checks it:
//
//	UPDATE report SET body = ?, fence = ? WHERE id = ? AND fence <= ?
//
// with the fence as second and last argument; where no row changes, the writer
// is no longer the holder and stops.
//
// # How it works
//
// Underneath is redsync: a [Lock] is a mutex of it, and with [WithNodes] it
// asks all nodes at once and needs the majority of them (the Redlock algorithm,
// redis.io, "Distributed Locks with Redis", drift 0.01). Its connections run
// our scripts instead of its own, one round trip each: the one that takes the
// lock issues the fence, and the one that frees it wakes who waits. Of several
// nodes, the majority also learns the fence, which therefore increases although
// their clocks differ.
//
// Each caller asks Redis once, and who is refused waits. Releasing publishes a
// message, and those who wait hear it over one subscription per [Locker] and
// node; of those in one process, the first in the queue alone asks again.
// Between processes there is no order. A timer stands in for messages that were
// lost and for holders that died.
//
// A single server, several of them and Redis Cluster work alike; in a cluster
// each lock lives in one slot.
package redlock
