// Package saga carries out long processes step by step over one SQL database:
// each step is a local transaction, and a process that cannot be finished is
// undone by compensations (H. Garcia-Molina and K. Salem, "Sagas", SIGMOD 1987).
//
// A saga goes through the steps of its [Definition] in order. A step is a plain
// function on the transaction that advances the saga, so what it writes and
// where the saga stands are one commit. It is Done at once, or it appends a
// command to the outbox and is Waiting; the reply comes through [Engine.Signal]
// in whatever transaction hears of it. It must not call anything outside the
// transaction.
//
// What the engine sees to:
//
//   - A step that waits too long, or fails, is issued again: a step runs at
//     least once, and must be idempotent. Waits double up to a cap.
//   - A step that refuses (see [Refuse]) turns the saga back: the steps before
//     it that may have had an effect are undone, in reverse order, and the saga
//     ends COMPENSATED. A step whose attempts are used up turns it back too, and
//     is undone itself, because nobody knows whether it took place.
//   - The pivot is the point of no return. It may refuse; but once it may have
//     taken place there is only forward, and a refusal after it is a failure.
//   - What can neither go on nor back (the pivot or a later step, or a
//     compensation, whose attempts are used up) is STUCK: an ERROR in the log
//     and the gauge souk_sagas{status="STUCK"}. It waits for an [Operator], or
//     for its reply, which is still taken.
//   - A reply that nobody waits for any more changes nothing: duplicates, late
//     ones, and those of an action that is being undone.
//
// The saga's row is locked while anything changes it, and due again only when
// its wait is over, so any number of processes may run the same engine on one
// database: a step is issued twice only after its wait, never by two at a time.
// A process that dies leaves the saga at its last commit; the others go on. All
// times that are compared are the database's.
//
// A participant in another database is asked at least once, late and out of
// order. [Barrier] tells it what to carry out: the sub-transaction barrier of
// DTM (github.com/dtm-labs/dtm, dtmcli/barrier.go), which handles duplicates,
// empty compensations and hanging actions by two inserts. The promise of a
// participant: what it refused it never carries out, and it answers a command
// that comes again as it did before.
package saga
