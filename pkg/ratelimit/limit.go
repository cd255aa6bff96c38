package ratelimit

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Errors of wrong use, reported at once.
var (
	ErrName  = errors.New("ratelimit: the limiter has no name")
	ErrKey   = errors.New("ratelimit: key is empty or longer than 512 bytes")
	ErrRate  = errors.New("ratelimit: rate or period is not positive, or out of range")
	ErrBurst = errors.New("ratelimit: burst is below 1, or out of range")
	ErrCount = errors.New("ratelimit: count is below 1 or above the burst")
	// ErrConfig: a setting has no meaning.
	ErrConfig = errors.New("ratelimit: bad setting")
)

// Limit is Rate events per Per on average and Burst at once.
type Limit struct {
	Rate  int64
	Per   time.Duration // 1 ms to 366 days, whole microseconds
	Burst int64
}

// PerSecond is rate events a second, and burst at once.
func PerSecond(rate, burst int64) Limit { return Limit{Rate: rate, Per: time.Second, Burst: burst} }

// PerMinute is rate events a minute, and burst at once.
func PerMinute(rate, burst int64) Limit { return Limit{Rate: rate, Per: time.Minute, Burst: burst} }

const (
	maxPeriod = 366 * 24 * time.Hour
	// Lua counts in float64, which is exact up to 2⁵³; half is left for sums.
	maxExact = 1 << 52
	// minInterval keeps GCRA's rounding of an interval to microseconds under
	// a tenth.
	minInterval = 10 * time.Microsecond
)

// validate reports a limit that cannot work, as ErrRate or ErrBurst.
func (l Limit) validate(a Algorithm) error {
	switch {
	case l.Rate < 1, l.Rate > 1_000_000_000:
		return fmt.Errorf("%w: rate %d", ErrRate, l.Rate)
	case l.Per < time.Millisecond, l.Per > maxPeriod, l.Per%time.Microsecond != 0:
		return fmt.Errorf("%w: period %v", ErrRate, l.Per)
	case a == GCRA && l.Per/time.Duration(l.Rate) < minInterval:
		return fmt.Errorf("%w: GCRA needs %v between events, %d per %v has less", ErrRate, minInterval, l.Rate, l.Per)
	case l.Burst < 1, l.Burst > maxExact/l.Per.Microseconds():
		return fmt.Errorf("%w: burst %d", ErrBurst, l.Burst)
	case float64(l.Burst)*float64(l.Per) > float64(maxPeriod)*float64(l.Rate):
		return fmt.Errorf("%w: %d need more than %v to come back", ErrBurst, l.Burst, maxPeriod)
	}
	return nil
}

// interval is the time between two events at the rate, rounded up to a unit.
func (l Limit) interval(unit time.Duration) time.Duration {
	per, rate := int64(l.Per/unit), l.Rate
	return time.Duration((per+rate-1)/rate) * unit
}

// Result is a decision. The zero value refuses.
type Result struct {
	Allowed    bool
	Limit      int64         // the burst
	Remaining  int64         // events that would be allowed now
	RetryAfter time.Duration // until as many would be allowed; 0 when allowed
	ResetAfter time.Duration // until the whole burst would be allowed
	// Degraded says that Redis did not answer and the policy decided.
	Degraded bool
}

// seconds rounds up, as a client that comes a moment too early is refused.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
