-- Decides on one request by GCRA, and charges it when it is allowed.
-- KEYS[1] the key, which holds the theoretical arrival time (TAT): the µs at
-- which the bucket is full again.
-- ARGV[1] µs between two tokens; ARGV[2] burst; ARGV[3] tokens asked for.
-- Returns {allowed, tokens left, µs until these would be allowed, µs until full}.
-- The clock, the read and the write are one step of Redis, so no two requests
-- are charged to the same TAT, and all are measured by one clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = interval * burst
-- No TAT is further ahead than a full burst, unless the clock was set back.
local tat = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, now), now + full)
local wait = tat + interval * asked - now - full
if wait > 0 then
  return {0, math.floor((full - (tat - now)) / interval), wait, tat - now}
end
tat = tat + interval * asked
-- As text: Redis would print a number of this size as 1.79e+15.
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
return {1, math.floor((full - (tat - now)) / interval), 0, tat - now}
