-- Decides on requests of a key by a token bucket, one after the other, and
-- charges those that are allowed.
-- KEYS[1] the key, which holds "at:debt": what the bucket lacked at a µs.
-- ARGV[1] tokens per period; ARGV[2] µs of the period; ARGV[3] burst;
-- ARGV[4] and those after it: tokens that each request asks for, or gives back
-- if negative.
-- Returns in one list, for each: allowed, tokens left, µs until as many would be
-- allowed, µs until full.
-- Debt is counted in tokens × period, of which a µs pays off as many as there
-- are tokens per period: whole numbers, so that nothing is lost by rounding.
-- The clock, the read and the write are one step of Redis, so no two requests
-- take the same token, and all are measured by one clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rate, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local capacity = ARGV[3] * period
local at, debt = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
at, debt = tonumber(at or now), tonumber(debt or 0)
local setBack = now < at
debt = math.min(math.max(debt - math.max(now - at, 0) * rate, 0), capacity)
local charged, reply = false, {}
for i = 4, #ARGV do
  local cost = ARGV[i] * period
  local wait = math.ceil((debt + cost - capacity) / rate)
  if wait <= 0 then
    debt, charged = math.max(debt + cost, 0), true
  end
  local n = #reply
  reply[n + 1], reply[n + 2] = wait <= 0 and 1 or 0, math.floor((capacity - debt) / period)
  reply[n + 3], reply[n + 4] = math.max(wait, 0), math.ceil(debt / rate)
end
-- A refusal changes nothing, but a clock that was set back starts anew: else
-- nothing would be paid off until it has caught up.
if charged or setBack then
  -- As text: Redis would print a number of this size as 1.79e+15.
  redis.call('SET', KEYS[1], string.format('%.0f:%.0f', now, debt), 'PX', math.max(math.ceil(debt / rate / 1000), 1))
end
return reply
