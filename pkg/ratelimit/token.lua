-- Decides on one request by a token bucket, and charges it when it is allowed.
-- KEYS[1] the key, which holds "at:debt": what the bucket lacked at a µs.
-- ARGV[1] tokens per period; ARGV[2] µs of the period; ARGV[3] burst;
-- ARGV[4] tokens asked for.
-- Returns {allowed, tokens left, µs until these would be allowed, µs until full}.
-- Debt is counted in tokens × period, of which a µs pays off as many as there
-- are tokens per period: whole numbers, so that nothing is lost by rounding.
-- The clock, the read and the write are one step of Redis, so no two requests
-- take the same token, and all are measured by one clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rate, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local capacity, cost = ARGV[3] * period, ARGV[4] * period
local at, debt = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
at, debt = tonumber(at or now), tonumber(debt or 0)
local setBack = now < at
debt = math.min(math.max(debt - math.max(now - at, 0) * rate, 0), capacity)
local wait = math.ceil((debt + cost - capacity) / rate)
local allowed = wait <= 0
if allowed then
  debt = debt + cost
end
local full = math.ceil(debt / rate)
-- A refusal changes nothing, but a clock that was set back starts anew: else
-- nothing would be paid off until it has caught up.
if allowed or setBack then
  -- As text: Redis would print a number of this size as 1.79e+15.
  redis.call('SET', KEYS[1], string.format('%.0f:%.0f', now, debt), 'PX', math.max(math.ceil(full / 1000), 1))
end
return {allowed and 1 or 0, math.floor((capacity - debt) / period), math.max(wait, 0), full}
