// Package cache keeps answers of a slow source close: typed values in process
// memory (L1) before encoded ones in Redis (L2) before the source.
//
// # What a reader may rely on
//
// When Invalidate has returned without an error, no process fills L2 with a
// value loaded before it, and this process serves none; other processes drop
// their L1 entry when the broadcast arrives, or when it expires. The rules
// that make it so:
//
//   - a miss takes a lease in L2, a placeholder with a random token, before
//     it asks the source; the fill is a compare-and-set on that token, and
//     Invalidate deletes the placeholder with everything else (after the
//     leases of Facebook's memcache, NSDI 2013);
//   - an L1 entry is written only when no invalidation of its key arrived
//     since before the lookup began (a generation per key stripe);
//   - a load that is under way when a key is invalidated is not joined by
//     readers who come later.
//
// # Load on the source
//
// One load per key and process, one per lease across processes, and at most
// Config.MaxLoads at a time in a process whatever the state of Redis. A load
// runs under its own deadline, so a caller who gives up does not fail the
// others who wait for it.
//
// # When Redis is away
//
// Reads go to L1 and then straight to the source; after a failure Redis is
// left alone for Config.RetryAfter. Invalidate reports the error: what other
// processes and L2 hold may then be served until its TTL. A bus that
// reconnects drops all of L1.
//
// Absence ("the source has no such key") is cached too, as a flag of the
// entry and not as a value.
package cache
