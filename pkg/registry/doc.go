// Package registry tells processes where the instances of a service are.
//
// An [Announcer] keeps one instance in Redis by a heartbeat, a [Watcher] keeps
// a service's list. Each beat and each look is one script on Redis' clock, so
// the clocks of the processes do not matter. A service has a version that rises
// whenever its membership changes, and only then; whoever changes it says so
// in one broadcast, and watchers look at the list. They also look at times of
// their own accord, because a broadcast may be lost.
//
// # What a reader may rely on
//
//   - An instance that deregistered is gone for good: a beat of it that was on
//     its way does not bring it back.
//   - One that dies without a word is gone after Config.TTL, at the next look
//     of anybody.
//   - The last good list stands while Redis is away. When Redis is back, empty
//     or with what it knew, instances leave the list only after a TTL, in which
//     all who live have said so: neither a wipe nor an outage empties a list.
//
// Packages [souk.example/pkg/registry/balance] and
// [souk.example/pkg/registry/roundtrip] choose among instances and send HTTP
// requests to them.
package registry
