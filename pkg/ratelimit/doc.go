// Package ratelimit bounds how often something may happen across all
// processes: of the events of one key, at most burst + rate × T are allowed in
// any window of length T.
//
// The state of a key is one value in Redis, changed by one script and measured
// by Redis' own clock, so neither the number of callers nor the skew of their
// clocks matters. A decision is one round trip. While two calls for a key are
// under way in a process, further callers gather and share the next, which
// decides on each of them in the order they came; tokens are never taken in
// advance. While a key is known to be over its limit, it is refused without
// asking Redis at all.
//
// Two algorithms keep the same bound:
//
//   - [TokenBucket] counts in fractions of a token and is exact at any rate.
//   - [GCRA] keeps one timestamp, the theoretical arrival time of the next
//     event, and rounds the interval between events up to whole microseconds.
//     It is the leaky bucket as a meter (ITU-T I.371, "Generic Cell Rate
//     Algorithm"; B. Ortiz, "Rate Limiting, Cells, and GCRA", 2015). With a
//     burst of 1 it spaces events evenly.
//
// When Redis does not answer, a limiter decides by its [Policy], at once and
// without asking Redis again until Config.RetryPause has passed: one call then
// tries, and the others go on without. That holds for all keys: in a Cluster one
// node's outage has every key decided by the policy, but for the calls that try.
// An answer that is an error (OOM, READONLY, WRONGTYPE) leaves only the calls
// that got it to the policy. The bound holds across processes only while
// one Redis keeps its data and its clock: a Redis that comes back empty starts
// every key with a full bucket.
package ratelimit
