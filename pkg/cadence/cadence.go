// Package cadence spaces batches under load.
//
// Who commits whatever has come together since the last commit commits little,
// and often, for as long as the machine can bear it: what a batch costs whatever
// it holds eats up what is left of the processors, and everybody waits for them.
// Batches that begin no sooner than a certain time after one another are fewer
// and fuller. Whoever comes alone does not wait.
package cadence

import "time"

// perItem is the time from one batch to the next for each item of the one: at
// less than a thousand items a second the spaces shrink to nothing, at more they
// grow to the longest.
const perItem = time.Millisecond

// Cadence tells one loop when its next batch may begin. The zero value never
// lets it wait.
type Cadence struct {
	Longest time.Duration // from the beginning of one batch to that of the next
	ready   time.Time
}

// Begin takes note that a batch of so many items begins now.
func (c *Cadence) Begin(items int) {
	c.ready = time.Now().Add(min(c.Longest, time.Duration(items)*perItem))
}

// Left is how long the next batch is to wait; 0 or less is not at all.
func (c *Cadence) Left() time.Duration { return time.Until(c.ready) }
