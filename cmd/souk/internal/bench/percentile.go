package bench

import (
	"math"
	"slices"
	"time"
)

// percentile returns the nearest-rank percentile (0 < p <= 100) of values that
// are sorted: the smallest of them that at least p percent do not exceed. 0 for
// no values.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// sortedCopy leaves values as they are.
func sortedCopy(values []time.Duration) []time.Duration {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted
}

func milliseconds(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 2) }

// round keeps so many digits after the point: more would claim a precision
// that a run does not have.
func round(x float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(x*unit) / unit
}
