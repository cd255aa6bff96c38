// Package redlock keeps work from being done twice at the same time: a lock
// in Redis with a watchdog that renews it and a context that ends before the
// lock can.
//
// The lock is for efficiency. A process that sleeps past its expiry, or a
// Redis that lost its memory, can let two holders run; what must be correct
// is guarded in SQL. The context of a [Lock] is cancelled, with [ErrLost] as
// its cause, before the key can expire, so a holder that minds its context
// stops in time.
//
// Acquiring and releasing are redsync's (SET NX with a random value; delete
// and extend only when the value is still ours).
package redlock
