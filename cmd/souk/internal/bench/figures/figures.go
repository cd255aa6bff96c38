// Package figures makes the numbers that a bench reports out of what it
// measured: percentiles that are not estimates, and no more digits than a run
// can vouch for.
package figures

import (
	"math"
	"slices"
	"time"
)

// Percentile returns the nearest-rank percentile (0 < p <= 100) of values that
// are sorted: the smallest of them that at least p percent do not exceed. 0 for
// no values.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// Sorted leaves values as they are.
func Sorted(values []time.Duration) []time.Duration {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted
}

// Milliseconds keeps two digits.
func Milliseconds(d time.Duration) float64 { return Round(float64(d)/float64(time.Millisecond), 2) }

// MicrosecondsEach is d over n in microseconds, 0 when there are none.
func MicrosecondsEach(d time.Duration, n int) float64 {
	return Round(Share(d, time.Duration(n))/float64(time.Microsecond), 1)
}

// PerSecond is n over d, 0 when no time has passed.
func PerSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return Round(float64(n)/d.Seconds(), 1)
}

// Share is part over whole, 0 when there is no whole.
func Share[T ~int | ~int64 | ~float64](part, whole T) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Round keeps so many digits after the point: more would claim a precision
// that a run does not have.
func Round(x float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(x*unit) / unit
}
