// Package cache keeps answers of a slow source close: typed values in process
// memory (L1) before encoded ones in Redis (L2) before the source.
//
// # What a reader may rely on
//
// Invalidate is called after the source has changed. When it, or Set, has
// returned without an error:
//
//   - in this process no read that begins then returns an older value;
//   - in every other process, no read that asks L2 does. A read that L1 answers
//     may return an older value until the broadcast has arrived there, some
//     milliseconds later, or the entry expires.
//
// Reads that overlap a change may return the old value or the new one: the
// cache is a regular register (Lamport, 1986), not an atomic one. The rules
// that make it so:
//
//   - a miss takes a lease in L2, a placeholder with a random token, before
//     it asks the source; the fill is a compare-and-set on that token, and
//     Invalidate deletes the placeholder with everything else (after the
//     leases of Facebook's memcache, NSDI 2013). A refresh replaces exactly
//     the entry that it saw when it began, by a random number in that;
//   - an L1 entry is written only when no invalidation of its key arrived
//     since before the lookup began (a generation per key stripe);
//   - callers share what is under way for a key in their process. Each
//     exchange with L2 is for those who came before it began: what it found,
//     and what was loaded under a lease that it found intact. Whoever came
//     later looks again, in memory and in L2. Only while Redis is away, when
//     nobody can know of a change elsewhere, is a load for all who come.
//
// All of it rests on one Redis that keeps its data: a failover to a replica
// that missed a deletion brings the old value back until its TTL.
//
// # How long a value lives
//
// Up to SoftTTL it is served. From then to TTL, the hard limit in both levels,
// it is served and reloaded in the background; each read may begin that
// earlier by chance, the sooner the longer the load takes (XFetch: Vattani,
// Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention",
// VLDB 2015). Of all processes one reloads. WithLifetime gives values TTLs of
// their own. Deadlines travel with the value as times of the loader's clock,
// so clocks should agree within a fraction of the TTLs; Redis' own expiry and
// L1TTL bound what a clock that is off can do. A value from Set has no known
// load time and is reloaded from SoftTTL on. From its end in L1, and for
// StaleFor, a value stands in for a source that fails.
//
// Absence ("the source has no such key") is cached too, as a flag of the
// entry and not as a value.
//
// # Values are shared
//
// L1 keeps the value itself, not a copy, and callers share what one of them
// loads: all readers of a process get the same slices, maps and pointers, and
// so does who loads or calls Refresh. Whoever changes what they point to changes
// it for everybody, and races with them. Copy before you change.
//
// # Load on the source
//
// One load per key and lease across processes, also when the source is so slow
// that leases lapse (who waited in vain gets ErrBusy); one per key and process
// while Redis is away or grants no lease; and at most Config.MaxLoads at a time in a process
// whatever the state of Redis. A load that a change has made too old is not
// counted: the next reader begins another. A load runs under its own deadline,
// so a caller who gives up does not fail the others who wait for it. A [Filter]
// keeps away those who ask for keys that do not exist, at no cost in Redis or
// the source.
//
// # Memory
//
// L1 holds up to Config.MaxCost. Its policy is that of otter v2, W-TinyLFU
// with a window that adapts itself (Einziger et al., "Adaptive Software Cache
// Management", Middleware 2018): near LRU for a load that favours what is
// recent, near LFU for one that favours what is frequent. otter offers no
// other, so there is no setting. L1 expiry counts from the write.
//
// # When Redis is away
//
// Reads go to L1 and then straight to the source; after a failure Redis is
// left alone for Config.RetryAfter, and then one caller tries. A failure is to get
// no answer, or that Redis is loading, its cluster down or its clients too many.
// Whatever else it refuses, such as a lease when it is full, concerns that key:
// it is loaded without. All nodes of a cluster count as one Redis: while one is
// away, reads of the keys of the others also go to the source. Invalidate reports
// the error: what other processes and L2 hold may then be served until its TTL.
// A bus that may have missed a broadcast drops all of L1.
//
// # Deadlines and cancellation
//
// A read ends with its context, and a caller whose context has ended begins
// nothing in Redis or the source. Whoever waits for a flight, so for a load or
// for the lookup of another, leaves at once. Whoever looks in Redis does that on
// his own goroutine, as another would slow down every hit: his deadline is kept,
// but a mere cancellation he notices when Redis answers, or when it has not
// within redisclient.Config.IOTimeout, 700 ms by default, retries included. A
// Redis that falls silent delays by that all who look in it until the first has
// noticed, side by side, and from then on one caller at a time: see above.
//
// # Panics
//
// A loader, a codec or a function of WithCost or WithLifetime that panics fails
// the reads that wait for that key with an error, is counted in Stats.Panics,
// and harms no other key and no later read. A Decode that panics makes the entry
// unreadable, and so loaded anew; a cost that panics leaves the value in Redis,
// for processes that can measure it.
//
// # Wrong use
//
// is reported at once and changes nothing, but that Invalidate drops the keys
// that are right: ErrKey (empty, over 512 bytes or
// not UTF-8), ErrName (the same with over 128 bytes, or with one of : ~ { }),
// ErrNoLoader, ErrTTL (a duration under 1 ms; zero is the default), ErrConfig,
// ErrNoRedis, ErrNoBus, ErrCodec. An [OversizeError] refuses a value over
// Config.MaxValue: Get fails, because every later read would have to load it
// again, and Set invalidates. So it is with what the codec refuses.
package cache
